//! Host names and addresses, with and without ports.
use std::net::{IpAddr, Ipv6Addr};

/// Maximum length of a DNS name.
const MAX_HOST_BYTES: usize = 253;

/// Whether `text` can be a host name or an address (without brackets).
pub(crate) fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_ipv6(text) || is_name(text.strip_suffix('.').unwrap_or(text))
}

fn is_name(text: &str) -> bool {
    // A name that ends in a number is a mistyped address, such as 127.0.0.300.
    let numeric = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    !numeric && text.len() <= MAX_HOST_BYTES && text.split('.').all(is_label)
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Splits an address into its host, without brackets, and its port.
pub(crate) fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(host, _)| is_ipv6(host))?,
        None if is_ipv6(text) => (text, ""),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if rest.is_empty() {
        return Some((host, None));
    }
    Some((host, Some(port(rest.strip_prefix(':')?)?)))
}

/// An IPv6 address, with a zone if it is link-local: `fe80::1%eth0`.
fn is_ipv6(text: &str) -> bool {
    match text.split_once('%') {
        Some((address, zone)) => {
            let is_zone =
                !zone.is_empty() && zone.bytes().all(|b| b.is_ascii_graphic() && !b"%/[]".contains(&b));
            is_zone && address.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_unicast_link_local())
        }
        None => text.parse::<Ipv6Addr>().is_ok(),
    }
}

/// Parses a port of digits only: `parse` alone would accept `+80`.
fn port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for text in [
            "localhost",
            "lock-1.acme.com",
            "acme.com.",
            "my_box",
            "1and1.de",
            "127.0.0.1",
            "::1",
            "fe80::1%eth0",
        ] {
            assert!(is_host(text), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_host() {
        let long = format!("{}a", "a.".repeat(127));
        assert!(!is_host(&long));
        for text in "|.|a b|a..b|7|127.0.0.300|1.2.3.4.5|[::1]|a:1|*|ü.de|a/b|fe80::1%|::1%eth0|fe80::1%a b"
            .split('|')
        {
            assert!(!is_host(text), "{text}");
        }
    }
}
