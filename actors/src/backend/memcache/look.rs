//! Asks memcached for all of a pool, and takes its answers apart.

use std::sync::Arc;

use super::{
    entry::Entry,
    keys::Keys,
    order, pause,
    protocol::{Answer, Command, Item},
    store,
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

/// The commands that ask for so many slots, the width, the pause, the hints and the store.
pub(super) fn questions(keys: &Keys, slots: usize) -> impl Iterator<Item = Command> {
    let others = [&keys.width, &keys.paused, &keys.waiting, &keys.store].map(|key| Command::get(key));
    (0..slots).map(|slot| Command::get(&keys.slot(slot))).chain(others)
}

/// Understands the answers. `known`: what was seen of the same memcached before.
///
/// # Errors
/// A sentence, if nothing can be done with such a memcached.
pub(super) fn understand(answers: &[Answer], known: Option<&View>) -> Result<Look, String> {
    let [slots @ .., width, paused, waiting, store] = answers else {
        return Err("answers too little".to_owned());
    };
    let mut look = Look { view: View::default(), newest: 0 };
    for (number, answer) in slots.iter().enumerate() {
        let slot = look.slot(number, answer, known)?;
        look.view.slots.push(slot);
    }
    if let Some(item) = look.item(width)? {
        let slots = std::str::from_utf8(&item.value).ok().and_then(|text| text.parse().ok());
        let slots = slots.filter(|slots| *slots <= MOST_SLOTS);
        let slots = slots.ok_or("has something else where the number of slots should be: remove that")?;
        look.view.width = Some(Width { slots, cas: item.cas });
    }
    look.view.paused = look.item(paused)?.map(|item| pause::read(&item.value, item.cas));
    look.view.hints = look.item(waiting)?.map(|item| order::read(&item.value, item.cas));
    if let Some(item) = look.item(store)? {
        let store = store::read(&item.value, item.cas);
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
pub(super) fn newest(answers: &[Answer]) -> Result<u64, String> {
    let mut look = Look { view: View::default(), newest: 0 };
    for answer in answers {
        look.item(answer)?;
    }
    Ok(look.newest)
}

impl Look {
    fn slot(&mut self, number: usize, answer: &Answer, known: Option<&View>) -> Result<Option<Slot>, String> {
        let Some(&Item { ref value, cas, left, prolonged }) = self.item(answer)? else { return Ok(None) };
        let before = known.and_then(|view| view.slots.get(number)?.as_ref());
        let entry = match before.filter(|before| before.cas == cas) {
            Some(before) => Some(Arc::clone(&before.entry)),
            None => Entry::read(value).map(Arc::new),
        };
        if entry.is_none() {
            self.view.foreign.push(number);
        }
        Ok(entry.map(|entry| Slot { cas, left, entry, prolonged }))
    }

    /// The entry of an answer, if there is one.
    fn item<'a>(&mut self, answer: &'a Answer) -> Result<Option<&'a Item>, String> {
        let item = match answer {
            Answer::Found(item) => item,
            Answer::Void => return Ok(None),
            other @ (Answer::Done | Answer::Changed | Answer::Refused(_)) => {
                return Err(format!("gives no value, CAS number and time, but {other:?}"));
            }
        };
        if item.cas == 0 {
            return Err("has no CAS numbers, without which no lease is safe: start it without -C".to_owned());
        }
        self.newest = self.newest.max(item.cas);
        Ok(Some(item))
    }
}
