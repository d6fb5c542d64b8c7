//! Single values: is it the right kind of thing, and within its limits?
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::duration::parse_duration;
use crate::errors::ConfigError;
use crate::name::Name;
use crate::node::{At, Said};

/// Seconds.
const YEAR: f64 = 365.0 * 24.0 * 60.0 * 60.0;

/// Why a value cannot be taken.
#[derive(Debug)]
pub(crate) struct Unfit {
    /// What the value is, in words that go on after its key.
    is: String,
    /// What to give instead.
    way_out: String,
}

impl Unfit {
    /// The value is something else than is asked for.
    pub(crate) fn new(said: &Said, way_out: impl Into<String>) -> Self {
        Self::because(format!("is {said}"), way_out)
    }

    /// The value cannot be taken because it `is` so.
    pub(crate) fn because(is: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { is: is.into(), way_out: way_out.into() }
    }

    /// The mistake of the value of `key` at `at`.
    pub(crate) fn of(self, key: &str, at: At) -> ConfigError {
        ConfigError::new(at, format!("{key} {}", self.is), self.way_out)
    }
}

/// A name.
pub(crate) fn name(said: &Said) -> Result<Name, Unfit> {
    let Some(word) = said.word() else {
        return Err(Unfit::new(said, "must be text, in quotes if it looks like something else"));
    };
    Name::new(&word).map_err(|bad| Unfit::new(said, bad.to_string()))
}

/// A whole number within `range`.
pub(crate) fn whole<N: TryFrom<i128>>(said: &Said, range: RangeInclusive<i128>) -> Result<N, Unfit> {
    if let Said::Whole(number) = said
        && range.contains(number)
        && let Ok(number) = N::try_from(*number)
    {
        return Ok(number);
    }
    let way_out = format!("must be a whole number from {} to {}", range.start(), range.end());
    Err(Unfit::new(said, way_out))
}

/// Seconds within `range`, or 0 for `None`.
pub(crate) fn seconds_or_never(
    said: &Said,
    range: RangeInclusive<Duration>,
) -> Result<Option<Duration>, Unfit> {
    match duration(said) {
        Some(0.0) => Ok(None),
        number => within(number, &range).map(Some).ok_or_else(|| {
            let (min, max) = (range.start().as_secs_f64(), range.end().as_secs_f64());
            let years = max / YEAR;
            let hint =
                format!("must be seconds from {min} to {max} ({years} years), or a number with a unit");
            Unfit::new(&unquoted(said), hint + ", as in 90s, 10m, 26h or 1d; 0 for never")
        }),
    }
}

/// Seconds within `range`.
pub(crate) fn seconds(said: &Said, range: RangeInclusive<Duration>) -> Result<Duration, Unfit> {
    within(duration(said), &range).ok_or_else(|| {
        let (min, max) = (range.start().as_secs_f64(), range.end().as_secs_f64());
        Unfit::new(
            said,
            format!("must be seconds from {min} to {max}, or a number with a unit, as in 90s or 10m"),
        )
    })
}

/// Seconds: a number, or a number with a unit.
fn duration(said: &Said) -> Option<f64> {
    if let Said::Text(text) = said { parse_duration(text) } else { said.number() }
}

fn within(number: Option<f64>, range: &RangeInclusive<Duration>) -> Option<Duration> {
    let seconds = range.start().as_secs_f64()..=range.end().as_secs_f64();
    number.filter(|number| seconds.contains(number)).map(Duration::from_secs_f64)
}

/// Unpacks a number in quotes. Old files may have them, since `int()` took both.
pub(crate) fn unquoted(said: &Said) -> Said {
    if let Said::Text(text) = said
        && let Some(number) = number(text.trim())
    {
        return number;
    }
    said.clone()
}

/// The number that `text` plainly is. Digits behind a leading zero are not: without quotes they once
/// were octal.
pub(crate) fn number(text: &str) -> Option<Said> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let octal = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if !plain || octal {
        return None;
    }
    let whole = text.parse().map(Said::Whole);
    whole.or_else(|_| text.parse().map(Said::Fraction)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_quotes_is_unpacked_only_when_it_plainly_is_one() {
        for (given, number) in [
            ("300", Some("300")),
            (" 300 ", Some("300")),
            ("-1", Some("-1")),
            ("0", Some("0")),
            ("0.5", Some("0.5")),
            ("010", None),
            ("1e3", None),
            ("0x10", None),
            ("1_000", None),
            ("+5", None),
            ("1.2.3", None),
            ("five", None),
            ("inf", None),
            ("", None),
            ("-", None),
            (".", None),
        ] {
            let unpacked = unquoted(&Said::Text(given.to_owned())).to_string();

            assert_eq!(unpacked, number.map_or(format!("{given:?}"), str::to_owned));
        }
    }

    #[test]
    fn seconds_are_never_rounded_to_never() {
        let range = Duration::from_millis(1)..=Duration::from_secs(10);
        assert!(seconds_or_never(&Said::Fraction(1e-12), range.clone()).is_err());
        assert_eq!(seconds_or_never(&Said::Fraction(-0.0), range.clone()).unwrap(), None);
        assert_eq!(seconds_or_never(&Said::Fraction(0.001), range).unwrap(), Some(Duration::from_millis(1)));
    }
}
