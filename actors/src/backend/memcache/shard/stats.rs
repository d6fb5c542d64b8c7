//! Statistics and settings of a memcached.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use tokio::time::Instant;

/// Memory in bytes below which memcached is soon full of leases.
const MIN_MEMORY: u64 = 64 * 1024 * 1024;

/// Values by name.
pub(crate) type Stats = HashMap<String, String>;

/// Sends `stats` or `stats settings`. The connection cannot be used afterwards.
///
/// # Errors
/// When there is no valid reply in time.
pub(crate) fn query(stream: &TcpStream, command: &str, timeout: Duration) -> io::Result<Stats> {
    let deadline = Instant::now() + timeout;
    stream.set_write_timeout(Some(timeout))?;
    (&mut &*stream).write_all(format!("{command}\r\n").as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut stats = Stats::new();
    loop {
        let line = read_line(&mut reader, deadline)?;
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some("STAT"), Some(name)) => stats.insert(name.to_owned(), words.collect()),
            (Some("END"), None) => return Ok(stats),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("answered {line:?}"))),
        };
    }
}

/// Reads one line before the deadline.
fn read_line(reader: &mut BufReader<&TcpStream>, deadline: Instant) -> io::Result<String> {
    let mut line = String::new();
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    reader.get_ref().set_read_timeout(Some(left))?;
    match reader.read_line(&mut line) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(_) => Ok(line),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(io::ErrorKind::TimedOut.into()),
        Err(error) => Err(error),
    }
}

/// Warnings about the settings, as sentences without the address.
pub(crate) fn warnings(settings: &Stats) -> Vec<String> {
    let is = |name: &str, value: &str| settings.get(name).is_some_and(|found| found == value);
    let size = settings.get("maxbytes").and_then(|bytes| bytes.parse::<u64>().ok());
    let mut warnings = Vec::new();
    if is("evictions", "on") {
        warnings.push(
            "evictions are allowed, so leases may be dropped when it is full: start it with -M".to_owned(),
        );
    }
    if is("cas_enabled", "no") {
        warnings.push("no CAS numbers, without which no lease is safe: start it without -C".to_owned());
    }
    if let Some(size) = size.filter(|size| *size < MIN_MEMORY) {
        warnings.push(format!("only {} MiB for leases: give it 64 or more with -m", size >> 20));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::memcache::tests::testing::{Memcached, TIMEOUT};

    #[test]
    fn time_and_settings_are_read() {
        let memcached = Memcached::start(&["-m", "32"]);

        let stats = query(&memcached.stream(), "stats", TIMEOUT).unwrap();
        let settings = query(&memcached.stream(), "stats settings", TIMEOUT).unwrap();

        assert!(stats["time"].parse::<u64>().unwrap() > 1_700_000_000);
        assert_eq!(settings["evictions"], "off");
        assert_eq!(warnings(&settings), ["only 32 MiB for leases: give it 64 or more with -m"]);
    }

    #[test]
    fn settings_that_lose_leases_are_warned_about() {
        let settings = [("evictions", "on"), ("cas_enabled", "no"), ("maxbytes", "67108864")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();

        let warnings = warnings(&settings);

        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].contains("-M") && warnings[1].contains("-C"), "{warnings:?}");
    }

    #[test]
    fn an_invalid_reply_is_an_error() {
        let memcached = Memcached::start(&[]);

        let error = query(&memcached.stream(), "nonsense", TIMEOUT).unwrap_err();

        assert_eq!(error.to_string(), "answered \"ERROR\\r\\n\"");
    }
}
