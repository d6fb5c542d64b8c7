//! A time limit that is fair to a process which was stopped.

use std::{pin::pin, time::Duration};

use tokio::time::{error::Elapsed, timeout};

/// How long the work may look at what has arrived when its time is over.
const LAST_CHECK: Duration = Duration::from_millis(100);

/// As [`timeout`], but a response that has arrived by then counts: after a stop of the process or a sleep of the
/// machine, the end of the time is noticed first.
pub(super) async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut work = pin!(work);
    match timeout(limit, &mut work).await {
        Ok(done) => Ok(done),
        Err(_) => timeout(LAST_CHECK, work).await,
    }
}
