//! Names and addresses of machines.
use std::net::IpAddr;

/// The length of the longest name in the DNS.
const MOST_BYTES: usize = 253;

/// Can `text` be a host name or an address (without brackets)?
pub(crate) fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_name(text.strip_suffix('.').unwrap_or(text))
}

fn is_name(text: &str) -> bool {
    // What ends in a number is no name but an address with a slip, such as 127.0.0.300.
    let numeric = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    !numeric && text.len() <= MOST_BYTES && text.split('.').all(is_label)
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for text in ["localhost", "lock-1.acme.com", "acme.com.", "my_box", "1and1.de", "127.0.0.1", "::1"] {
            assert!(is_host(text), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_host() {
        let long = format!("{}a", "a.".repeat(127));
        assert!(!is_host(&long));
        for text in "|.|a b|a..b|7|127.0.0.300|1.2.3.4.5|[::1]|a:1|*|ü.de|a/b".split('|') {
            assert!(!is_host(text), "{text}");
        }
    }
}
