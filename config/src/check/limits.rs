//! Validation of `max_wait`, `max_patience` and `limits`.
use crate::check::section::Section;
use crate::check::value::{InvalidValue, integer, seconds, unquoted};
use crate::settings::{Limits, MAX_LIMIT, MAX_TIME_LIMIT, MIN_TIME_LIMIT};
use crate::yaml::node::{Node, Value};

/// The keys of `limits`.
pub const KEYS: [&str; 3] = ["connections_per_address", "waiters_per_address", "absent_per_host"];

/// Takes `max_wait`, `max_patience` and `limits`.
pub(super) fn take(file: &mut Section) -> Limits {
    let mut limit = |key| file.take(key, |value| seconds(value, MIN_TIME_LIMIT..=MAX_TIME_LIMIT));
    let (wait, patience) = (limit("max_wait"), limit("max_patience"));
    let defaults = Limits::default();
    Limits {
        max_wait: wait.unwrap_or(defaults.max_wait),
        max_patience: patience.unwrap_or(defaults.max_patience),
        ..section(file)
    }
}

fn section(file: &mut Section) -> Limits {
    let defaults = Limits::default();
    let Some(Node { id, value }) = file.take_node("limits") else { return defaults };
    let Value::Map(entries) = value else {
        let hint = format!("write it as limits: with the keys {} below", KEYS.join(", "));
        file.add_error(InvalidValue::new(&value, hint).of("limits", id));
        return defaults;
    };
    let mut section = Section::open(id, entries);
    let [connections, waiters, absent] =
        KEYS.map(|key| section.take(key, |value| integer(&unquoted(value), 1..=MAX_LIMIT as i128)));
    let errors = section.close(&KEYS, None).into_iter();
    file.add_errors(errors.map(|error| error.inside("limits")).collect());
    Limits {
        connections_per_address: connections,
        waiters_per_address: waiters,
        absent_per_host: absent.unwrap_or(defaults.absent_per_host),
        ..defaults
    }
}
