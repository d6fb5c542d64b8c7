//! Giving a classic slot back: tried again for a while, and never more important than the command's own end.

use std::time::Duration;

use tokio::{
    select,
    time::{sleep, timeout},
};

use super::{console::Console, signals::Signals};
use distributex_client::{Backoff, ClassicAnswer, ClassicCall, ClassicClient, Server};

/// How long to try.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to try on after a signal. A second one ends it at once.
const TIMEOUT_AFTER_SIGNAL: Duration = Duration::from_secs(2);

/// Gives the slot back, or says that it could not be.
pub(super) async fn give_back(asker: &ClassicClient, signals: &mut Signals, console: Console) {
    let mut trouble = "it does not answer".to_owned();
    let is_back = select! {
        taken = attempts(asker, &mut trouble) => taken,
        () = sleep(RELEASE_TIMEOUT) => false,
        () = give_up_after_signal(signals) => false,
    };
    let pool = &asker.pool;
    if is_back {
        console.verbose(format_args!("gave the slot of {pool:?} back"));
    } else {
        not_taken(pool, &asker.server, &trouble, console);
    }
}

/// Says that a slot could not be given back.
pub(super) fn not_taken(pool: &str, server: &Server, trouble: &str, console: Console) {
    console.error(format_args!(
        "could not give the slot of {pool:?} back to {server}: {trouble}; it stays held until it expires"
    ));
}

/// Asks until the server took it. False if it never will.
async fn attempts(asker: &ClassicClient, trouble: &mut String) -> bool {
    let mut backoff = Backoff::new();
    loop {
        match asker.start(ClassicCall::Release).answer().await {
            Ok(ClassicAnswer::Ok) => return true,
            Ok(ClassicAnswer::Invalid) => {
                *trouble = "it knows no such pool or host any more".to_owned();
                return false;
            }
            Ok(ClassicAnswer::Yes | ClassicAnswer::No | ClassicAnswer::Unavailable) => {
                *trouble = "it cannot just now".to_owned();
            }
            Err(error) => *trouble = error.to_string(),
        }
        sleep(backoff.pause()).await;
    }
}

/// Comes back when the user is in a hurry.
pub(super) async fn give_up_after_signal(signals: &mut Signals) {
    signals.next_end().await;
    let _ = timeout(TIMEOUT_AFTER_SIGNAL, signals.next_end()).await;
}
