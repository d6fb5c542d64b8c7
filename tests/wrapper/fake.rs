//! A server that answers what the test wants, when the test wants it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use socket2::{Domain, SockRef, Socket, Type};

use crate::support::{half_close, prepare};

/// How long to wait for the wrapper before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A port on which nobody listens, and which goes to none of the tests that ask for a free one meanwhile. Who
/// is told its number can listen there.
#[derive(Debug)]
pub(super) struct Port {
    /// Bound, and no more than that.
    socket: Socket,
}

impl Port {
    /// Takes a free one.
    pub(super) fn take() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Self { socket }
    }

    /// Its address.
    pub(super) fn addr(&self) -> SocketAddr {
        self.socket.local_addr().unwrap().as_socket().unwrap()
    }
}

/// A listening socket.
#[derive(Debug)]
pub(super) struct Fake {
    /// The socket.
    listener: TcpListener,
}

/// A question that came, to be answered or not.
#[derive(Debug)]
pub(super) struct Asked {
    /// Path and query.
    pub(super) path: String,
    /// The connection.
    stream: TcpStream,
}

impl Fake {
    /// Listens on a free port.
    pub(super) fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    /// Listens here.
    pub(super) fn start_at(addr: SocketAddr) -> Self {
        prepare();
        let listener = TcpListener::bind(addr).unwrap();
        SockRef::from(&listener).set_read_timeout(Some(PATIENCE)).unwrap();
        Self { listener }
    }

    /// Where it listens.
    pub(super) fn addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next question.
    pub(super) fn asked(&self) -> Asked {
        let (mut stream, _) = self.listener.accept().expect("no question came");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        let request = String::from_utf8(request).unwrap();
        let path = request.split(' ').nth(1).unwrap().to_owned();
        Asked { path, stream }
    }

    /// The next question, which must be this call.
    pub(super) fn asked_to(&self, call: &str) -> Asked {
        let asked = self.asked();
        assert!(asked.path.starts_with(&format!("/{call}?")), "{}", asked.path);
        asked
    }

    /// Whether nobody asked anything more.
    pub(super) fn is_left_alone(&self) -> bool {
        self.listener.set_nonblocking(true).unwrap();
        self.listener.accept().is_err()
    }
}

impl Asked {
    /// Answers with a word, as the servers do.
    pub(super) fn answer(self, word: &str) {
        self.answer_status("200 OK", word);
    }

    /// Answers with a word and this status.
    pub(super) fn answer_status(self, status: &str, word: &str) {
        self.answer_bytes(&format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{word}", word.len()));
    }

    /// Answers with these bytes and ends the connection.
    pub(super) fn answer_bytes(mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).unwrap();
        half_close(&self.stream); // who has read enough may be gone
        let _ = self.stream.read_to_end(&mut Vec::new()); // an unread byte would become a reset
    }

    /// Waits until the asker says that it sends no more.
    pub(super) fn wait_for_half_close(&mut self) {
        assert_eq!(self.stream.read(&mut [0; 16]).unwrap(), 0);
    }
}
