//! Durations as text: a number of seconds, or a number with a unit.

use crate::check::value::number;

/// Parses `90`, `0.5`, `200ms`, `90s`, `10m`, `26h` or `1d` into seconds; `None` for anything else.
#[must_use]
pub fn parse_duration(text: &str) -> Option<f64> {
    let text = text.trim();
    let (digits, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let seconds = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Some(number(digits)?.number()? * seconds)
}

#[cfg(test)]
mod tests {
    use super::parse_duration;

    #[test]
    fn a_number_may_have_a_unit() {
        for (text, seconds) in [
            ("90", 90.0),
            ("0.5", 0.5),
            ("200ms", 0.2),
            ("90s", 90.0),
            ("10m", 600.0),
            ("26h", 93_600.0),
            ("1d", 86_400.0),
        ] {
            assert_eq!(parse_duration(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "s", "5x", "5 minutes", "1h30m", "1e3", "0x10", "010", "-"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
