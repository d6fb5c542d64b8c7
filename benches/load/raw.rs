//! What memcached gives without our server: the same exchanges, by a client that does nothing else.
//!
//! A cycle is two of them: a change of the pool's one slot and, in the same packet, the three questions that
//! show how the pool is behind it.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use super::{Result, cores, failed_to, memcached::Memcached, poller::RESPONSE_TIMEOUT};

/// As long as the entry of a classic lease is.
const ENTRY: usize = 190;

/// As long as that of the store.
const STORE: usize = 65;

/// Clients with a connection and a thread each, where a server would run.
#[derive(Debug)]
pub(crate) struct Raw(Vec<Client>);

impl Raw {
    /// Connects so many.
    pub(crate) fn connect(memcached: &Memcached, clients: usize) -> Result<Self> {
        (0..clients).map(|number| Client::connect(memcached, number)).collect::<Result<_>>().map(Self)
    }

    /// Cycles on all connections until the time is over: how often.
    pub(crate) fn cycle_for(&mut self, time: Duration) -> Result<u32> {
        cores::for_a_server(|| {
            thread::scope(|scope| {
                let end = Instant::now() + time;
                let threads: Vec<_> =
                    self.0.iter_mut().map(|client| scope.spawn(move || client.cycle_until(end))).collect();
                let cycles =
                    threads.into_iter().map(|thread| thread.join().map_err(|_| "a client panicked")?);
                cycles.sum()
            })
        })?
    }
}

/// One of them.
#[derive(Debug)]
struct Client {
    /// Blocking.
    stream: BufReader<TcpStream>,
    /// Takes a slot that is free, and looks.
    take: String,
    /// Gives it back, before the number of its change.
    give: String,
    /// The same behind it, and looks.
    look: String,
    /// What is sent, or an answer that was read.
    text: String,
    /// The value of an answer.
    value: Vec<u8>,
}

impl Client {
    /// Connects client number so-and-so, which has a pool of its own.
    fn connect(memcached: &Memcached, number: usize) -> Result<Self> {
        let stream = TcpStream::connect(memcached.addr).map_err(failed_to("connect to memcached"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
        let (key, entry) = (format!("raw:{number}"), "x".repeat(ENTRY));
        let look = format!("\r\nmg {key}:0 v c t\r\nmg {key}:width v c t\r\nmg raw:store v c t\r\n");
        let mut client = Self {
            stream: BufReader::new(stream),
            take: format!("ms {key}:0 {ENTRY} ME T301\r\n{entry}{look}"),
            give: format!("md {key}:0 C"),
            look,
            text: String::new(),
            value: Vec::new(),
        };
        client.send(&format!("ms raw:store {STORE} T0\r\n{}\r\n", "x".repeat(STORE)))?;
        client.expect("HD")?;
        Ok(client)
    }

    /// One cycle after another: how many.
    fn cycle_until(&mut self, end: Instant) -> Result<u32> {
        let mut cycles = 0;
        while Instant::now() < end {
            self.cycle()?;
            cycles += 1;
        }
        Ok(cycles)
    }

    /// Takes a slot and gives it back.
    fn cycle(&mut self) -> Result<()> {
        self.stream.get_mut().write_all(self.take.as_bytes()).map_err(failed_to("ask memcached"))?;
        ["HD", "VA"].into_iter().try_for_each(|word| self.expect(word))?;
        let number = self.text.split_ascii_whitespace().find_map(|flag| flag.strip_prefix('c'));
        let number = number.ok_or("memcached told no number of a change")?;
        let give = [self.give.as_str(), number, self.look.as_str()].concat();
        ["EN", "VA"].into_iter().try_for_each(|word| self.expect(word))?;
        self.send(&give)?;
        ["HD", "EN", "EN", "VA"].into_iter().try_for_each(|word| self.expect(word))
    }

    /// Sends this.
    fn send(&mut self, text: &str) -> Result<()> {
        self.stream.get_mut().write_all(text.as_bytes()).map_err(failed_to("ask memcached"))
    }

    /// Reads the next answer, which has to be this one.
    fn expect(&mut self, word: &str) -> Result<()> {
        self.text.clear();
        self.stream.read_line(&mut self.text).map_err(failed_to("read memcached's answer"))?;
        let mut words = self.text.split_ascii_whitespace();
        if words.next() != Some(word) {
            return Err(format!("memcached said {:?} where {word:?} was due", self.text).into());
        }
        if word == "VA" {
            let length: usize = words.next().ok_or("memcached told no length")?.parse()?;
            self.value.resize(length + "\r\n".len(), 0);
            self.stream.read_exact(&mut self.value)?;
        }
        Ok(())
    }
}
