//! Where tokens begin: a token is the store's base and the CAS number of the entry's first change.
//!
//! Memcached's CAS numbers rise with every change that anybody makes, so they order all grants without a counter
//! of our own. But they begin again when it is restarted. The base, made anew then, is the microseconds since
//! 1970: less than one change in a microsecond is made. Memcached's own clock, which all servers share, counts;
//! but it knows only seconds, and is up to two of them behind and one ahead. So a server whose clock agrees with
//! it takes its own, and one whose clock does not takes memcached's earliest, as soon as that is later than when
//! memcached was started: whatever was granted before that is older.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{
    connection_pool::{ConnectionPool, ExchangeFailure, PooledLink},
    entry::EXACT,
    keys::KeyNames,
    protocol::{MemcacheCommand, MemcacheReply},
    read,
    view::StoreEntry,
};
use crate::pool::LeaseId;

/// So many seconds after its start, even the earliest that memcached's clock can mean is later than that start.
const MIN_BASE_STEP: u64 = 5;

/// For so many seconds the probe is kept. So small a number is no date to memcached, but counts from now.
const PROBE_SECONDS: u64 = 5;

/// A [`StoreEntry`] in JSON.
#[derive(Serialize, Deserialize)]
struct TokenBaseJson {
    id: String,
    base: u64,
}

/// Understands a store; `None` if it is none.
pub(super) fn read(value: &[u8], cas: u64) -> Option<StoreEntry> {
    let TokenBaseJson { id, base } = serde_json::from_slice(value).ok()?;
    let is_name = LeaseId::parse(&id).is_some(); // 128 random bits, too
    (is_name && base < EXACT).then(|| StoreEntry { id: id.into(), base, cas })
}

/// Makes a store where there is none, unless another server does so first. Its tokens will be above `highest`.
pub(super) fn make(
    links: &ConnectionPool,
    link: &mut PooledLink,
    keys: &KeyNames,
    highest: u64,
) -> Result<(), ExchangeFailure> {
    let clock = links.clock().map_err(|trouble| ExchangeFailure { trouble, again: false })?;
    let probe = MemcacheCommand::set(&keys.probe, "?".to_owned(), Some(PROBE_SECONDS));
    let answers = write(links, link, &[probe, MemcacheCommand::get(&keys.probe)])?;
    let seen = read::newest(&answers[1..]).map_err(|why| links.failed(why))?;
    let time = clock.micros(now()).ok_or_else(|| {
        links.failed("was started a moment ago, and the clock of this server is not its: set it, or wait 5 s")
    })?;
    let base = time.max(highest + 1).saturating_sub(seen);
    let id = LeaseId::random().reveal();
    write(links, link, &[MemcacheCommand::add(&keys.store, record(&id, base), None)]).map(|_| ())
}

/// Lets the tokens of a store begin above `highest`, unless another server changes it first. `newest`: a CAS
/// number that was seen in it.
pub(super) fn raise(
    links: &ConnectionPool,
    link: &mut PooledLink,
    keys: &KeyNames,
    store: &StoreEntry,
    newest: u64,
    highest: u64,
) -> Result<(), ExchangeFailure> {
    let base = store.base.max((highest + 1).saturating_sub(newest));
    let command = MemcacheCommand::swap(&keys.store, store.cas, record(&store.id, base), None);
    write(links, link, &[command]).map(|_| ())
}

/// Sends commands of which the first must find memory.
fn write(
    links: &ConnectionPool,
    link: &mut PooledLink,
    commands: &[MemcacheCommand],
) -> Result<Vec<MemcacheReply>, ExchangeFailure> {
    let answers = links.exchange(link, commands)?;
    match &answers[0] {
        MemcacheReply::Refused(why) => Err(links.failed(format_args!("refuses to write: {why}"))),
        MemcacheReply::Found(_) | MemcacheReply::Done | MemcacheReply::Changed | MemcacheReply::Void => {
            Ok(answers)
        }
    }
}

/// Whether tokens to come could be ones that were given before.
pub(super) fn falls_behind(store: &StoreEntry, newest: u64, highest: u64) -> bool {
    store.base.saturating_add(newest) < highest
}

/// What memcached says of its clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoreClock {
    /// The seconds since 1970.
    pub(super) time: u64,
    /// The seconds since it was started.
    pub(super) uptime: u64,
}

impl StoreClock {
    /// The microseconds since 1970, if they are known well enough. `ours`: the time since 1970 by our clock.
    fn micros(self, ours: Duration) -> Option<u64> {
        let second = |seconds: u64| seconds.saturating_mul(1_000_000);
        let ours = u64::try_from(ours.as_micros()).ok()?;
        let earliest = second(self.time.saturating_sub(1));
        if (earliest..second(self.time + 3)).contains(&ours) {
            return Some(ours);
        }
        (self.uptime >= MIN_BASE_STEP).then_some(earliest)
    }
}

fn record(id: &str, base: u64) -> String {
    let record = TokenBaseJson { id: id.to_owned(), base };
    serde_json::to_string(&record).expect("a record has only texts and numbers")
}

/// The time since 1970 by this machine's clock.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_ours_if_memcached_agrees_or_else_its_own_a_while_after_its_start() {
        let micros = |millis: u64, uptime| {
            StoreClock { time: 1_700_000_000, uptime }.micros(Duration::from_millis(millis))
        };

        assert_eq!(micros(1_700_000_000_500, 0), Some(1_700_000_000_500_000));
        assert_eq!(micros(1_699_999_999_500, 0), Some(1_699_999_999_500_000));
        assert_eq!(micros(1_700_000_002_500, 0), Some(1_700_000_002_500_000));
        for wrong in [1_600_000_000_000, 1_800_000_000_000] {
            assert_eq!(micros(wrong, 4), None);
            assert_eq!(micros(wrong, 5), Some(1_699_999_999_000_000));
        }
    }

    #[test]
    fn only_a_store_is_one() {
        let id = LeaseId::random().reveal();
        let huge = record(&id, u64::MAX);

        assert_eq!(read(record(&id, 5).as_bytes(), 9), Some(StoreEntry { id: id.into(), base: 5, cas: 9 }));
        for other in ["", "1", "{}", "{\"id\":\"web1\",\"base\":5}", &huge] {
            assert_eq!(read(other.as_bytes(), 9), None, "{other}");
        }
    }
}
