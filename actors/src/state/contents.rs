//! Contents of a state directory, read at the start.

use std::collections::{HashMap, HashSet};

use distributex_config::{BadName, Name};
use serde::Deserialize;

use super::{
    boot::{BootNumber, ClockReading},
    file::{Changes, RowKey, RowKind, Rows},
    records::{HighestNumbersRecord, LeaseRecord, QueueEntryRecord, StateRecord, is_number},
};
use crate::{
    json::OperatorJson,
    pool::{Ticket, Token, persistence::PersistedPool},
};

/// All records: pool, kind, number, value.
#[derive(Debug, Default)]
pub(super) struct StateContents(pub(super) Vec<(String, u8, u64, Vec<u8>)>);

impl StateContents {
    /// Records by pool.
    pub(super) fn read(&self, now: &ClockReading) -> Result<HashMap<Name, PersistedPool>, String> {
        let (mut kept, mut moved) = (HashMap::<Name, PersistedPool>::new(), HashSet::new());
        for (pool, kind, number, value) in &self.0 {
            let name = Name::new(pool).map_err(|why| invalid_name(&why))?;
            let of_pool = kept.entry(name).or_default();
            let bad = || invalid_data(pool);
            if !is_number(*number) {
                return Err(bad());
            }
            match RowKind::of(*kind).ok_or_else(bad)? {
                RowKind::Numbers => {
                    of_pool.numbers = json::<HighestNumbersRecord>(value)
                        .and_then(HighestNumbersRecord::read)
                        .ok_or_else(bad)?;
                }
                RowKind::Lease => {
                    let lease =
                        json::<LeaseRecord<'_>>(value).and_then(|record| record.read(Token(*number), now));
                    of_pool.leases.push(lease.ok_or_else(bad)?);
                }
                RowKind::QueueEntry => {
                    let position = json::<QueueEntryRecord<'_>>(value).and_then(|record| record.read(now));
                    let position = position.filter(|_| *number > 0).ok_or_else(bad)?;
                    if position.moved.is_some_and(|spot| !moved.insert((pool, spot))) {
                        return Err(format!("two waiters of pool {pool:?} have the same position"));
                    }
                    of_pool.queue_entries.push((Ticket(*number), position));
                }
                RowKind::Paused => {
                    of_pool.paused = Some(json::<OperatorJson<'_>>(value).ok_or_else(bad)?.read());
                }
            }
        }
        Ok(kept)
    }

    /// All records by key, to be written again.
    pub(super) fn rows(&self) -> Result<Rows, String> {
        let mut rows = Rows::with_capacity(self.0.len());
        let mut last: Option<Name> = None; // sorted by pool, whose name they share
        for (pool, kind, number, value) in &self.0 {
            let name = match last.take().filter(|last| last.as_str() == pool) {
                Some(name) => name,
                None => Name::new(pool).map_err(|why| invalid_name(&why))?,
            };
            let kind = RowKind::of(*kind).ok_or_else(|| invalid_data(pool))?;
            rows.insert(RowKey { pool: name.clone(), kind, number: *number }, value.as_slice().into());
            last = Some(name);
        }
        Ok(rows)
    }

    /// The records to rewrite so that leases of other boots start over only once: their time is counted by
    /// this boot's clock from now on.
    pub(super) fn written_in_other_boots(
        &self,
        kept: &HashMap<Name, PersistedPool>,
        now: ClockReading,
    ) -> Changes {
        let is_old =
            |value| json::<LeaseRecord<'_>>(value).is_some_and(|lease| lease.boot() != now.moment.boot);
        let leases = self.0.iter().filter(|(_, kind, _, value)| *kind == LEASE && is_old(value));
        let old: HashSet<_> = leases.map(|(pool, _, token, _)| (pool.as_str(), *token)).collect();
        let mut changes = Changes::new();
        for (pool, kept) in kept {
            for lease in kept.leases.iter().filter(|lease| old.contains(&(pool.as_str(), lease.token.0))) {
                let key = RowKey { pool: pool.clone(), kind: RowKind::Lease, number: lease.token.0 };
                changes.insert(key, Some(StateRecord::Lease(Box::new(lease.clone()), now)));
            }
        }
        changes
    }

    /// The boots of the records.
    pub(super) fn boots(&self) -> HashSet<BootNumber> {
        let boot = |(_, kind, _, value): &(String, u8, u64, Vec<u8>)| match *kind {
            LEASE => json::<LeaseRecord<'_>>(value).map(|record| record.boot()),
            QUEUE_ENTRY => json::<QueueEntryRecord<'_>>(value).map(|record| record.boot()),
            _ => None,
        };
        self.0.iter().filter_map(boot).collect()
    }
}

pub(super) const LEASE: u8 = RowKind::Lease as u8;
const QUEUE_ENTRY: u8 = RowKind::QueueEntry as u8;

fn invalid_name(why: &BadName) -> String {
    format!("invalid pool name: {why}")
}

fn invalid_data(pool: &str) -> String {
    format!("invalid data of pool {pool:?}")
}

fn json<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn read(contents: Vec<(u8, u64, &str)>) -> Result<HashMap<Name, PersistedPool>, String> {
        let rows =
            contents.into_iter().map(|(kind, number, json)| ("p".to_owned(), kind, number, json.into()));
        StateContents(rows.collect()).read(&BootNumber(1).now(Instant::now()))
    }

    fn place(owner: &str, moved: i64) -> String {
        format!(
            r#"{{"requester":{{"kind":"owner","host":"a","owner":"{owner}"}},"now":{{"boot":1,"at":1,"wall":1}},"waited":0,"patience":1,"ttl":1,"lease":null,"moved":{moved}}}"#
        )
    }

    #[test]
    fn numbers_that_are_too_large_are_rejected() {
        let lease = r#"{"requester":{"kind":"host","host":"a"},"now":{"boot":1,"at":1,"wall":1},"ttl":1,"left":1,"delivered":true}"#;

        assert!(read(vec![(LEASE, (1 << 53) - 1, lease)]).is_ok());
        for (kind, number, json) in [
            (LEASE, 1 << 53, lease),
            (LEASE, u64::MAX, lease),
            (QUEUE_ENTRY, u64::MAX, &*place("x", 0)),
            (QUEUE_ENTRY, 0, &*place("x", 0)),
        ] {
            assert!(read(vec![(kind, number, json)]).unwrap_err().contains("invalid data"), "{number}");
        }
    }

    #[test]
    fn two_waiters_with_one_position_are_rejected() {
        let [one, two] = [place("x", -3), place("y", -3)];

        let error = read(vec![(QUEUE_ENTRY, 5, &*one), (QUEUE_ENTRY, 6, &*two)]).unwrap_err();

        assert!(error.contains("the same position"), "{error}");
    }
}
