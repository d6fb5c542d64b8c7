//! Reload of the configuration, on HUP or by an admin action.

use std::{fs, io, path::Path, sync::Arc, thread, time::Duration};

use distributex_actors::{Operator, backend};
use distributex_config::Config;
use log::{error, info, warn};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::{sleep, timeout},
};

use super::{shared::Shared, systemd};

/// Maximum delay until the start of the pools is noticed.
const NOT_STARTED: Duration = Duration::from_millis(10);

/// Time limit for reading the file.
const READING: Duration = Duration::from_secs(10);

/// Result of a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadReport {
    /// Number of pools.
    pub pools: usize,
    /// Keys whose new values take effect only after a restart.
    pub need_restart: Vec<&'static str>,
}

/// Reloads the file at each HUP.
///
/// # Errors
/// When the signal cannot be handled.
pub fn on_signal(shared: Arc<Shared>) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    actix_rt::spawn(async move {
        while hangup.recv().await.is_some() {
            while shared.registry().is_none() {
                sleep(NOT_STARTED).await;
            }
            let _ = reload(&shared, None).await; // already logged
        }
    });
    Ok(())
}

/// Reads a configuration that this program can serve.
///
/// # Errors
/// All mistakes, one per line.
pub fn read(file: &Path) -> Result<Config, String> {
    let config = distributex_config::read(file).map_err(|mistakes| mistakes.to_string())?;
    backend::check(&config).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(config)
}

/// Reloads the file on behalf of this operator or a signal, and reports to systemd and the log.
///
/// # Errors
/// All mistakes of the file, one per line, or that it cannot be read now; nothing has changed then.
pub async fn reload(shared: &Shared, operator: Option<&Operator>) -> Result<ReloadReport, String> {
    let _alone = shared.reloading().await;
    systemd::reloading();
    let reloaded = follow(shared).await;
    systemd::ready();
    log_result(&reloaded, shared.file(), operator);
    reloaded
}

fn log_result(reloaded: &Result<ReloadReport, String>, file: &Path, operator: Option<&Operator>) {
    let (author, reason) = match operator {
        Some(Operator { author, reason, .. }) => (&**author, &**reason),
        None => ("signal", "HUP"),
    };
    match reloaded {
        Ok(ReloadReport { pools, need_restart }) => {
            for key in need_restart {
                warn!(file:% = file.display(), key, hint = "takes effect after a restart"; "key_changed");
            }
            info!(file:% = file.display(), pools, author, reason; "reloaded");
        }
        Err(mistakes) => {
            for error in mistakes.lines() {
                error!(error, author, reason; "reload_rejected");
            }
        }
    }
}

/// A file with a mistake changes nothing.
async fn follow(shared: &Shared) -> Result<ReloadReport, String> {
    let registry = shared.registry().ok_or("the pools have not been started yet")?;
    let config = read_in_time(shared.file()).await?;
    let need_restart = registry.reload(&config);
    shared.set_keys(&config.admin.keys);
    shared.connection_limit().set_share(config.limits.connections_per_address);
    Ok(ReloadReport { pools: config.pools.len(), need_restart })
}

/// Reads a file on a separate thread, which hangs if the disk does, but not the server or its end.
async fn read_in_time(file: &Path) -> Result<Config, String> {
    let (done, config) = oneshot::channel();
    let path = file.to_owned();
    let started =
        thread::Builder::new().name("reload".to_owned()).spawn(move || drop(done.send(read_again(&path))));
    started.map_err(|error| format!("{}: cannot start a thread to read it: {error}", file.display()))?;
    let too_late = |_| format!("{}: not read within {} s", file.display(), READING.as_secs());
    let failed = |_| format!("{}: reading it failed", file.display());
    timeout(READING, config).await.map_err(too_late)?.map_err(failed)?
}

/// A terminal, a pipe or a FIFO can be read only once: reading it again might block forever.
fn read_again(file: &Path) -> Result<Config, String> {
    if fs::metadata(file).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
        return Err(format!("{}: not a regular file, so it cannot be read again", file.display()));
    }
    read(file)
}
