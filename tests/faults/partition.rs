//! Networks that fail again and again under two hosts that fight over one slot.

use super::{ONE_SLOT, fight::Fight, namespaces::Site, proxy::Proxy};
use crate::support::Server;

/// So often the one who runs is cut off until its slot is lost.
const ROUNDS: usize = 4;

#[test]
fn two_hosts_whose_networks_fail_never_run_at_once() {
    let server = Server::start(ONE_SLOT);
    let mut fight = Fight::start([(); 2].map(|()| Proxy::to(server.addr)));

    for _ in 0..ROUNDS {
        fight.round();
    }

    fight.was_fair(ROUNDS);
}

#[test]
fn nor_do_two_hosts_with_network_stacks_of_their_own() {
    let Some(site) = Site::start() else { return }; // only root can have them
    let mut fight = Fight::start([0, 1].map(|number| site.cable(number)));

    for _ in 0..ROUNDS {
        fight.round();
    }

    fight.was_fair(ROUNDS);
}
