//! What to say about keys that cannot stand where they stand.
use crate::errors::ConfigError;
use crate::node::{At, quoted};

/// The key that merges other maps into the one in which it stands.
pub(crate) const MERGE: &str = "<<";

/// Keys that had another name before, and the name they have now.
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

/// A key that is none of `known` and does not begin with `extension`, if that is allowed here.
pub(crate) fn unknown(key: &str, at: At, known: &[&str], extension: Option<&str>) -> ConfigError {
    let is_here =
        |new: &str| known.iter().any(|known| new == *known || new.starts_with(&format!("{known}:")));
    if let Some((_, new)) = FORMER.iter().find(|(former, new)| *former == key && is_here(new)) {
        return ConfigError::new(at, format!("{key} was renamed"), format!("write {new}"));
    }
    let problem = format!("unknown key {}", quoted(key));
    let mut way_out = match nearest(key, known) {
        Some(near) => return ConfigError::new(at, problem, format!("did you mean {near}?")),
        None => format!("the keys here are {}", listed(known, "and")),
    };
    if let Some(extension) = extension {
        let name = quoted(&format!("{extension}{key}"));
        way_out += &format!("; name it {name} to keep it as a place for anchors");
    }
    ConfigError::new(at, problem, way_out)
}

/// A key that stands twice in one map; nobody could say which counts.
pub(crate) fn twice(key: &str, at: At, first: At) -> ConfigError {
    let way_out = if key == MERGE {
        "name several maps in one list, as in <<: [*base, *more]"
    } else {
        "keep one of them"
    };
    let problem = format!("key {} is given twice", quoted(key));
    ConfigError { first: Some(first), ..ConfigError::new(at, problem, way_out) }
}

/// The known word that somebody who wrote `word` may have meant.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', '-', ' '], "");
    let word = plain(word);
    let distance = |other: &str| strsim::damerau_levenshtein(&word, &plain(other));
    let near = known.iter().map(|other| (distance(other), *other)).min()?;
    (near.0 <= near.1.len() / 3).then_some(near.1) // one slip in three letters
}

/// `a, b and c`, or with another word before the last.
pub(crate) fn listed(words: &[&str], and: &str) -> String {
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
            assert_eq!(nearest(word, &KNOWN), meant, "{word}");
        }
    }

    #[test]
    fn words_are_listed_as_people_do() {
        assert_eq!(listed(&["a"], "and"), "a");
        assert_eq!(listed(&["a", "b", "c"], "or"), "a, b or c");
    }
}
