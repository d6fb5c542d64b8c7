//! The wrapper: runs a command only while this host holds a slot.
//!
//! ```text
//!  local lock ─► slot ─► command ─► rest of its group ─► slot given back ─► exit status
//! ```
//! Every way out passes the end of this line from where it left.

mod acquire;
mod command;
mod ending;
mod help;
mod host;
mod local_lock;
mod options;
mod release;
mod signals;
mod stop;
mod task;
mod terminal;
mod trouble;
mod voice;

pub use self::{ending::Ending, options::Options, task::Task};

use std::io;

use self::{acquire::Acquire, command::Job, signals::Signals, voice::Voice};
use crate::client::Classic;

/// Does what the options say, and tells how it ended.
pub async fn run(options: Options) -> Ending {
    let voice = Voice { verbose: options.verbose };
    match stages(&options, voice).await {
        Ok(ending) | Err(ending) => ending,
    }
}

/// The stages in their order; an `Err` is a way out before the command had run.
async fn stages(options: &Options, voice: Voice) -> Result<Ending, Ending> {
    let mut signals = Signals::watch().map_err(|error| refused_by_system(voice, "signals", &error))?;
    let _lock = local_lock::take(options, voice)?;
    let asker = asker(options).await;
    let waited = Acquire { asker: &asker, options, voice }.run(&mut signals).await?;

    let ending = match signals.ended_meanwhile().await {
        Some(signal) => Ending::Signalled(signal.as_raw()),
        None => match Job::start(options, &asker, waited, &mut signals) {
            Ok(job) => job.follow(&mut signals, options.wait_group, voice).await,
            Err(error) => options.task.not_started(&error, voice),
        },
    };
    release::give_back(&asker, &mut signals, voice).await;
    Ok(ending)
}

/// Who asks whom for what.
async fn asker(options: &Options) -> Classic {
    let host = match &options.host {
        Some(host) => host.clone(),
        None => host::name().await,
    };
    Classic { server: options.server.clone(), host, pool: options.pool.clone() }
}

fn refused_by_system(voice: Voice, what: &str, error: &io::Error) -> Ending {
    voice.say(format_args!("cannot set up {what}: {error}"));
    Ending::System
}
