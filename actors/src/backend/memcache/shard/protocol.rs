//! Memcached's text protocol.
//!
//! Entries are read and deleted by meta commands, which know CAS numbers and times. They are written by the classic
//! `add` and `cas`: if memcached has no memory left for the new value, these leave the entry as it is. A meta set, or
//! a classic `set`, that finds no memory deletes the entry, whatever its mode and CAS number.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use tokio::time::Instant;

/// Maximum length of a value that is read, in bytes: memcached's own limit, unless it is raised. Values written here
/// are less than a hundredth of it.
const MAX_VALUE: usize = 1 << 20;

/// Maximum length of a line that is read, in bytes.
const MAX_LINE: u64 = 8 << 10;

/// One command. `end` is always a date in seconds since 1970 on memcached's clock; `None`: never.
#[derive(Debug, Clone)]
pub(crate) struct MemcacheCommand {
    line: String,
    value: Option<String>,
}

impl MemcacheCommand {
    /// Reads an entry, its CAS number and its remaining time.
    pub(crate) fn get(key: &str) -> Self {
        Self { line: format!("mg {key} v c t"), value: None }
    }

    /// Writes an entry if there is none.
    pub(crate) fn add(key: &str, value: String, end: Option<u64>) -> Self {
        Self::write(format!("add {key}"), value, end)
    }

    /// Replaces the entry with this CAS number.
    pub(crate) fn swap(key: &str, cas: u64, value: String, end: Option<u64>) -> Self {
        let mut command = Self::write(format!("cas {key}"), value, end);
        write!(command.line, " {cas}").expect("a text takes everything");
        command
    }

    /// Writes an entry that may be lost: it is deleted if there is no memory for it.
    pub(crate) fn set(key: &str, value: String, end: Option<u64>) -> Self {
        Self::write(format!("set {key}"), value, end)
    }

    /// Deletes an entry, if it has this CAS number; `None`: in any case.
    pub(crate) fn delete(key: &str, cas: Option<u64>) -> Self {
        let cas = cas.map_or_else(String::new, |cas| format!(" C{cas}"));
        Self { line: format!("md {key}{cas}"), value: None }
    }

    /// Moves the end of the entry with this CAS number. That changes the CAS number, but needs no memory.
    pub(crate) fn prolong(key: &str, cas: u64, end: Option<u64>) -> Self {
        Self { line: format!("md {key} C{cas} I T{}", end.unwrap_or_default()), value: None }
    }

    fn write(begin: String, value: String, end: Option<u64>) -> Self {
        let line = format!("{begin} 0 {} {}", end.unwrap_or_default(), value.len());
        Self { line, value: Some(value) }
    }

    fn encode(&self, buffer: &mut String) {
        buffer.extend([&self.line, "\r\n"]);
        if let Some(value) = &self.value {
            buffer.extend([value, "\r\n"]);
        }
    }
}

/// Reply to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemcacheReply {
    /// The entry.
    Found(MemcacheItem),
    /// The command was carried out.
    Done,
    /// The entry has another CAS number.
    Changed,
    /// There is no entry, or there is one where there should be none.
    Void,
    /// Refused without any change, for lack of memory or because the value is too large; with memcached's reason.
    Refused(String),
}

/// A stored entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemcacheItem {
    /// The value.
    pub(crate) value: Vec<u8>,
    /// CAS number; zero if memcached was started without CAS.
    pub(crate) cas: u64,
    /// Remaining time, rounded down to seconds; `None`: unlimited.
    pub(crate) left: Option<Duration>,
    /// Whether its end was moved after it was written: see [`MemcacheCommand::prolong`].
    pub(crate) prolonged: bool,
}

/// A connection that speaks the protocol.
#[derive(Debug)]
pub(crate) struct MemcacheConnection {
    reader: BufReader<DeadlineStream>,
    timeout: Duration,
}

impl MemcacheConnection {
    /// A connection whose exchanges take at most `timeout`.
    pub(crate) fn new(stream: TcpStream, timeout: Duration) -> Self {
        let stream = DeadlineStream { stream, deadline: Instant::now() };
        Self { reader: BufReader::new(stream), timeout }
    }

    /// Sends all commands at once and reads their replies.
    ///
    /// # Errors
    /// When a reply is missing or invalid: the next one would belong to another command.
    pub(crate) fn exchange(&mut self, commands: &[MemcacheCommand]) -> io::Result<Vec<MemcacheReply>> {
        let mut buffer = String::new();
        commands.iter().for_each(|command| command.encode(&mut buffer));
        self.reader.get_mut().deadline = Instant::now() + self.timeout;
        self.reader.get_mut().write_all(buffer.as_bytes())?;
        commands.iter().map(|_| self.answer()).collect()
    }

