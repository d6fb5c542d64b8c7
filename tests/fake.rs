//! A server that answers what the test wants, when the test wants it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};

use crate::support::{half_close, prepare};

/// How long to wait for a question before the test fails.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A port on which nobody listens, and which goes to none of the tests that ask for a free one meanwhile. Who
/// is told its number can listen there.
#[derive(Debug)]
pub(crate) struct Port {
    /// Bound, and no more than that.
    socket: Socket,
}

impl Port {
    /// Takes a free one.
    pub(crate) fn take() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Self { socket }
    }

    /// Its address.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.socket.local_addr().unwrap().as_socket().unwrap()
    }
}

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Fake {
    /// The socket.
    listener: TcpListener,
}

/// A question that came, to be answered or not.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Path and query.
    pub(crate) path: String,
    /// What was sent, if it is JSON.
    pub(crate) body: Value,
    /// The headers, the line of the request before them.
    head: String,
    /// The connection.
    stream: TcpStream,
}

impl Fake {
    /// Listens on a free port.
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    /// Listens here.
    pub(crate) fn start_at(addr: SocketAddr) -> Self {
        prepare();
        let listener = TcpListener::bind(addr).unwrap();
        SockRef::from(&listener).set_read_timeout(Some(TIMEOUT)).unwrap();
        Self { listener }
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next question of the classic protocol. One of v1 is answered as by a server that knows none.
    pub(crate) fn asked(&self) -> Asked {
        loop {
            let asked = self.next();
            if !asked.path.starts_with("/v1/") {
                return asked;
            }
            asked.answer_status("404 Not Found", "INVALID");
        }
    }

    /// The next question of the v1 protocol, which must be this call for pool `p`.
    pub(crate) fn asked_v1(&self, call: &str) -> Asked {
        let asked = self.next();
        assert_eq!(asked.path, format!("/v1/pools/p/{call}"), "{}", asked.body);
        asked
    }

    /// The next question, which must be for what stands at this path.
    pub(crate) fn looked_at(&self, path: &str) -> Asked {
        let asked = self.next();
        assert_eq!(asked.path, path);
        asked
    }

    /// The next question, whatever it is.
    pub(crate) fn next(&self) -> Asked {
        let (stream, _) = self.listener.accept().expect("no question came");
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            assert_ne!(reader.read_line(&mut head).unwrap(), 0, "closed after {head:?}");
            if let Some(value) = head[start..].to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Asked { path, body, head, stream: reader.into_inner() }
    }

    /// The next question, which must be this call.
    pub(crate) fn asked_to(&self, call: &str) -> Asked {
        let asked = self.asked();
        assert!(asked.path.starts_with(&format!("/{call}?")), "{}", asked.path);
        asked
    }

    /// Whether nobody asked anything more.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.listener.set_nonblocking(true).unwrap();
        self.listener.accept().is_err()
    }
}

impl Asked {
    /// What this header says; its name is in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Answers with a word, as the servers do.
    pub(crate) fn answer(self, word: &str) {
        self.answer_status("200 OK", word);
    }

    /// Answers with JSON and this status.
    pub(crate) fn answer_json(self, status: &str, body: &Value) {
        let (body, end) = (body.to_string(), "Connection: close\r\n\r\n");
        self.answer_bytes(&format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{end}{body}", body.len()));
    }

    /// Gives a lease of this store, for so many seconds.
    pub(crate) fn give(self, store: &str, ttl: f64) {
        let lease = json!({
            "lease": "0123", "token": 7, "pool": "p", "host": "web1", "ttl": ttl, "expires_in": ttl,
            "expires_at": "2026-11-23T12:00:00Z", "waited": 0, "store": store,
        });
        self.answer_json("201 Created", &lease);
    }

    /// Says no, with a status and a kind, from this store.
    pub(crate) fn refuse(self, status: &str, kind: &str, store: &str) {
        let holder = json!({
            "host": "web7", "token": 6, "since": "2026-11-23T12:00:00Z", "expires_in": 30, "command": null,
        });
        let no = json!({
            "kind": kind, "message": "every slot is held", "position": 2, "queue_length": 2, "holders": [holder],
            "store": store,
        });
        self.answer_json(status, &no);
    }

    /// Says no when so much time is over, as a parked request is.
    #[expect(clippy::disallowed_methods, reason = "this is the server's own wait, in a thread of its own")]
    pub(crate) fn refuse_after(self, time: Duration, kind: &str) {
        std::thread::sleep(time);
        self.refuse("423 Locked", kind, "s");
    }

    /// Says that it is done.
    pub(crate) fn done(self) {
        self.answer_bytes("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    }

    /// Answers with a word and this status.
    pub(crate) fn answer_status(self, status: &str, word: &str) {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close", word.len());
        self.answer_bytes(&format!("{head}\r\n\r\n{word}"));
    }

    /// Tells these events, and ends the stream in the middle.
    pub(crate) fn tell(self, events: &str) {
        let events = format!("retry: 10\n\n{events}");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
        self.answer_bytes(&format!("{head}\r\n{:x}\r\n{events}\r\n", events.len()));
    }

    /// Answers with these bytes and ends the connection.
    pub(crate) fn answer_bytes(mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).unwrap();
        half_close(&self.stream); // who has read enough may be gone
        let _ = self.stream.read_to_end(&mut Vec::new()); // an unread byte would become a reset
    }

    /// Waits until the asker says that it sends no more.
    pub(crate) fn wait_for_half_close(&mut self) {
        assert_eq!(self.stream.read(&mut [0; 16]).unwrap(), 0);
    }
}
