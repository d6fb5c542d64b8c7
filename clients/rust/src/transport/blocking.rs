//! Blocking calls with a time limit, such as the name service's.

use std::{thread, time::Duration};

use tokio::{sync::oneshot, time::timeout};

/// The result of `work`, or `None` if it takes longer than `patience`.
///
/// It runs on a separate thread: unlike one of a thread pool, a hanging one does not keep the process from ending.
pub async fn run_blocking<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = oneshot::channel();
    let started = thread::Builder::new().name("lookup".to_owned()).spawn(move || {
        let _ = tell.send(work()); // the receiver is gone: too late
    });
    started.ok()?;
    timeout(patience, told).await.ok()?.ok()
}
