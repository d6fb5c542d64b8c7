//! Name of this host.

use std::time::Duration;

use dns_lookup::{lookup_addr, lookup_host};

use distributex_client::run_blocking;

/// Time limit of the name service. After it, the plain name is used.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// The fully qualified name according to the name service, else the plain name.
pub(crate) async fn name() -> String {
    let plain = hostname::get().unwrap_or_default().to_string_lossy().into_owned();
    let name = plain.clone();
    let full = run_blocking(LOOKUP_TIMEOUT, move || full_name(&name)).await.flatten();
    full.unwrap_or(plain)
}

/// The fully qualified name as the classic client determined it: by forward and reverse lookup.
fn full_name(plain: &str) -> Option<String> {
    let address = lookup_host(plain).ok()?.next()?;
    lookup_addr(&address).ok().filter(|name| tells_hosts_apart(name))
}

/// Whether the name is unique. Some hosts list their name next to `localhost`; hosts with that name would be one
/// holder.
fn tells_hosts_apart(name: &str) -> bool {
    !name.is_empty() && name != "localhost" && !name.starts_with("localhost.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn this_host_has_a_name() {
        let name = name().await;

        let plain = hostname::get().unwrap(); // may be `localhost`
        assert!(tells_hosts_apart(&name) || (!name.is_empty() && plain == *name), "{name}");
    }
}
