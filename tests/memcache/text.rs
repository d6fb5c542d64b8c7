//! A memcached as an operator asks it: the text protocol.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// A memcached that does not answer for so long fails the test.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The counters of what it was told to do. Some versions have no `cmd_meta`.
const WORK: [&str; 9] = [
    "cmd_get",
    "cmd_set",
    "cmd_touch",
    "cmd_meta",
    "cmd_flush",
    "delete_hits",
    "delete_misses",
    "incr_hits",
    "incr_misses",
];
/// Entries of these lengths, many of each, leave no room for any other.
const FILLERS: [usize; 8] = [1, 60, 150, 300, 600, 1200, 2400, 5000];
/// So many questions are asked in one go.
const BATCH: usize = 500;

/// A connection.
#[derive(Debug)]
pub(super) struct Text(BufReader<TcpStream>);

impl Text {
    /// Opens one.
    pub(super) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        Self(BufReader::new(stream))
    }

    /// How much it was told to do since its start.
    pub(super) fn work(&mut self) -> u64 {
        let stats = self.stats();
        WORK.iter().filter_map(|counter| stats.get(*counter)?.parse::<u64>().ok()).sum()
    }

    /// What it tells of itself.
    pub(super) fn stats(&mut self) -> HashMap<String, String> {
        self.send("stats\r\n");
        let mut stats = HashMap::new();
        loop {
            match self.line().split(' ').collect::<Vec<_>>()[..] {
                ["STAT", name, value] => stats.insert(name.to_owned(), value.to_owned()),
                ["END"] => return stats,
                ref other => panic!("{other:?} among the stats"),
            };
        }
    }

    /// Whether there is an entry with this key.
    pub(super) fn has(&mut self, key: &str) -> bool {
        self.send(&format!("mg {key}\r\n"));
        self.line() == "HD"
    }

    /// Fills it until it takes nothing more; how many entries of each length that took.
    pub(super) fn fill(&mut self) -> Vec<usize> {
        FILLERS.into_iter().map(|length| self.fill_with(length)).collect()
    }

    fn fill_with(&mut self, length: usize) -> usize {
        let value = "x".repeat(length);
        for batch in 0.. {
            let mut questions = String::new();
            for number in batch * BATCH..(batch + 1) * BATCH {
                write!(questions, "set filler-{length}-{number} 0 0 {length}\r\n{value}\r\n").unwrap();
            }
            self.send(&questions);
            let answers: Vec<_> = (0..BATCH).map(|_| self.line()).collect();
            if answers.iter().any(|answer| answer.starts_with("SERVER_ERROR out of memory")) {
                return (batch + 1) * BATCH;
            }
        }
        unreachable!("it takes everything")
    }

    /// Takes out again what it was filled with.
    pub(super) fn take_out(&mut self, filled: &[usize]) {
        for (length, number) in FILLERS.iter().zip(filled) {
            let questions: String = (0..*number).map(|n| format!("delete filler-{length}-{n}\r\n")).collect();
            for question in questions.split_inclusive('\n').collect::<Vec<_>>().chunks(BATCH) {
                self.send(&question.concat());
                question.iter().for_each(|_| drop(self.line()));
            }
        }
    }

    fn send(&mut self, questions: &str) {
        self.0.get_mut().write_all(questions.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "memcached closed the connection");
        line.trim_end().to_owned()
    }
}
