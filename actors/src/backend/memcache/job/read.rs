//! Reads of a whole pool.

use std::sync::Arc;

use super::{
    order, token_base,
    view::{HeldSlot, PoolView, SlotCount},
};
use crate::backend::memcache::{
    entry::{LeaseEntry, keys::KeyNames, pause},
    shard::protocol::{MemcacheCommand, MemcacheItem, MemcacheReply},
};

/// Limit of a stored number of slots; no server writes a larger one.
const MAX_SLOTS: usize = distributex_config::MAX_MEMCACHE_SLOTS as usize;

/// Result of a read.
#[derive(Debug)]
pub(crate) struct PoolRead {
    /// The pool.
    pub(crate) view: PoolView,
    /// Highest CAS number in the replies. Later ones are higher.
    pub(crate) newest: u64,
}

/// Commands that read this number of slots, the number of slots, the pause, the hints and the store.
pub(crate) fn read_commands(keys: &KeyNames, slots: usize) -> impl Iterator<Item = MemcacheCommand> {
    let others = [&keys.width, &keys.paused, &keys.waiting, &keys.store].map(|key| MemcacheCommand::get(key));
    (0..slots).map(|slot| MemcacheCommand::get(&keys.slot(slot))).chain(others)
}

/// Parses the replies. `known`: an earlier view of the same memcached.
///
/// # Errors
/// Why this memcached is unusable.
pub(crate) fn parse(answers: &[MemcacheReply], known: Option<&PoolView>) -> Result<PoolRead, String> {
    let [slots @ .., width, paused, waiting, store] = answers else {
        return Err("sent too few replies".to_owned());
    };
    let mut pool_read = PoolRead { view: PoolView::default(), newest: 0 };
    for (index, answer) in slots.iter().enumerate() {
        let slot = pool_read.slot(index, answer, known)?;
        pool_read.view.slots.push(slot);
    }
    if let Some(item) = pool_read.item(width)? {
        let slots = std::str::from_utf8(&item.value).ok().and_then(|text| text.parse().ok());
        let slots = slots.filter(|slots| *slots <= MAX_SLOTS);
        let slots = slots.ok_or("has an invalid number of slots: delete the key that ends in :width")?;
        pool_read.view.width = Some(SlotCount { slots, cas: item.cas });
    }
    pool_read.view.paused = pool_read.item(paused)?.map(|item| pause::read(&item.value, item.cas));
    pool_read.view.hints = pool_read.item(waiting)?.map(|item| order::read(&item.value, item.cas));
    if let Some(item) = pool_read.item(store)? {
        let store = token_base::read(&item.value, item.cas);
        let store = store.ok_or("has an invalid store id: use another memcache.prefix")?;
        pool_read.view.store = Some(Arc::new(store));
    }
    Ok(pool_read)
}

/// Highest CAS number in the replies.
///
/// # Errors
/// As for [`parse`].
pub(crate) fn newest(answers: &[MemcacheReply]) -> Result<u64, String> {
    let mut pool_read = PoolRead { view: PoolView::default(), newest: 0 };
    for answer in answers {
        pool_read.item(answer)?;
    }
    Ok(pool_read.newest)
}

impl PoolRead {
    fn slot(
        &mut self,
        index: usize,
        answer: &MemcacheReply,
        known: Option<&PoolView>,
    ) -> Result<Option<HeldSlot>, String> {
        let Some(&MemcacheItem { ref value, cas, left, prolonged }) = self.item(answer)? else {
            return Ok(None);
        };
        let before = known.and_then(|view| view.slots.get(index)?.as_ref());
        let entry = match before.filter(|before| before.cas == cas) {
            Some(before) => Some(Arc::clone(&before.entry)),
            None => LeaseEntry::read(value).map(Arc::new),
        };
        if entry.is_none() {
            self.view.foreign.push(index);
        }
        Ok(entry.map(|entry| HeldSlot { cas, left, entry, prolonged }))
    }

    /// The entry in a reply; `None` if there is none.
    fn item<'a>(&mut self, answer: &'a MemcacheReply) -> Result<Option<&'a MemcacheItem>, String> {
        let item = match answer {
            MemcacheReply::Found(item) => item,
            MemcacheReply::Void => return Ok(None),
            other @ (MemcacheReply::Done | MemcacheReply::Changed | MemcacheReply::Refused(_)) => {
                return Err(format!("sent no value, CAS number and time, but {other:?}"));
            }
        };
        if item.cas == 0 {
            return Err("has no CAS numbers, without which no lease is safe: start it without -C".to_owned());
        }
        self.newest = self.newest.max(item.cas);
        Ok(Some(item))
    }
}
