//! Times as the protocol writes them: seconds, and moments of RFC 3339.

/// A time in seconds, to the millisecond; `null` is for ever.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            None => serializer.serialize_none(),
            Some(time) if time.subsec_millis() == 0 => serializer.serialize_u64(time.as_secs()),
            Some(time) => serializer.serialize_f64(time.as_millis() as f64 / 1000.0),
        }
    }

    /// Longer than a clock can count is for ever.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(deserializer)?;
        Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()))
    }
}

/// A moment.
pub(super) mod moment {
    use std::time::SystemTime;

    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// What no calendar has is not written.
    pub(crate) fn serialize<S: Serializer>(
        moment: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment.and_then(|moment| Timestamp::try_from(moment).ok()) {
            Some(moment) => serializer.collect_str(&format_args!("{moment:.3}")),
            None => serializer.serialize_none(),
        }
    }

    /// What cannot be read is not known: it is only for people.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| text.parse::<Timestamp>().ok()).map(SystemTime::from))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Time(#[serde(with = "super::seconds")] Option<Duration>);

    #[test]
    fn times_are_in_milliseconds_however_long_they_are() {
        let written = |time| serde_json::to_string(&Time(Some(time))).unwrap();

        assert_eq!(written(Duration::from_secs(30)), "30");
        assert_eq!(written(Duration::from_micros(29_122_900)), "29.122");
        assert_eq!(written(Duration::new(100_000_000_000_000_000, 500_000_000)), "1e+17");
        assert_eq!(written(Duration::MAX), "1.8446744073709552e+19");
        for text in ["1e17", "1e300", "-5"] {
            assert!(serde_json::from_str::<Time>(text).is_ok(), "{text}");
        }
    }
}
