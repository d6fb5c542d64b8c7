//! A memcached of the bench's own, and what is asked of it.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench waits in real time")]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio, id},
    thread,
    time::{Duration, Instant},
};

use super::{Result, failed_to, poller::RESPONSE_TIMEOUT, server::Process};

/// Where it has room for many pools, and what it is not to do: evict, listen elsewhere, answer over UDP.
const OPTIONS: [&str; 12] =
    ["-u", "nobody", "-l", "127.0.0.1", "-p", "-1", "-U", "0", "-M", "-m64", "-t", "2"];

/// What its statistics call requests for entries, each request in one of them.
const REQUESTS: [&str; 7] =
    ["cmd_get", "cmd_set", "cmd_touch", "delete_hits", "delete_misses", "incr_hits", "decr_hits"];

/// A running memcached; killed with this value.
#[derive(Debug)]
pub(crate) struct Memcached {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// The program.
    process: Process,
}

impl Memcached {
    /// Starts it on a free port.
    pub(crate) fn start() -> Result<Self> {
        let told = env::temp_dir().join(format!("distributex-bench-{}-memcached", id()));
        let mut command = Command::new("memcached");
        command.args(OPTIONS).env("MEMCACHED_PORT_FILENAME", &told).stdin(Stdio::null());
        let process = Process::start(&mut command)?;
        let port = port(&told).map_err(failed_to("learn where memcached listens"))?;
        fs::remove_file(&told)?;
        Ok(Self { addr: (Ipv4Addr::LOCALHOST, port).into(), process })
    }

    /// A server's configuration, with its leases here instead of in the server.
    pub(crate) fn keeps(&self, configuration: &str) -> String {
        let port = self.addr.port();
        let here = format!("backend: memcache\nmemcachehost: 127.0.0.1\nmemcacheport: {port}");
        configuration.replace("backend: inmemory", &here)
    }

    /// Processor time since it started.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.process.cpu()
    }

    /// How many requests for entries it has answered.
    pub(crate) fn requests(&self) -> Result<f64> {
        let mut stream = TcpStream::connect(self.addr)?;
        stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
        stream.write_all(b"stats\r\n")?;
        let mut requests = 0;
        for line in BufReader::new(stream).lines() {
            match line?.split(' ').collect::<Vec<_>>()[..] {
                ["STAT", name, value] if REQUESTS.contains(&name) => requests += value.parse::<u32>()?,
                ["END"] => return Ok(f64::from(requests)),
                _ => {}
            }
        }
        Err("memcached broke off its statistics".into())
    }
}

/// Waits for the file into which memcached writes its port.
fn port(told: &Path) -> Result<u16> {
    let start = Instant::now();
    while start.elapsed() < RESPONSE_TIMEOUT {
        if let Ok(text) = fs::read_to_string(told) {
            let port = text.lines().find_map(|line| line.strip_prefix("TCP INET: "));
            return Ok(port.ok_or_else(|| format!("it says {text:?}"))?.parse()?);
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(format!("it said nothing within {RESPONSE_TIMEOUT:?}").into())
}
