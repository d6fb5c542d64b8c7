//! From samples to the figures in a table.

use std::time::Duration;

/// The middle one: rounds that were disturbed do not move it.
pub(crate) fn median(samples: impl IntoIterator<Item = f64>) -> f64 {
    let mut samples: Vec<f64> = samples.into_iter().collect();
    samples.sort_unstable_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The sample below which `percent` of all sorted samples lie, in microseconds.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent / 100).min(sorted.len() - 1);
    micros(sorted[place])
}

/// The smallest first, for [`percentile`].
pub(crate) fn sorted(samples: impl IntoIterator<Item = Duration>) -> Vec<Duration> {
    let mut samples: Vec<Duration> = samples.into_iter().collect();
    samples.sort_unstable();
    samples
}

/// A duration in microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Without decimals, with commas between thousands.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let grouped: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8_lossy(&grouped.join(&b',')).into_owned()
}

/// With two decimals.
pub(crate) fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

/// With one decimal.
pub(crate) fn tenths(value: f64) -> String {
    format!("{value:.1}")
}
