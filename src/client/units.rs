//! Times as the protocol writes them: seconds, and moments of RFC 3339.

/// A time in seconds, to the millisecond; `null` is for ever.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer};

    /// Longer than a clock can count is for ever.
    pub(in crate::client) fn deserialize<'de, D: Deserializer<'de>>(
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
    use serde::{Deserialize as _, Deserializer};

    /// What cannot be read is not known: it is only for people.
    pub(in crate::client) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| text.parse::<Timestamp>().ok()).map(SystemTime::from))
    }
}
