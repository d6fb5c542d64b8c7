//! Addresses to listen on.
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::settings::host::{is_host, split};

/// An address to listen on, from the configuration or `--listen`.
///
/// Parsed from and displayed as text such as `localhost`, `127.0.0.1:9889`, `::1`, `[::1]:9889` or `*:9889`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listen {
    /// A host name, an IPv4 address, an IPv6 address without brackets, or [`Listen::ANY`].
    pub host: String,
    /// The port, if given; 0: any free port.
    pub port: Option<u16>,
}

/// An invalid address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not an address to listen on; {expected}", expected = Listen::EXPECTED)]
pub struct BadListen(pub String);

impl Listen {
    /// The host that means every address of the machine.
    pub const ANY: &str = "*";
    /// Form of an address, as the end of an error message.
    pub const EXPECTED: &str =
        "must be HOST or HOST:PORT, as in localhost, 127.0.0.1:9889, [::1]:9889 or *:9889 (every address)";

    /// Whether it means every address of the machine.
    pub fn is_any(&self) -> bool {
        self.host == Self::ANY
    }
}

impl FromStr for Listen {
    type Err = BadListen;

    fn from_str(text: &str) -> Result<Self, BadListen> {
        let found = split(text).filter(|(host, _)| *host == Self::ANY || is_host(host));
        let (host, port) = found.ok_or_else(|| BadListen(text.to_owned()))?;
        let host = host.to_owned();
        Ok(Self { host, port })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => write!(f, "{}", self.host),
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_address_is_understood_and_written_back() {
        let listen = |host: &str, port| Listen { host: host.to_owned(), port };
        for (text, meant) in [
            ("127.0.0.1", listen("127.0.0.1", None)),
            ("127.0.0.1:9889", listen("127.0.0.1", Some(9889))),
            ("[::1]:9889", listen("::1", Some(9889))),
            ("::1", listen("::1", None)),
            ("fe80::1%eth0", listen("fe80::1%eth0", None)),
            ("[fe80::1%eth0]:9889", listen("fe80::1%eth0", Some(9889))),
            ("localhost:80", listen("localhost", Some(80))),
            ("lock-1.acme.com", listen("lock-1.acme.com", None)),
            ("*", listen("*", None)),
            ("*:9889", listen("*", Some(9889))),
            ("127.0.0.1:0", listen("127.0.0.1", Some(0))),
        ] {
            let listen: Listen = text.parse().unwrap();

            assert_eq!(listen, meant);
            assert_eq!(listen.to_string(), text);
        }
    }

    #[test]
    fn brackets_without_a_port_are_only_brackets() {
        assert_eq!("[::1]".parse::<Listen>().unwrap().to_string(), "::1");
    }

    #[test]
    fn only_the_star_is_every_address() {
        assert!("*:1".parse::<Listen>().unwrap().is_any());
        assert!(!"0.0.0.0".parse::<Listen>().unwrap().is_any());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let bare = "|:9889|9889|localhost:|localhost:x|a:65536|a:+80|a:-1|1.2.3:1|a b|a/b|**|*.a|*:| *|a\n";
        let brackets = "[::1|[::1]80|[::1]:|[a]:80|[]:80|::1:x|[1.2.3.4]:80";
        for text in bare.split('|').chain(brackets.split('|')) {
            assert_eq!(text.parse::<Listen>(), Err(BadListen(text.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn the_refusal_says_what_is_expected() {
        let refusal = "9889".parse::<Listen>().unwrap_err().to_string();

        assert_eq!(refusal, format!("\"9889\" is not an address to listen on; {}", Listen::EXPECTED));
    }
}
