//! A wrapper that is kept from its work just when it has got its slot, until that is lost.

use std::{
    fs::File,
    io::{ErrorKind, Write as _},
    process::Stdio,
};

use rustix::io::ioctl_fionbio;

use super::{ONE_SLOT, TTL, pair::line_of, witness::Witness};
use crate::{
    support::Server,
    wrapper::run::{Run, eventually, wrapper_as},
};

/// Fills the pipe that the wrapper says things into: if it says more, it stands still until somebody reads.
fn fill(run: &Run) {
    let mut pipe = File::options().write(true).open(format!("/proc/{}/fd/2", run.child.id())).unwrap();
    ioctl_fionbio(&pipe, true).unwrap(); // for us alone: it was opened anew
    for length in [4096, 1] {
        while pipe.write(&[b'\n'; 4096][..length]).is_ok() {}
    }
    assert_eq!(pipe.write(b"\n").unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_wrapper_that_is_too_late_for_its_slot_starts_nothing() {
    let (server, witness) = (Server::start(ONE_SLOT), Witness::new());
    assert_eq!(server.word("/get?host=first&pool=p"), "YES");
    let run = |host, script| {
        let mut command = wrapper_as(server.addr, host);
        command.env(TTL.0, TTL.1).arg("-v").arg(witness.watches(host, script)).stdin(Stdio::piped());
        Run::start(&mut command)
    };
    let mut ann = run("ann", "");
    eventually("ann waits", || line_of(&server) == 1);
    let mut bob = run("bob", "read line");
    eventually("bob waits", || line_of(&server) == 2);

    fill(&ann); // she cannot say that she has got her slot
    server.word("/release?host=first&pool=p");
    eventually("bob runs", || witness.has_seen("bob"));
    let (status, said) = ann.end();

    assert_eq!(status, 79, "{}", said.trim());
    assert!(said.contains("lost the slot of \"p\"") && said.contains("was not started"), "{}", said.trim());
    assert!(!witness.has_seen("ann"));
    drop(bob.child.stdin.take());
    assert_eq!(bob.end().0, 0);
    witness.saw_no_overlap();
}
