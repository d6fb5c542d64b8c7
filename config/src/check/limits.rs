//! What one request, one host and one address may want at most.
use crate::config::{Limits, MAX_LIMIT, MAX_TIME_LIMIT, MIN_TIME_LIMIT};
use crate::node::{Node, Said};
use crate::section::Section;
use crate::value::{Unfit, seconds, unquoted, whole};

/// The keys of `limits`.
pub const KEYS: [&str; 3] = ["connections_per_address", "waiters_per_address", "absent_per_host"];

/// Takes `max_wait`, `max_patience` and `limits`.
pub(super) fn take(file: &mut Section) -> Limits {
    let mut limit = |key| file.take(key, |said| seconds(said, MIN_TIME_LIMIT..=MAX_TIME_LIMIT));
    let (wait, patience) = (limit("max_wait"), limit("max_patience"));
    let usual = Limits::default();
    Limits {
        max_wait: wait.unwrap_or(usual.max_wait),
        max_patience: patience.unwrap_or(usual.max_patience),
        ..section(file)
    }
}

fn section(file: &mut Section) -> Limits {
    let usual = Limits::default();
    let Some(Node { at, said }) = file.take_node("limits") else { return usual };
    let Said::Map(entries) = said else {
        let way_out = format!("write it as limits: with the keys {} below", KEYS.join(", "));
        file.note(Unfit::new(&said, way_out).of("limits", at));
        return usual;
    };
    let mut section = Section::open(at, entries);
    let [connections, waiters, absent] =
        KEYS.map(|key| section.take(key, |said| whole(&unquoted(said), 1..=MAX_LIMIT as i128)));
    let mistakes = section.close(&KEYS, None).into_iter();
    file.note_all(mistakes.map(|mistake| mistake.inside("limits")).collect());
    Limits {
        connections_per_address: connections,
        waiters_per_address: waiters,
        absent_per_host: absent.unwrap_or(usual.absent_per_host),
        ..usual
    }
}
