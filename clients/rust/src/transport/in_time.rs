//! Time limit that is fair to a process that was stopped.

use std::{pin::pin, time::Duration};

use tokio::time::{error::Elapsed, timeout};

/// Time for the work to handle what has arrived when its time is over.
const LAST_CHECK: Duration = Duration::from_millis(100);

/// Like [`timeout`], but a response that has arrived by then counts: after a stop of the process or a suspend of the
/// machine, the timer is noticed first.
pub(crate) async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut work = pin!(work);
    match timeout(limit, &mut work).await {
        Ok(done) => Ok(done),
        Err(_) => timeout(LAST_CHECK, work).await,
    }
}
