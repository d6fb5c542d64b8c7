//! The classic protocol: `GET /get`, `/wait` and `/release`, answered with one word.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ClassicExchange, Server};

/// What a value of a query need not hide.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassicCall {
    /// A slot, now or not at all.
    Get,
    /// A slot, however long it takes.
    Wait,
    /// To take the slot back.
    Release,
}

/// What a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassicAnswer {
    /// The host holds a slot.
    Yes,
    /// Every slot is held.
    No,
    /// The slot was taken back.
    Ok,
    /// No such pool, or not for this host.
    Invalid,
    /// Not now: the server is stopping, its line is full, or its store is away.
    Unavailable,
}

/// One host that asks one server for the slots of one pool.
#[derive(Debug, Clone)]
pub struct ClassicClient {
    /// Who is asked.
    pub server: Server,
    /// Who asks.
    pub host: String,
    /// For a slot of which pool.
    pub pool: String,
}

impl ClassicClient {
    /// Asks once, on a connection of its own. Nothing is sent until the question is awaited.
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
        let asker = ClassicClient { server, host: "a&b".to_owned(), pool: "x y/ü".to_owned() };

        assert_eq!(asker.url(ClassicCall::Get), "http://locks:9889/get?host=a%26b&pool=x%20y%2F%C3%BC");
    }
}
