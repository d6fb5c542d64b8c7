//! One keep-alive connection, and as much of HTTP as the answers of the classic protocol and of v1 need.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::fd::{AsFd, BorrowedFd},
};

use rustix::event::{PollFd, PollFlags, poll};

use super::{Failure, Result, failed_to, poller::RESPONSE_TIMEOUT};

/// More than any answer that is expected here with its headers.
const MAX_RESPONSE_BYTES: usize = 1024;

/// A request as it goes over the wire, rendered before the clock starts.
pub(crate) fn request(call: &str, host: &str, pool: &str) -> Vec<u8> {
    format!("GET /{call}?host={host}&pool={pool} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}

/// A v1 request as it goes over the wire.
pub(crate) fn post(call: &str, pool: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST /v1/pools/{pool}/{call} HTTP/1.1\r\nHost: bench\r\nContent-Length: {length}");
    format!("{head}\r\n\r\n{body}").into_bytes()
}

/// How many digits the secret name of a lease has.
pub(crate) const LEASE_LENGTH: usize = 32;

/// A connection that has at most one answer outstanding, or a parked wait.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Non-blocking, so that one thread can hold thousands.
    stream: TcpStream,
    /// What has arrived of the current answer.
    buffer: Box<[u8; MAX_RESPONSE_BYTES]>,
    /// How much of the buffer that is.
    filled: usize,
}

impl Connection {
    /// Connects to a server on this machine.
    pub(crate) fn open(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).map_err(failed_to(format_args!("connect to {addr}")))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, buffer: Box::new([0; MAX_RESPONSE_BYTES]), filled: 0 })
    }

    /// Sends one request, or several that are answered one after another.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).map_err(failed_to("send a request"))
    }

    /// Reads once: the body of the answer if it is complete now.
    fn receive(&mut self) -> Result<Option<&[u8]>> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => return Err(self.cut_off()),
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(failed_to("read an answer")(error)),
        }
        let arrived = &self.buffer[..self.filled];
        let body = body(arrived)?;
        if body.is_some() {
            self.filled = 0;
        }
        Ok(body)
    }

    /// Whether the answer is there; it has to be this word.
    pub(crate) fn has(&mut self, word: &str) -> Result<bool> {
        self.receive()?.map_or(Ok(false), |body| expect(body, word).map(|()| true))
    }

    /// The lease that a v1 answer brings, once it is there.
    pub(crate) fn lease(&mut self) -> Result<Option<[u8; LEASE_LENGTH]>> {
        let Some(body) = self.receive()? else { return Ok(None) };
        let lease = body.strip_prefix(br#"{"lease":""#).and_then(|rest| rest.first_chunk());
        let no_lease = || format!("the server gave no lease: {:?}", String::from_utf8_lossy(body));
        Ok(Some(*lease.ok_or_else(no_lease)?))
    }

    /// Sends a v1 try and blocks until it is refused: the position that it would have in the queue.
    pub(crate) fn position(&mut self, request: &[u8]) -> Result<usize> {
        self.send(request)?;
        loop {
            self.await_readable()?;
            if let Some(body) = self.receive()? {
                let position = number_behind(body, b"\"place\":");
                return position
                    .ok_or_else(|| format!("no position: {:?}", String::from_utf8_lossy(body)).into());
            }
        }
    }

    /// Sends a request and blocks until its answer is there, which has to be this word.
    pub(crate) fn ask(&mut self, request: &[u8], word: &str) -> Result<()> {
        self.send(request)?;
        self.awaits(word)
    }

    /// Blocks until the answer is there, which has to be this word.
    pub(crate) fn awaits(&mut self, word: &str) -> Result<()> {
        loop {
            self.await_readable()?;
            if self.has(word)? {
                return Ok(());
            }
        }
    }

    /// Blocks until there is something to read, but not for ever.
    fn await_readable(&self) -> Result<()> {
        let mut files = [PollFd::new(&self.stream, PollFlags::IN)];
        let ready = poll(&mut files, Some(&RESPONSE_TIMEOUT.try_into()?))?;
        if ready == 0 { Err(format!("no answer within {RESPONSE_TIMEOUT:?}").into()) } else { Ok(()) }
    }

    /// The server closed, or sent more than an answer can be.
    fn cut_off(&self) -> Failure {
        let arrived = String::from_utf8_lossy(&self.buffer[..self.filled]);
        format!("the server closed a connection, or its answer is too long; so far: {arrived:?}").into()
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// A wrong word means that the figures would say nothing.
fn expect(body: &[u8], word: &str) -> Result<()> {
    if body == word.as_bytes() {
        return Ok(());
    }
    Err(format!("the server said {:?} where {word:?} was due", String::from_utf8_lossy(body)).into())
}

/// The body of the one answer that these bytes are, or nothing if its end is still missing.
fn body(arrived: &[u8]) -> Result<Option<&[u8]>> {
    let Some(head_length) = find(arrived, b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, body) = (&arrived[..head_length], &arrived[head_length + 4..]);
    let length = content_length(head).map_err(failed_to("read an answer"))?;
    let is_expected = head.starts_with(b"HTTP/1.1 20") || head.starts_with(b"HTTP/1.1 423 ");
    if !is_expected || body.len() > length {
        return Err(format!("unexpected answer: {:?}", String::from_utf8_lossy(arrived)).into());
    }
    Ok((body.len() == length).then_some(body))
}

/// The number that follows `name`.
fn number_behind(body: &[u8], name: &[u8]) -> Option<usize> {
    let digits = &body[find(body, name)? + name.len()..];
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// Where `needle` first stands in `haystack`.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The value of the header that says how long the body is; an answer without content has none.
fn content_length(head: &[u8]) -> io::Result<usize> {
    const NAME: &[u8] = b"content-length: ";
    if head.starts_with(b"HTTP/1.1 204 ") {
        return Ok(0);
    }
    head.split(|&byte| byte == b'\n')
        .find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME))
        .and_then(|line| str::from_utf8(&line[NAME.len()..]).ok()?.trim().parse().ok())
        .ok_or_else(|| io::Error::other("it has no content-length"))
}
