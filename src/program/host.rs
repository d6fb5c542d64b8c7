//! What this host is called.

use std::time::Duration;

use dns_lookup::{lookup_addr, lookup_host};

use distributex_client::run_blocking;

/// How long the name service may take. The plain name is better than no run.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// The full name of this host as its name service says it, else the name it was given.
pub(crate) async fn name() -> String {
    let plain = hostname::get().unwrap_or_default().to_string_lossy().into_owned();
    let asked = plain.clone();
    let full = run_blocking(LOOKUP_TIMEOUT, move || full_name(&asked)).await.flatten();
    full.unwrap_or(plain)
}

/// There and back again, as the classic client did it: the name that belongs to the address of the name.
fn full_name(plain: &str) -> Option<String> {
    let address = lookup_host(plain).ok()?.next()?;
    lookup_addr(&address).ok().filter(|name| tells_hosts_apart(name))
}

/// Some hosts list their name next to `localhost`. A fleet of localhosts would be one single holder.
fn tells_hosts_apart(name: &str) -> bool {
    !name.is_empty() && name != "localhost" && !name.starts_with("localhost.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn this_host_has_a_name() {
        let name = name().await;

        let plain = hostname::get().unwrap(); // is what it is, and be it localhost
        assert!(tells_hosts_apart(&name) || (!name.is_empty() && plain == *name), "{name}");
    }
}
