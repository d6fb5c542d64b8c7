//! The classic protocol: `GET /get`, `/wait` and `/release`, with one word as response.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{ClassicExchange, Server};

/// Characters of a query value that are not encoded.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassicCall {
    /// A slot, without waiting.
    Get,
    /// A slot, however long it takes.
    Wait,
    /// Release of the slot.
    Release,
}

/// A response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassicAnswer {
    /// The host holds a slot.
    Yes,
    /// Every slot is held.
    No,
    /// The slot was released.
    Ok,
    /// Unknown pool, or host not allowed.
    Invalid,
    /// Unavailable: the server is stopping, the queue is full, or the store is unreachable.
    Unavailable,
}

/// A host, a server and a pool.
#[derive(Debug, Clone)]
pub struct ClassicClient {
    /// The server.
    pub server: Server,
    /// The host.
    pub host: String,
    /// The pool.
    pub pool: String,
}

impl ClassicClient {
    /// Starts a call on a connection of its own. Nothing is sent until it is awaited.
    #[must_use]
    pub fn start(&self, call: ClassicCall) -> ClassicExchange {
        ClassicExchange::new(self.server.clone(), self.url(call))
    }

    fn url(&self, call: ClassicCall) -> String {
        let path = match call {
            ClassicCall::Get => "get",
            ClassicCall::Wait => "wait",
            ClassicCall::Release => "release",
        };
        let encoded = |name| utf8_percent_encode(name, VALUE);
        format!("http://{}/{path}?host={}&pool={}", self.server, encoded(&self.host), encoded(&self.pool))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hidden_in_the_query() {
        let server = Server::parse("locks", 9889).unwrap();
        let servers = ClassicClient { server, host: "a&b".to_owned(), pool: "x y/ü".to_owned() };

        assert_eq!(servers.url(ClassicCall::Get), "http://locks:9889/get?host=a%26b&pool=x%20y%2F%C3%BC");
    }
}
