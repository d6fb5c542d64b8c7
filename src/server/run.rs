//! The life of `distributexd`, from its command line to its exit status.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    net::TcpListener,
    process::ExitCode,
};

use distributex_actors::Pools;
use distributex_config::{Config, Pool};
use log::info;
use structopt::{StructOpt as _, clap};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Started, limits, listen, options::Options};

/// Wrong usage (EX_USAGE of sysexits.h, as the next two).
const USAGE: u8 = 64;
/// The system refused something.
const SYSTEM: u8 = 71;
/// Wrong configuration.
const CONFIGURATION: u8 = 78;

/// Does what the command line says.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match Options::from_iter_safe(args) {
        Ok(options) => options,
        Err(error) => return usage(&error),
    };
    let config = match read(&options) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::from(CONFIGURATION);
        }
    };
    if options.check {
        say(&format!("{}: fine, {}", options.config.display(), count(config.pools.len(), "pool")));
        return ExitCode::SUCCESS;
    }
    if let Err(error) = super::log::start() {
        return failed(SYSTEM, &error);
    }
    let status = match listen::listen(&options.listen(&config)) {
        Ok(sockets) => match actix_rt::System::new().block_on(serve(&options, config, sockets)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(SYSTEM, &error),
        },
        Err(error) => failed(SYSTEM, &error),
    };
    log::logger().flush();
    status
}

/// Serves until a signal says to stop.
async fn serve(options: &Options, config: Config, sockets: Vec<TcpListener>) -> io::Result<()> {
    let limits = limits::raise();
    announce(&config, &sockets);
    let (files, parked) = (limits.open_files, limits.parked);
    info!("started; at most {files} open files, of which {parked} may be parked waits");
    let pools = Started::default();
    let server = super::server(config, limits, options.workers, sockets, &pools)?;
    stop_on_signal(&server, pools)?;
    server.await?;
    info!("stopped");
    Ok(())
}

fn read(options: &Options) -> Result<Config, String> {
    let config = distributex_config::read(&options.config).map_err(|mistakes| mistakes.to_string())?;
    Pools::check(&config).map_err(|error| format!("{}: {error}", options.config.display()))?;
    Ok(config)
}

/// Prints where the server listens, and which pools it has.
fn announce(config: &Config, sockets: &[TcpListener]) {
    for addr in sockets.iter().filter_map(|socket| socket.local_addr().ok()) {
        say(&format!("distributexd {} listens on http://{addr}", env!("CARGO_PKG_VERSION")));
    }
    for pool in &config.pools {
        say(&describe(pool));
    }
}

fn describe(pool: &Pool) -> String {
    let slots = count(pool.slots as usize, "slot");
    let ends =
        pool.expire.map_or("never expire".to_owned(), |ttl| format!("expire after {} s", ttl.as_secs_f64()));
    let whom =
        pool.servers.as_ref().map_or(String::new(), |hosts| format!(", for {}", count(hosts.len(), "host")));
    format!("pool {:?}: {slots}, leases {ends}{whom}", pool.name.as_str())
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// On the first TERM or INT answers who waits, then stops; on the second ends the process.
fn stop_on_signal(server: &actix_server::Server, pools: Started) -> io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let handle = server.handle();
    actix_rt::spawn(async move {
        let number = next(&mut term, &mut int).await;
        info!("stopping, because of signal {number}");
        actix_rt::spawn(async move { std::process::exit(128 + next(&mut term, &mut int).await) });
        if let Some(pools) = pools.get() {
            pools.drain().await;
        }
        handle.stop(true).await;
    });
    Ok(())
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
        return ExitCode::from(USAGE);
    }
    say(&error.to_string());
    ExitCode::SUCCESS
}

fn failed(status: u8, error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("distributexd: {error}");
    ExitCode::from(status)
}

/// Prints a line for people. Nobody reading it is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
