//! Releasing a slot of the classic protocol: retried for a limited time, and never more important than the
//! command's exit status.

use std::time::Duration;

use tokio::{
    select,
    time::{sleep, timeout},
};

use crate::program::{console::Console, signals::Signals};
use distributex_client::{Backoff, ClassicAnswer, ClassicCall, ClassicClient, Server};

/// Time limit of the retries.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit after a signal. A second signal ends them at once.
const TIMEOUT_AFTER_SIGNAL: Duration = Duration::from_secs(2);

/// Releases the slot, or reports that it could not be released.
pub(super) async fn release(client: &ClassicClient, signals: &mut Signals, console: Console) {
    let mut problem = "no response".to_owned();
    let is_released = select! {
        done = attempts(client, &mut problem) => done,
        () = sleep(RELEASE_TIMEOUT) => false,
        () = give_up_after_signal(signals) => false,
    };
    let pool = &client.pool;
    if is_released {
        console.verbose(format_args!("released the slot of {pool:?}"));
    } else {
        report_failure(pool, &client.server, &problem, console);
    }
}

/// Reports that a slot could not be released.
pub(super) fn report_failure(pool: &str, server: &Server, problem: &str, console: Console) {
    console.error(format_args!(
        "could not release the slot of {pool:?} at {server}: {problem}; it stays held until it expires"
    ));
}

/// Retries until the server confirms. False if it never will.
async fn attempts(client: &ClassicClient, problem: &mut String) -> bool {
    let mut backoff = Backoff::new();
    loop {
        match client.start(ClassicCall::Release).answer().await {
            Ok(ClassicAnswer::Ok) => return true,
            Ok(ClassicAnswer::Invalid) => {
                *problem = "the server no longer has this pool or host".to_owned();
                return false;
            }
            Ok(ClassicAnswer::Yes | ClassicAnswer::No | ClassicAnswer::Unavailable) => {
                *problem = "the server is unavailable".to_owned();
            }
            Err(error) => *problem = error.to_string(),
        }
        sleep(backoff.pause()).await;
    }
}

/// Waits until a signal and a grace period, or a second signal.
pub(super) async fn give_up_after_signal(signals: &mut Signals) {
    signals.next_end().await;
    let _ = timeout(TIMEOUT_AFTER_SIGNAL, signals.next_end()).await;
}
