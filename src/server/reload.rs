//! HUP: the configuration is read again, and the pools go on as it now says.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use distributex_actors::{Pools, Registry};
use distributex_config::Config;
use log::{error, info, warn};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use super::{Started, systemd};

/// How long it takes at most until it is seen that the pools have been started.
const START: Duration = Duration::from_millis(10);

/// From now on, HUP makes the server read this file again.
///
/// # Errors
/// When the signal cannot be had.
pub fn on_signal(file: PathBuf, pools: Started) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    actix_rt::spawn(async move {
        while hangup.recv().await.is_some() {
            let registry = loop {
                match pools.get() {
                    Some(registry) => break registry,
                    None => sleep(START).await,
                }
            };
            systemd::reloading();
            reload(&file, registry);
            systemd::ready();
        }
    });
    Ok(())
}

/// Reads a configuration that this program can serve.
///
/// # Errors
/// All mistakes, a line each.
pub fn read(file: &Path) -> Result<Config, String> {
    let config = distributex_config::read(file).map_err(|mistakes| mistakes.to_string())?;
    Pools::check(&config).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(config)
}

/// A file with a mistake changes nothing.
fn reload(file: &Path, registry: &Registry) {
    let config = match read(file) {
        Ok(config) => config,
        Err(mistakes) => {
            for mistake in mistakes.lines() {
                error!("not reloaded: {mistake}");
            }
            return;
        }
    };
    for key in registry.reload(&config) {
        warn!("{}: {key} has changed, which counts only after a restart", file.display());
    }
    info!("reloaded {}: {}", file.display(), super::run::count(config.pools.len(), "pool"));
}
