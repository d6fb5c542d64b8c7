//! Validation of single values: type and range.
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::errors::ConfigError;
use crate::settings::Name;
use crate::settings::parse_duration;
use crate::yaml::node::{NodeId, Value};

/// In seconds.
const YEAR: f64 = 365.0 * 24.0 * 60.0 * 60.0;

/// Reason why a value is invalid, without its key.
#[derive(Debug)]
pub(crate) struct InvalidValue {
    /// Problem; follows the name of the key.
    problem: String,
    /// How to correct it.
    hint: String,
}

impl InvalidValue {
    /// A value of the wrong type or outside of its range.
    pub(crate) fn new(value: &Value, hint: impl Into<String>) -> Self {
        Self::because(format!("is {value}"), hint)
    }

    /// Any other problem, as in "is missing".
    pub(crate) fn because(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: hint.into() }
    }

    /// The error for the value of `key`.
    pub(crate) fn of(self, key: &str, id: NodeId) -> ConfigError {
        ConfigError::new(id, format!("{key} {}", self.problem), self.hint)
    }
}

/// A name.
pub(crate) fn name(value: &Value) -> Result<Name, InvalidValue> {
    let Some(word) = value.word() else {
        return Err(InvalidValue::new(value, "must be text, in quotes if it looks like something else"));
    };
    Name::new(&word).map_err(|bad| InvalidValue::new(value, bad.to_string()))
}

/// An integer within `range`.
pub(crate) fn integer<N: TryFrom<i128>>(
    value: &Value,
    range: RangeInclusive<i128>,
) -> Result<N, InvalidValue> {
    if let Value::Integer(number) = value
        && range.contains(number)
        && let Ok(number) = N::try_from(*number)
    {
        return Ok(number);
    }
    let hint = format!("must be a whole number from {} to {}", range.start(), range.end());
    Err(InvalidValue::new(value, hint))
}

/// A duration within `range`; `None` for 0.
pub(crate) fn seconds_or_never(
    value: &Value,
    range: RangeInclusive<Duration>,
) -> Result<Option<Duration>, InvalidValue> {
    match duration(value) {
        Some(0.0) => Ok(None),
        number => within(number, &range).map(Some).ok_or_else(|| {
            let (min, max) = (range.start().as_secs_f64(), range.end().as_secs_f64());
            let years = max / YEAR;
            let hint =
                format!("must be seconds from {min} to {max} ({years} years), or a number with a unit");
            InvalidValue::new(&unquoted(value), hint + ", as in 90s, 10m, 26h or 1d; 0 for never")
        }),
    }
}

/// A duration within `range`.
pub(crate) fn seconds(value: &Value, range: RangeInclusive<Duration>) -> Result<Duration, InvalidValue> {
    within(duration(value), &range).ok_or_else(|| {
        let (min, max) = (range.start().as_secs_f64(), range.end().as_secs_f64());
        InvalidValue::new(
            value,
            format!("must be seconds from {min} to {max}, or a number with a unit, as in 90s or 10m"),
        )
    })
}

/// A number of seconds, or a number with a unit.
fn duration(value: &Value) -> Option<f64> {
    if let Value::Text(text) = value { parse_duration(text) } else { value.number() }
}

fn within(number: Option<f64>, range: &RangeInclusive<Duration>) -> Option<Duration> {
    let seconds = range.start().as_secs_f64()..=range.end().as_secs_f64();
    number.filter(|number| seconds.contains(number)).map(Duration::from_secs_f64)
}

/// Converts a number in quotes: files of earlier versions may have them.
pub(crate) fn unquoted(value: &Value) -> Value {
    if let Value::Text(text) = value
        && let Some(number) = number(text.trim())
    {
        return number;
    }
    value.clone()
}

/// Parses a number in plain digits. A leading zero is rejected: YAML 1.1 would read it as octal.
pub(crate) fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let octal = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if !plain || octal {
        return None;
    }
    let integer = text.parse().map(Value::Integer);
    integer.or_else(|_| text.parse().map(Value::Float)).ok()
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
            let unpacked = unquoted(&Value::Text(given.to_owned())).to_string();

            assert_eq!(unpacked, number.map_or(format!("{given:?}"), str::to_owned));
        }
    }

    #[test]
    fn seconds_are_never_rounded_to_never() {
        let range = Duration::from_millis(1)..=Duration::from_secs(10);
        assert!(seconds_or_never(&Value::Float(1e-12), range.clone()).is_err());
        assert_eq!(seconds_or_never(&Value::Float(-0.0), range.clone()).unwrap(), None);
        assert_eq!(seconds_or_never(&Value::Float(0.001), range).unwrap(), Some(Duration::from_millis(1)));
    }
}
