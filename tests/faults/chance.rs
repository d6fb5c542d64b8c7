//! Chance that can be repeated: splitmix64 with a seed that is printed.

use std::{
    collections::hash_map::RandomState,
    env,
    hash::{BuildHasher as _, Hasher as _},
    time::Duration,
};

/// Set to a seed that was printed, it makes the tests do the same again.
const SEED: &str = "DISTRIBUTEX_TEST_SEED";

/// A row of numbers.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// A new one, or the one that is asked for.
    pub(crate) fn new() -> Self {
        let seed = env::var(SEED)
            .map_or_else(|_| RandomState::new().build_hasher().finish(), |seed| seed.parse().unwrap());
        println!("again with {SEED}={seed}");
        Self(seed)
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy, const N: usize>(&mut self, these: [T; N]) -> T {
        these[usize::try_from(self.number() % N as u64).unwrap()]
    }

    /// A time that is not longer than this.
    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        longest.mul_f64((self.number() >> 32) as f64 / f64::from(u32::MAX))
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
impl Chance {
    /// Whether it happens: once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.number().is_multiple_of(times)
    }

    /// Another row of numbers, which this one decides on.
    pub(crate) fn another(&mut self) -> Self {
        Self(self.number())
    }
}
