//! Commands that do not want to end, under wrappers that cannot end them.

use rustix::process::Signal;

use super::pair::Pair;

/// What is hard to kill. Each goes on for ever.
const STUBBORN: [&str; 6] = [
    "trap '' TERM; while :; do sleep 0.1; done",
    "(trap '' TERM; sleep 60 & exec sleep 60) & (exec sleep 60); wait",
    "trap '' TERM; f() { sleep 0.1; f & }; f; f & f & wait; sleep 60", // never the same process for long
    "trap '' TERM; yes | sleep 60",                                    // stuck in a pipe
    "trap '' TERM; exec yes",                                          // stuck in the wrapper's own output
    "trap '' TERM; kill -STOP 0; sleep 60",
];

#[test]
fn when_a_wrapper_is_killed_all_of_its_command_is_dead_before_the_next_begins() {
    let mut pairs = STUBBORN.map(Pair::start);

    for pair in &mut pairs {
        pair.ann.child.kill().unwrap();
    }

    pairs.iter_mut().for_each(Pair::bob_is_next);
}

#[test]
fn when_a_wrapper_stands_still_all_of_its_command_is_dead_before_the_next_begins() {
    let mut pairs = STUBBORN.map(Pair::start);

    for pair in &pairs {
        pair.ann.signal(Signal::STOP);
    }

    for pair in &mut pairs {
        pair.bob_is_next();
        pair.ann.signal(Signal::CONT);
        assert_eq!(pair.ann.end().0, 79);
    }
}
