//! The life of `distributexd`, from its command line to its exit status.

use std::{
    error::Error,
    ffi::OsString,
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use distributex_actors::{StateDirectory, backend};
use distributex_config::{Backend, Config, Pool};
use log::{info, warn};
use structopt::{StructOpt as _, clap};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{sleep, timeout},
};

use crate::program::exit_status;

use super::{
    Sockets, file_limits, listen,
    local::{self, SocketFile},
    options::ServerOptions,
    reload,
    shared::Shared,
    systemd,
};

/// Time limit for a store to report the fate of the last grants when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(700);

/// Time until connections accepted already have been read: the last are on their way to a worker, and would be reset.
const ACCEPT_SETTLE_TIME: Duration = Duration::from_millis(250);

/// Runs the server as the command line says.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match ServerOptions::from_iter_safe(args) {
        Ok(options) => options,
        Err(error) => return usage(&error),
    };
    let config = match reload::read(&options.config) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::from(exit_status::CONFIGURATION);
        }
    };
    if options.check {
        say(&format!("{}: valid, {}", options.config.display(), count(config.pools.len(), "pool")));
        return ExitCode::SUCCESS;
    }
    let started = match start(&options, config) {
        Ok(ready) => actix_rt::System::new().block_on(serve(&options, ready)),
        Err(error) => Err(error),
    };
    log::logger().flush();
    match started {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(exit_status::SYSTEM, &*error),
    }
}

/// Everything a server needs.
struct ReadyServer {
    config: Config,
    /// Its sockets.
    sockets: Sockets,
    /// The file of the admin socket.
    file: Option<SocketFile>,
    /// Whether another process keeps the TCP sockets open after the end of this one.
    are_kept: bool,
    /// Restored state, to be continued.
    state: Option<StateDirectory>,
}

/// Acquires everything from the system.
fn start(options: &ServerOptions, config: Config) -> Result<ReadyServer, Box<dyn Error>> {
    let passed = systemd::sockets()?; // before anything else is opened
    super::log::start(options.log_format)?;
    let state = config.state_dir.as_deref().map(StateDirectory::open).transpose()?;
    let are_kept = !passed.is_empty();
    let tcp = if are_kept { passed } else { listen::listen(&options.listen(&config))? };
    let (local, file) = config.admin.socket.as_deref().map(local::open).transpose()?.unzip();
    Ok(ReadyServer { config, sockets: Sockets { tcp, local }, file, are_kept, state })
}

/// Serves until a signal to stop.
async fn serve(options: &ServerOptions, ready: ReadyServer) -> Result<(), Box<dyn Error>> {
    let ReadyServer { config, sockets, file, are_kept, state } = ready;
    let limits = file_limits::raise();
    let shared = Shared::new(options.config.clone(), &config, limits.connections);
    let addrs: Vec<_> = sockets.tcp.iter().filter_map(|socket| socket.local_addr().ok()).collect();
    let restored = state.as_ref().map(StateDirectory::restored);
    let store = backend::open(&config, state)?;
    let server = super::server(config.clone(), limits, options.workers, sockets, store, &shared)?;
    reload::on_signal(Arc::clone(&shared))?;
    stop_on_signal(&server, shared, are_kept)?;
    for addr in &addrs {
        say(&format!("distributexd {} listens on http://{addr}", env!("CARGO_PKG_VERSION"))); // scripts may wait for it
    }
    let (version, backend) = (env!("CARGO_PKG_VERSION"), config.backend.word());
    let (max_open_files, max_parked) = (limits.open_files, limits.parked);
    info!(version, backend, max_open_files, max_parked; "started");
    log_configuration(&config, &addrs);
    log_state(&config, restored);
    systemd::ready();
    server.await?;
    drop(file);
    info!("stopped");
    Ok(())
}

/// Logs what was restored, or that a restart frees all slots.
fn log_state(config: &Config, restored: Option<(usize, usize)>) {
    match (&config.backend, &config.state_dir, restored) {
        (_, Some(directory), Some((leases, waiters))) => {
            info!(path:% = directory.display(), leases, waiters; "restored");
        }
        (Backend::InMemory, _, _) => {
            warn!(hint = "a restart frees all slots; set state_dir to keep them"; "no_state_directory");
        }
        (Backend::Memcache(_), _, _) => {}
    }
}

/// Logs the addresses, the ways to administer, and the pools.
fn log_configuration(config: &Config, addrs: &[SocketAddr]) {
    for addr in addrs {
        info!(address:% = addr; "listening");
    }
    let (socket, keys) = (config.admin.socket.as_ref(), config.admin.keys.len());
    if let Some(path) = socket {
        info!(path:% = path.display(); "admin_socket");
    }
    if keys > 0 {
        info!(keys; "admin_keys");
    }
    for Pool { name, expire, slots, servers, max_waiters } in &config.pools {
        let (pool, expire) = (name.as_str(), expire.map_or(0.0, |expire| expire.as_secs_f64()));
        match servers {
            Some(hosts) => info!(pool, slots, expire, max_waiters, hosts = hosts.len(); "pool"),
            None => info!(pool, slots, expire, max_waiters; "pool"),
        }
    }
}

/// Formats a number with a noun.
pub(super) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// On the first TERM or INT refuses waiters, then stops; on the second exits. Connections that were not accepted yet
/// are left to the next process, if it will have the same sockets.
fn stop_on_signal(server: &actix_server::Server, shared: Arc<Shared>, are_kept: bool) -> io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let handle = server.handle();
    actix_rt::spawn(async move {
        let number = next(&mut term, &mut int).await;
        info!(signal = number; "stopping");
        actix_rt::spawn(async move { std::process::exit(128 + next(&mut term, &mut int).await) });
        systemd::stopping();
        if are_kept {
            stop_accepting(&handle).await;
        }
        if let Some(pools) = shared.registry() {
            let _ = timeout(DRAIN_TIMEOUT, pools.drain()).await; // a slower store has already been sent every release that was answered
        }
        if !are_kept {
            stop_accepting(&handle).await;
        }
        handle.stop(true).await;
    });
    Ok(())
}

/// Stops accepting: a connection accepted later than its worker ends would be dropped without a response.
async fn stop_accepting(handle: &actix_server::ServerHandle) {
    handle.pause().await;
    sleep(ACCEPT_SETTLE_TIME).await;
}

async fn next(term: &mut Signal, int: &mut Signal) -> i32 {
    tokio::select! {
        _ = term.recv() => SignalKind::terminate().as_raw_value(),
        _ = int.recv() => SignalKind::interrupt().as_raw_value(),
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        eprintln!("{error}");
        return ExitCode::from(exit_status::USAGE);
    }
    say(&error.to_string());
    ExitCode::SUCCESS
}

fn failed(status: u8, error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("distributexd: {error}");
    ExitCode::from(status)
}

/// Prints a line on standard output; errors are ignored.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
