//! Work that blocks and cannot be stopped, as the name service's, with a limit to our patience.

use std::{thread, time::Duration};

use tokio::{sync::oneshot, time::timeout};

/// What `work` says, or nothing if it takes longer than `patience`.
///
/// The thread is on its own: one that hangs does not keep the process from ending, as a thread pool would.
pub async fn run_blocking<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = oneshot::channel();
    let started = thread::Builder::new().name("lookup".to_owned()).spawn(move || {
        let _ = tell.send(work()); // nobody listens any more: too late
    });
    started.ok()?;
    timeout(patience, told).await.ok()?.ok()
}
