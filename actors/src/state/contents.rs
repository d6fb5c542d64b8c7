//! All that stands in a state directory, as it is read at the start.

use std::collections::{HashMap, HashSet};

use distributex_config::{BadName, Name};
use serde::Deserialize;

use super::{
    boot::{Boot, Now},
    file::{Changes, Key, Kind, Rows},
    record::{LeaseRecord, NumbersRecord, PauseRecord, PlaceRecord, Record},
};
use crate::pool::{Ticket, Token, kept::Kept};

/// All that was written down: pool, kind, number, value.
#[derive(Debug, Default)]
pub(super) struct Contents(pub(super) Vec<(String, u8, u64, Vec<u8>)>);

impl Contents {
    /// What was written down of each pool.
    pub(super) fn read(&self, now: &Now) -> Result<HashMap<Name, Kept>, String> {
        let mut kept = HashMap::<Name, Kept>::new();
        for (pool, kind, number, value) in &self.0 {
            let name = Name::new(pool).map_err(|why| nameless(&why))?;
            let of_pool = kept.entry(name).or_default();
            let bad = || misunderstood(pool);
            match Kind::of(*kind).ok_or_else(bad)? {
                Kind::Numbers => of_pool.numbers = json::<NumbersRecord>(value).ok_or_else(bad)?.read(),
                Kind::Lease => {
                    let lease =
                        json::<LeaseRecord<'_>>(value).and_then(|record| record.read(Token(*number), now));
                    of_pool.leases.push(lease.ok_or_else(bad)?);
                }
                Kind::Place => {
                    let place = json::<PlaceRecord<'_>>(value).and_then(|record| record.read(now));
                    of_pool.places.push((Ticket(*number), place.ok_or_else(bad)?));
                }
                Kind::Paused => of_pool.paused = Some(json::<PauseRecord<'_>>(value).ok_or_else(bad)?.read()),
            }
        }
        Ok(kept)
    }

    /// All of it by key, as it is written again.
    pub(super) fn rows(&self) -> Result<Rows, String> {
        let mut rows = Rows::with_capacity(self.0.len());
        let mut last: Option<Name> = None; // they come sorted by pool, and share its name
        for (pool, kind, number, value) in &self.0 {
            let name = match last.take().filter(|last| last.as_str() == pool) {
                Some(name) => name,
                None => Name::new(pool).map_err(|why| nameless(&why))?,
            };
            let kind = Kind::of(*kind).ok_or_else(|| misunderstood(pool))?;
            rows.insert(Key { pool: name.clone(), kind, number: *number }, value.as_slice().into());
            last = Some(name);
        }
        Ok(rows)
    }

    /// What is to be written so that leases of other boots, which begin anew with what they had left, do so only
    /// once: their time is counted by this boot's clock from now on.
    pub(super) fn written_in_other_boots(&self, kept: &HashMap<Name, Kept>, now: Now) -> Changes {
        let is_old =
            |value| json::<LeaseRecord<'_>>(value).is_some_and(|lease| lease.boot() != now.moment.boot);
        let leases = self.0.iter().filter(|(_, kind, _, value)| *kind == LEASE && is_old(value));
        let old: HashSet<_> = leases.map(|(pool, _, token, _)| (pool.as_str(), *token)).collect();
        let mut changes = Changes::new();
        for (pool, kept) in kept {
            for lease in kept.leases.iter().filter(|lease| old.contains(&(pool.as_str(), lease.token.0))) {
                let key = Key { pool: pool.clone(), kind: Kind::Lease, number: lease.token.0 };
                changes.insert(key, Some(Record::Lease(Box::new(lease.clone()), now)));
            }
        }
        changes
    }

    /// The boots in which they were written.
    pub(super) fn boots(&self) -> HashSet<Boot> {
        let boot = |(_, kind, _, value): &(String, u8, u64, Vec<u8>)| match *kind {
            LEASE => json::<LeaseRecord<'_>>(value).map(|record| record.boot()),
            PLACE => json::<PlaceRecord<'_>>(value).map(|record| record.boot()),
            _ => None,
        };
        self.0.iter().filter_map(boot).collect()
    }
}

pub(super) const LEASE: u8 = Kind::Lease as u8;
const PLACE: u8 = Kind::Place as u8;

fn nameless(why: &BadName) -> String {
    format!("there is a pool without a proper name: {why}")
}

fn misunderstood(pool: &str) -> String {
    format!("what it says of pool {pool:?} cannot be understood")
}

fn json<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}
