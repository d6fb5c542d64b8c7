//! Query strings.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// The first value of a parameter, decoded; `None` if it is missing or not UTF-8.
pub(super) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (_, value) = pairs(query).find(|(key, _)| decoded(key).is_some_and(|key| key == name))?;
    decoded(value)
}

/// All values of a parameter, decoded; one that is not UTF-8 is `None`.
pub(super) fn parameters<'a>(query: &'a str, name: &str) -> impl Iterator<Item = Option<Cow<'a, str>>> {
    let named = pairs(query).filter(move |(key, _)| decoded(key).is_some_and(|key| key == name));
    named.map(|(_, value)| decoded(value))
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('='))
}

/// Decodes percent signs and plus signs.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    let text = percent_decode(spaced.as_bytes()).decode_utf8().ok()?;
    Some(Cow::Owned(text.into_owned()))
}
