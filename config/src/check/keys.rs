//! Errors for unknown, renamed and duplicate keys.
use crate::errors::ConfigError;
use crate::yaml::node::{NodeId, quoted};

/// The key that merges other maps into its own.
pub(crate) const MERGE: &str = "<<";

/// Former names of keys, with their present names.
const FORMER: [(&str, &str); 11] = [
    ("state", "state_dir"),
    ("longest_wait", "max_wait"),
    ("longest_patience", "max_patience"),
    ("history", "history_runs"),
    ("events", "event_buffer"),
    ("memcacheservers", "memcache: {servers: …}"),
    ("memcacheconnections", "memcache: {connections: …}"),
    ("memcachetimeout", "memcache: {timeout: …}"),
    ("memcacheprefix", "memcache: {prefix: …}"),
    ("memcachepoll", "memcache: {poll: …}"),
    ("memcacheoutage", "memcache: {outage: …}"),
];

/// The error for a key that is not in `known` and does not begin with `extension`.
pub(crate) fn unknown(key: &str, id: NodeId, known: &[&str], extension: Option<&str>) -> ConfigError {
    let is_here =
        |new: &str| known.iter().any(|known| new == *known || new.starts_with(&format!("{known}:")));
    if let Some((_, new)) = FORMER.iter().find(|(former, new)| *former == key && is_here(new)) {
        return ConfigError::new(id, format!("{key} was renamed"), format!("use {new}"));
    }
    let problem = format!("unknown key {}", quoted(key));
    let mut hint = match closest(key, known) {
        Some(near) => return ConfigError::new(id, problem, format!("did you mean {near}?")),
        None => format!("the keys here are {}", join_words(known, "and")),
    };
    if let Some(extension) = extension {
        let name = quoted(&format!("{extension}{key}"));
        hint += &format!("; name it {name} if it only contains anchors");
    }
    ConfigError::new(id, problem, hint)
}

/// The error for a key that is given twice in one map.
pub(crate) fn duplicate(key: &str, id: NodeId, first: NodeId) -> ConfigError {
    let hint = if key == MERGE {
        "name several maps in one list, as in <<: [*base, *more]"
    } else {
        "keep one of them"
    };
    let problem = format!("key {} is given twice", quoted(key));
    ConfigError { first: Some(first), ..ConfigError::new(id, problem, hint) }
}

/// The known word that is most similar to `word`; `None` if none is similar.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', '-', ' '], "");
    let word = plain(word);
    let distance = |other: &str| strsim::damerau_levenshtein(&word, &plain(other));
    let near = known.iter().map(|other| (distance(other), *other)).min()?;
    (near.0 <= near.1.len() / 3).then_some(near.1) // at most one difference in three letters
}

/// Joins words as `a, b and c`, with `and` before the last.
pub(crate) fn join_words(words: &[&str], and: &str) -> String {
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} {and} {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["name", "expire", "maxlocks", "servers", "max_waiters"];

    #[test]
    fn a_slip_is_forgiven_up_to_one_letter_in_three() {
        for (word, meant) in [
            ("max_locks", Some("maxlocks")),
            ("MaxLocks", Some("maxlocks")),
            ("server", Some("servers")),
            ("exprie", Some("expire")),
            ("expires", Some("expire")),
            ("maxwaiters", Some("max_waiters")),
            ("max-waiter", Some("max_waiters")),
            ("names", Some("name")),
            ("EXPIRE", Some("expire")),
            ("nose", None),
            ("timeout", None),
            ("slots", None),
            ("", None),
        ] {
            assert_eq!(closest(word, &KNOWN), meant, "{word}");
        }
    }

    #[test]
    fn words_are_listed_as_people_do() {
        assert_eq!(join_words(&["a"], "and"), "a");
        assert_eq!(join_words(&["a", "b", "c"], "or"), "a, b or c");
    }
}
