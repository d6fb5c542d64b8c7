//! Who reads events, and who scrapes metrics.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use super::{Result, failed_to, poller::RESPONSE_TIMEOUT};

/// What begins an event, in the stream.
const EVENT: &[u8] = b"\nevent: ";

/// Readers of `/v1/events`, each on a connection of its own.
pub(crate) struct Readers {
    streams: Vec<TcpStream>,
    /// What was just read; of no interest but for the events in it.
    buffer: Vec<u8>,
    /// How many events came, to all of them together.
    pub(crate) events: usize,
}

impl Readers {
    /// Connects so many, and returns when each has the beginning of its answer.
    pub(crate) fn connect(addr: SocketAddr, count: usize) -> Result<Self> {
        let mut readers = Self { streams: Vec::new(), buffer: vec![0; 1 << 20], events: 0 };
        for _ in 0..count {
            let mut stream = TcpStream::connect(addr).map_err(failed_to("connect a reader"))?;
            stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
            stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: bench\r\n\r\n")?;
            let length = stream.read(&mut readers.buffer)?;
            if !readers.buffer[..length].starts_with(b"HTTP/1.1 200") {
                return Err("the server has no events for a reader".into());
            }
            stream.set_nonblocking(true)?;
            readers.streams.push(stream);
        }
        Ok(readers)
    }

    /// Reads all that is there now.
    pub(crate) fn read(&mut self) -> Result<()> {
        for stream in &mut self.streams {
            match stream.read(&mut self.buffer) {
                Ok(0) => return Err("the server cut a reader off".into()),
                Ok(length) => {
                    let text = &self.buffer[..length];
                    self.events += text.windows(EVENT.len()).filter(|window| *window == EVENT).count();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(failed_to("read events")(error)),
            }
        }
        Ok(())
    }
}

/// The length of `/metrics`, asked for on a connection of its own.
pub(crate) fn scrape(addr: SocketAddr) -> Result<usize> {
    let mut stream = TcpStream::connect(addr).map_err(failed_to("connect"))?;
    stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::with_capacity(16 << 20);
    stream.read_to_end(&mut answer)?;
    if answer.starts_with(b"HTTP/1.1 200") { Ok(answer.len()) } else { Err("there are no metrics".into()) }
}
