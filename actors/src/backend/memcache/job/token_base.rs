//! Tokens: the sum of the store's base and the CAS number of the entry's first write.
//!
//! Memcached's CAS numbers rise with every write by any client, so they order all grants without a counter of ours.
//! But they restart with memcached. The base, written again then, is the microseconds since 1970: fewer than one write
//! per microsecond is made. Memcached's own clock counts, which all servers share; but it knows only seconds, and is
//! up to two of them slow and one fast. So a server whose clock agrees with it uses its own, and any other uses the
//! earliest time that memcached's can mean, as soon as that is later than memcached's start: all earlier grants are
//! older.

use serde::{Deserialize, Serialize};

use super::{read, view::StoreEntry};
use crate::{
    backend::memcache::{
        entry::keys::KeyNames,
        shard::{
            clock,
            connection_pool::{ConnectionPool, ExchangeFailure, PooledLink},
            protocol::{MemcacheCommand, MemcacheReply},
        },
    },
    json::JSON_NUMBER_LIMIT,
    pool::LeaseId,
};

/// Lifetime of the probe in seconds. Memcached takes so small a number for a duration, not for a date.
const PROBE_SECONDS: u64 = 5;

/// JSON of a [`StoreEntry`].
#[derive(Serialize, Deserialize)]
struct TokenBaseJson {
    id: String,
    base: u64,
}

/// Parses a stored value; `None` if it is invalid.
pub(crate) fn read(value: &[u8], cas: u64) -> Option<StoreEntry> {
    let TokenBaseJson { id, base } = serde_json::from_slice(value).ok()?;
    let is_name = LeaseId::parse(&id).is_some(); // 128 random bits, like a lease id
    (is_name && base < JSON_NUMBER_LIMIT).then(|| StoreEntry { id: id.into(), base, cas })
}

/// Creates the store, unless another server does so first. Its tokens are above `highest_token`.
pub(crate) fn make(
    connections: &ConnectionPool,
    link: &mut PooledLink,
    keys: &KeyNames,
    highest_token: u64,
) -> Result<(), ExchangeFailure> {
    let clock = connections.clock().map_err(|error| ExchangeFailure { error, retry: false })?;
    let probe = MemcacheCommand::set(&keys.probe, "?".to_owned(), Some(PROBE_SECONDS));
    let answers = write(connections, link, &[probe, MemcacheCommand::get(&keys.probe)])?;
    let seen = read::newest(&answers[1..]).map_err(|why| connections.failed(why))?;
    let time = clock.micros(clock::unix_now()).ok_or_else(|| {
        connections
            .failed("has just started, and its clock differs from this server's: set the clock, or wait 5 s")
    })?;
    let base = time.max(highest_token + 1).saturating_sub(seen);
    let id = LeaseId::random().reveal();
    write(connections, link, &[MemcacheCommand::add(&keys.store, record(&id, base), None)]).map(|_| ())
}

/// Raises the base, so that tokens are above `highest_token`, unless another server changes it first. `newest`: a CAS number
/// of the store.
pub(crate) fn raise(
    connections: &ConnectionPool,
    link: &mut PooledLink,
    keys: &KeyNames,
    store: &StoreEntry,
    newest: u64,
    highest_token: u64,
) -> Result<(), ExchangeFailure> {
    let base = store.base.max((highest_token + 1).saturating_sub(newest));
    let command = MemcacheCommand::swap(&keys.store, store.cas, record(&store.id, base), None);
    write(connections, link, &[command]).map(|_| ())
}

/// Sends commands, of which the first has to find memory.
fn write(
    connections: &ConnectionPool,
    link: &mut PooledLink,
    commands: &[MemcacheCommand],
) -> Result<Vec<MemcacheReply>, ExchangeFailure> {
    let answers = connections.exchange(link, commands)?;
    match &answers[0] {
        MemcacheReply::Refused(why) => Err(connections.failed(format_args!("refused a write: {why}"))),
        MemcacheReply::Found(_) | MemcacheReply::Done | MemcacheReply::Changed | MemcacheReply::Void => {
            Ok(answers)
        }
    }
}

/// Whether new tokens may repeat earlier ones.
pub(crate) fn falls_behind(store: &StoreEntry, newest: u64, highest_token: u64) -> bool {
    store.base.saturating_add(newest) < highest_token
}

fn record(id: &str, base: u64) -> String {
    let record = TokenBaseJson { id: id.to_owned(), base };
    serde_json::to_string(&record).expect("a record has only texts and numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_store_entry_is_rejected() {
        let id = LeaseId::random().reveal();
        let huge = record(&id, u64::MAX);

        assert_eq!(read(record(&id, 5).as_bytes(), 9), Some(StoreEntry { id: id.into(), base: 5, cas: 9 }));
        for other in ["", "1", "{}", "{\"id\":\"web1\",\"base\":5}", &huge] {
            assert_eq!(read(other.as_bytes(), 9), None, "{other}");
        }
    }
}