    /// Discards what memcached has not received, when the connection is closed.
    pub(crate) fn abort(&self) {
        let stream = &self.reader.get_ref().stream;
        let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)); // otherwise it may arrive late
    }

    fn answer(&mut self) -> io::Result<MemcacheReply> {
        let line = self.line()?;
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "HD" | "STORED" => Ok(MemcacheReply::Done),
            "EX" | "EXISTS" => Ok(MemcacheReply::Changed),
            "EN" | "NF" | "NS" | "NOT_FOUND" | "NOT_STORED" => Ok(MemcacheReply::Void),
            "SERVER_ERROR" => Ok(MemcacheReply::Refused(rest.to_owned())),
            "VA" => self.found(rest).map(MemcacheReply::Found),
            _ => Err(invalid(&line)),
        }
    }

    fn found(&mut self, words: &str) -> io::Result<MemcacheItem> {
        let (length, flags) = words.split_once(' ').unwrap_or((words, ""));
        let length = length.parse().ok().filter(|length| *length <= MAX_VALUE);
        let length = length.ok_or_else(|| invalid(&format!("VA {words}")))?;
        let mut value = vec![0; length + 2];
        self.reader.read_exact(&mut value)?;
        value.truncate(length);
        let number =
            |letter: char| flags.split(' ').find_map(|flag| flag.strip_prefix(letter)?.parse::<i64>().ok());
        let (Some(cas), Some(left)) = (number('c'), number('t')) else { return Err(invalid(words)) };
        Ok(MemcacheItem {
            value,
            cas: cas.try_into().unwrap_or_default(),
            left: left.try_into().ok().map(Duration::from_secs),
            prolonged: flags.split(' ').any(|flag| flag == "X"),
        })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.reader.by_ref().take(MAX_LINE).read_line(&mut line)?;
        if line.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let line = line.strip_suffix("\r\n").ok_or_else(|| invalid(&line))?;
        Ok(line.to_owned())
    }
}

/// Error of an invalid reply.
fn invalid(text: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("answered {text:?}"))
}

/// A socket whose reads and writes share a deadline.
#[derive(Debug)]
struct DeadlineStream {
    stream: TcpStream,
    deadline: Instant,
}

impl DeadlineStream {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for DeadlineStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

impl Write for DeadlineStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(buffer).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Maps the error of a socket's timeout to [`ErrorKind::TimedOut`].
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::backend::memcache::tests::testing::{Memcached, TIMEOUT};

    const NEVER: Option<u64> = None;

    fn item(connection: &mut MemcacheConnection, key: &str) -> MemcacheItem {
        match &connection.exchange(&[MemcacheCommand::get(key)]).unwrap()[..] {
            [MemcacheReply::Found(item)] => item.clone(),
            other => panic!("{key}: {other:?}"),
        }
    }

    #[test]
    fn entries_are_written_only_if_unchanged() {
        let memcached = Memcached::start(&[]);
        let mut connection = MemcacheConnection::new(memcached.stream(), TIMEOUT);
        let add = || MemcacheCommand::add("a", "1".to_owned(), NEVER);
        let swap = |cas| MemcacheCommand::swap("a", cas, "22".to_owned(), NEVER);

        assert_eq!(connection.exchange(&[add(), add()]).unwrap(), [MemcacheReply::Done, MemcacheReply::Void]);
        let MemcacheItem { cas, .. } = item(&mut connection, "a");
        let swapped = connection.exchange(&[swap(cas + 1), swap(cas), swap(cas)]).unwrap();
        assert_eq!(swapped, [MemcacheReply::Changed, MemcacheReply::Done, MemcacheReply::Changed]);
        let changed = item(&mut connection, "a");
        assert_eq!((&*changed.value, changed.left, changed.prolonged), (&b"22"[..], None, false));
        let deletes = [Some(cas), Some(changed.cas), None].map(|cas| MemcacheCommand::delete("a", cas));
        assert_eq!(
            connection.exchange(&deletes).unwrap(),
            [MemcacheReply::Changed, MemcacheReply::Done, MemcacheReply::Void]
        );
        assert_eq!(
            connection.exchange(&[swap(cas), MemcacheCommand::get("a")]).unwrap(),
            [MemcacheReply::Void, MemcacheReply::Void]
        );
    }

    #[test]
    fn an_entry_is_prolonged_only_if_unchanged() {
        let memcached = Memcached::start(&[]);
        let mut connection = MemcacheConnection::new(memcached.stream(), TIMEOUT);
        connection.exchange(&[MemcacheCommand::add("a", "1".to_owned(), NEVER)]).unwrap();
        let before = item(&mut connection, "a");

        let to = Some(2_000_000_000);
        let wrong = MemcacheCommand::prolong("a", before.cas + 1, to);
        let answers = connection.exchange(&[wrong, MemcacheCommand::prolong("a", before.cas, to)]).unwrap();

        assert_eq!(answers, [MemcacheReply::Changed, MemcacheReply::Done]);
        for _ in 0..2 {
            let after = item(&mut connection, "a");
            assert!(after.cas > before.cas && after.prolonged && after.left.is_some(), "{after:?}");
            assert_eq!(after.value, b"1");
        }
    }

    #[test]
    fn a_value_that_is_too_large_is_not_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut server = listener.accept().unwrap().0;
        server.write_all(b"VA 203688469 c1 t-1\r\n").unwrap();

        let error =
            MemcacheConnection::new(client, TIMEOUT).exchange(&[MemcacheCommand::get("a")]).unwrap_err();

        assert_eq!(error.to_string(), "answered \"VA 203688469 c1 t-1\"");
    }
}
