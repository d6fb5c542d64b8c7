//! Commands and answers of memcached's text protocol.
//!
//! Entries are read and deleted by meta commands, which know CAS numbers and times. They are written by the
//! classic `add` and `cas`: a memcached that has no memory left for the new value leaves the entry as it is then.
//! A meta set, or a classic `set`, that finds no memory deletes what stood there, whatever its mode and CAS number.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use tokio::time::Instant;

/// The longest value that is read, in bytes: memcached's own limit, unless it is raised. Nothing that is written
/// here is a hundredth of that.
const MAX_VALUE: usize = 1 << 20;

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 8 << 10;

/// One command. `end` is always a date in seconds since 1970 by memcached's clock; `None`: never.
#[derive(Debug, Clone)]
pub(super) struct MemcacheCommand {
    queue: String,
    value: Option<String>,
}

impl MemcacheCommand {
    /// Reads an entry, its CAS number and the time it has left.
    pub(super) fn get(key: &str) -> Self {
        Self { queue: format!("mg {key} v c t"), value: None }
    }

    /// Writes an entry where there is none.
    pub(super) fn add(key: &str, value: String, end: Option<u64>) -> Self {
        Self::write(format!("add {key}"), value, end)
    }

    /// Writes an entry that has this CAS number.
    pub(super) fn swap(key: &str, cas: u64, value: String, end: Option<u64>) -> Self {
        let mut command = Self::write(format!("cas {key}"), value, end);
        write!(command.queue, " {cas}").expect("a text takes everything");
        command
    }

    /// Writes an entry of which nothing depends: it is lost if there is no memory for it.
    pub(super) fn set(key: &str, value: String, end: Option<u64>) -> Self {
        Self::write(format!("set {key}"), value, end)
    }

    /// Deletes an entry, if it has this CAS number; `None`: whatever it has.
    pub(super) fn delete(key: &str, cas: Option<u64>) -> Self {
        let cas = cas.map_or_else(String::new, |cas| format!(" C{cas}"));
        Self { queue: format!("md {key}{cas}"), value: None }
    }

    /// Lets an entry that has this CAS number end at another time. It gets a new CAS number, but no new memory.
    pub(super) fn prolong(key: &str, cas: u64, end: Option<u64>) -> Self {
        Self { queue: format!("md {key} C{cas} I T{}", end.unwrap_or_default()), value: None }
    }

    fn write(begin: String, value: String, end: Option<u64>) -> Self {
        let queue = format!("{begin} 0 {} {}", end.unwrap_or_default(), value.len());
        Self { queue, value: Some(value) }
    }

    fn encode(&self, buffer: &mut String) {
        buffer.extend([&self.queue, "\r\n"]);
        if let Some(value) = &self.value {
            buffer.extend([value, "\r\n"]);
        }
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MemcacheReply {
    /// The entry.
    Found(MemcacheItem),
    /// It was done.
    Done,
    /// Somebody else had changed the entry.
    Changed,
    /// There is no entry, or one where none should have been.
    Void,
    /// It was not done, and nothing has changed: there is no memory, or the value is too large. In memcached's words.
    Refused(String),
}

/// An entry as memcached has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemcacheItem {
    /// Its value.
    pub(super) value: Vec<u8>,
    /// The number of its latest change; zero if memcached was started without them.
    pub(super) cas: u64,
    /// How long it has, rounded down to seconds; `None`: for ever.
    pub(super) left: Option<Duration>,
    /// Whether its end was changed after it was written: see [`MemcacheCommand::prolong`].
    pub(super) prolonged: bool,
}

/// A connection that speaks the protocol.
#[derive(Debug)]
pub(super) struct MemcacheConnection {
    reader: BufReader<DeadlineStream>,
    timeout: Duration,
}

impl MemcacheConnection {
    /// Every exchange takes `timeout` at most.
    pub(super) fn new(stream: TcpStream, timeout: Duration) -> Self {
        let stream = DeadlineStream { stream, deadline: Instant::now() };
        Self { reader: BufReader::new(stream), timeout }
    }

    /// Sends all commands at once and reads their answers.
    ///
    /// # Errors
    /// When an answer is missing, or is none: the next one would be that of another question.
    pub(super) fn exchange(&mut self, commands: &[MemcacheCommand]) -> io::Result<Vec<MemcacheReply>> {
        let mut buffer = String::new();
        commands.iter().for_each(|command| command.encode(&mut buffer));
        self.reader.get_mut().deadline = Instant::now() + self.timeout;
        self.reader.get_mut().write_all(buffer.as_bytes())?;
        commands.iter().map(|_| self.answer()).collect()
    }

    /// What memcached has not received yet is not sent any more when the connection is closed.
    pub(super) fn abort(&self) {
        let stream = &self.reader.get_ref().stream;
        let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)); // else it may arrive late
    }

    fn answer(&mut self) -> io::Result<MemcacheReply> {
        let queue = self.line()?;
        let (word, rest) = queue.split_once(' ').unwrap_or((&queue, ""));
        match word {
            "HD" | "STORED" => Ok(MemcacheReply::Done),
            "EX" | "EXISTS" => Ok(MemcacheReply::Changed),
            "EN" | "NF" | "NS" | "NOT_FOUND" | "NOT_STORED" => Ok(MemcacheReply::Void),
            "SERVER_ERROR" => Ok(MemcacheReply::Refused(rest.to_owned())),
            "VA" => self.found(rest).map(MemcacheReply::Found),
            _ => Err(invalid(&queue)),
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
        let mut queue = String::new();
        self.reader.by_ref().take(MAX_LINE).read_line(&mut queue)?;
        if queue.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let queue = queue.strip_suffix("\r\n").ok_or_else(|| invalid(&queue))?;
        Ok(queue.to_owned())
    }
}

/// What is no answer.
fn invalid(text: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("answered {text:?}"))
}

/// A socket whose reads and writes end at one moment.
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

/// A socket says in other words that its time is over.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::backend::memcache::testing::{Memcached, TIMEOUT};

    const NEVER: Option<u64> = None;

    fn item(connection: &mut MemcacheConnection, key: &str) -> MemcacheItem {
        match &connection.exchange(&[MemcacheCommand::get(key)]).unwrap()[..] {
            [MemcacheReply::Found(item)] => item.clone(),
            other => panic!("{key}: {other:?}"),
        }
    }

    #[test]
    fn entries_are_written_only_where_they_are_expected() {
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
    fn an_entry_is_prolonged_only_as_it_was_seen() {
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
    fn a_value_too_large_to_be_ours_is_not_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut server = listener.accept().unwrap().0;
        server.write_all(b"VA 203688469 c1 t-1\r\n").unwrap();

        let error =
            MemcacheConnection::new(client, TIMEOUT).exchange(&[MemcacheCommand::get("a")]).unwrap_err();

        assert_eq!(error.to_string(), "answered \"VA 203688469 c1 t-1\"");
    }
}
