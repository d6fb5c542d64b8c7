//! Time formats: durations in seconds to the millisecond, moments in RFC 3339 and UTC.

/// An optional duration as a number of seconds, to the millisecond below; `null` for `None`.
pub mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Writes whole seconds without a fraction.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            None => serializer.serialize_none(),
            Some(time) if time.subsec_millis() == 0 => serializer.serialize_u64(time.as_secs()),
            Some(time) => serializer.serialize_f64(time.as_millis() as f64 / 1000.0),
        }
    }

    /// Reads a number of seconds; what no [`Duration`] can hold is `None`, a negative number zero.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(deserializer)?;
        Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()))
    }
}

/// An optional moment as RFC 3339 text to the millisecond, in UTC; `null` for `None`.
pub mod timestamp {
    use std::time::SystemTime;

    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Writes `null` for a moment outside of the calendar.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(moment: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
        match moment.and_then(|moment| Timestamp::try_from(moment).ok()) {
            Some(moment) => serializer.collect_str(&format_args!("{moment:.3}")),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a moment; text that is none is `None`, as moments are for display only.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| text.parse::<Timestamp>().ok()).map(SystemTime::from))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Times {
        #[serde(with = "super::seconds")]
        lasts: Option<Duration>,
        #[serde(with = "super::timestamp")]
        at: Option<SystemTime>,
    }

    fn written(lasts: Duration) -> String {
        let json = serde_json::to_value(Times { lasts: Some(lasts), at: None }).unwrap();
        json["lasts"].to_string()
    }

    #[test]
    fn seconds_are_numbers_without_needless_digits() {
        assert_eq!(written(Duration::ZERO), "0");
        assert_eq!(written(Duration::from_secs(30)), "30");
        assert_eq!(written(Duration::from_micros(1_250_999)), "1.25");
        assert_eq!(written(Duration::from_micros(29_122_900)), "29.122");
        assert_eq!(written(Duration::new(100_000_000_000_000_000, 500_000_000)), "1e+17");
        for text in ["1e17", "1e300", "-5"] {
            let json = format!(r#"{{"lasts": {text}, "at": "nonsense"}}"#);
            assert!(serde_json::from_str::<Times>(&json).unwrap().at.is_none());
        }
    }

    #[test]
    fn a_moment_is_written_in_utc_to_the_millisecond() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_451_623_914_999);
        let json = serde_json::to_value(Times { lasts: None, at: Some(at) }).unwrap();

        assert_eq!(json["at"], "2026-11-23T16:33:43.914Z");
        assert_eq!(json["lasts"], serde_json::Value::Null);
    }
}
