//! A server that stands still for as long as its leases live.

use rustix::process::Signal;

use super::{LEASE, pair::Pair, pass};

#[test]
fn a_server_that_stood_still_gives_the_slot_on_and_its_holder_is_dead_by_then() {
    let mut pair = Pair::start("trap '' TERM; sleep 60 & sleep 60; wait");

    pair.server.freeze();
    pass(LEASE);
    pair.server.signal(Signal::CONT);

    pair.bob_is_next();
    let (status, said) = pair.ann.end();
    assert_eq!(status, 79, "{said}");
}
