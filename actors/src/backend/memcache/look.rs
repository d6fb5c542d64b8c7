//! Asks memcached for all of a pool, and takes its answers apart.

use std::{sync::Arc, time::Duration};

use r2d2_memcache::memcache::exp::{MetaCommand, MetaOp, MetaResponse, ReturnCode};

use super::{
    entry::Entry,
    keys::Keys,
    pause, store,
    view::{Slot, View, Width},
};

/// A width above this was not written here: no pool of any server has more slots.
const MOST_SLOTS: usize = distributex_config::MOST_MEMCACHE_SLOTS as usize;

/// What was seen of a pool.
#[derive(Debug)]
pub(super) struct Look {
    /// The pool.
    pub(super) view: View,
    /// The largest CAS number that was seen. Those to come are larger.
    pub(super) newest: u64,
}

/// The commands that ask for so many slots, the width, the pause and the store.
pub(super) fn questions(keys: &Keys, slots: usize) -> impl Iterator<Item = MetaCommand> {
    let others = [keys.width.clone(), keys.paused.clone(), keys.store.clone()];
    (0..slots).map(|slot| keys.slot(slot)).chain(others).map(question)
}

/// Asks for a value, its CAS number and the time it has left.
pub(super) fn question(key: String) -> MetaCommand {
    MetaCommand::new(MetaOp::Get, key).flag("v").flag("c").flag("t")
}

/// Understands the answers. `known`: what was seen of the same memcached before.
///
/// # Errors
/// A sentence, if nothing can be done with such a memcached.
pub(super) fn understand(answers: &[MetaResponse], known: Option<&View>) -> Result<Look, String> {
    let [slots @ .., width, paused, store] = answers else { return Err("answers too little".to_owned()) };
    let mut look = Look { view: View::default(), newest: 0 };
    for (number, answer) in slots.iter().enumerate() {
        let slot = look.slot(number, answer, known)?;
        look.view.slots.push(slot);
    }
    if let Some(item) = look.item(width)? {
        let slots = std::str::from_utf8(item.value).ok().and_then(|text| text.parse().ok());
        let slots = slots.filter(|slots| *slots <= MOST_SLOTS);
        let slots = slots.ok_or("has something else where the number of slots should be: remove that")?;
        look.view.width = Some(Width { slots, cas: item.cas });
    }
    look.view.paused = look.item(paused)?.map(|item| pause::read(item.value, item.cas));
    if let Some(item) = look.item(store)? {
        let store = store::read(item.value, item.cas);
        let store =
            store.ok_or("has something else where its name should be: choose another memcacheprefix")?;
        look.view.store = Some(Arc::new(store));
    }
    Ok(look)
}

/// The largest CAS number of such answers.
///
/// # Errors
/// A sentence, as for [`understand`].
pub(super) fn newest(answers: &[MetaResponse]) -> Result<u64, String> {
    let mut look = Look { view: View::default(), newest: 0 };
    for answer in answers {
        look.item(answer)?;
    }
    Ok(look.newest)
}

/// A value as memcached has it.
struct Item<'a> {
    value: &'a [u8],
    cas: u64,
    left: Option<Duration>,
}

impl Look {
    fn slot(
        &mut self,
        number: usize,
        answer: &MetaResponse,
        known: Option<&View>,
    ) -> Result<Option<Slot>, String> {
        let Some(Item { value, cas, left }) = self.item(answer)? else { return Ok(None) };
        let before = known.and_then(|view| view.slots.get(number)?.as_ref());
        let entry = match before.filter(|before| before.cas == cas) {
            Some(before) => Some(Arc::clone(&before.entry)),
            None => Entry::read(value).map(Arc::new),
        };
        if entry.is_none() {
            self.view.foreign.push(number);
        }
        Ok(entry.map(|entry| Slot { cas, left, entry }))
    }

    /// The value of an answer, if there is one.
    fn item<'a>(&mut self, answer: &'a MetaResponse) -> Result<Option<Item<'a>>, String> {
        if answer.rc() == ReturnCode::En {
            return Ok(None);
        }
        let number = |letter: u8| {
            let mut flags = answer.flags().filter(|flag| flag.first() == Some(&letter));
            std::str::from_utf8(flags.next()?.get(1..)?).ok()?.parse::<i64>().ok()
        };
        let (Some(value), Some(cas), Some(left)) = (answer.value(), number(b'c'), number(b't')) else {
            return Err(format!("gives no value, CAS number and time, but {:?}", answer.rc()));
        };
        let cas = u64::try_from(cas).unwrap_or_default();
        if cas == 0 {
            return Err("has no CAS numbers, without which no lease is safe: start it without -C".to_owned());
        }
        self.newest = self.newest.max(cas);
        Ok(Some(Item { value, cas, left: u64::try_from(left).ok().map(Duration::from_secs) }))
    }
}
