//! State directories: locks, permissions, damage, and restarts of a server.

use std::path::Path;

use actix::Actor as _;
use distributex_actors::{
    CannotOpen, ParkingLimit, PoolActor, PoolHandle, Refusal, ReleaseTarget, StateDirectory, Telemetry,
    backend::inmemory::InMemory,
};
use distributex_config::{Limits, Pool};
use tokio::time::Instant;

use crate::support::{Folder, HostRequests as _, MINUTE, SECOND, name, settings, try_of_owner};

/// One run of a server, which opens this directory first. When this returns, its actors are gone.
fn life<T>(directory: &Path, live: impl AsyncFnOnce(StateDirectory) -> T) -> T {
    let state = opened(directory).unwrap();
    actix::System::new().block_on(live(state))
}

/// Opens a directory once the journal's thread of its previous user has ended.
fn opened(directory: &Path) -> Result<StateDirectory, CannotOpen> {
    loop {
        match StateDirectory::open(directory) {
            Err(CannotOpen::Locked { .. }) => std::thread::yield_now(),
            opened => return opened,
        }
    }
}

fn start(state: &mut StateDirectory, settings: Pool) -> PoolHandle {
    let (name, parking) = (settings.name.clone(), ParkingLimit::new(10));
    PoolHandle::new(PoolActor::create(|ctx| {
        let backend =
            InMemory::persisted(settings, Limits::default(), state, PoolActor::waker(ctx), Instant::now());
        let telemetry = Telemetry::default().pool(&name);
        PoolActor::new(name, Box::new(backend), parking, telemetry)
    }))
}

#[test]
fn leases_tokens_and_queue_entries_outlive_the_process() {
    let folder = Folder::new();
    let directory = folder.path().join("not/there/yet");
    let patient =
        |host| distributex_actors::AcquireRequest { patience: Some(MINUTE), ..try_of_owner(host, "run1") };

    let (store, lease, ended, token) = life(&directory, async |mut state| {
        let pool = start(&mut state, Pool { slots: 3, ..settings() });
        pool.get(name("ann")).await.unwrap().delivered();
        let bob = pool.acquire(try_of_owner("bob", "run1")).await.unwrap();
        let (lease, token) = (bob.lease.id.unwrap(), bob.lease.token);
        bob.delivered();
        let cid = pool.acquire(try_of_owner("cid", "run1")).await.unwrap();
        let ended = cid.lease.id.unwrap();
        cid.delivered();
        assert_eq!(pool.release(ReleaseTarget::Lease(ended), None).await, Ok(true));
        pool.get(name("dan")).await.unwrap().delivered();
        let eve = pool.acquire(patient("eve")).await.unwrap_err();
        assert_eq!((eve.why, eve.position), (Refusal::PoolFull, Some(1)));
        (state.store(), lease, ended, token)
    });

    life(&directory, async |mut state| {
        assert_eq!((state.store(), state.restored()), (store, (3, 1)));
        let pool = start(&mut state, Pool { slots: 3, ..settings() });
        assert_eq!(pool.get(name("fay")).await.unwrap_err(), Refusal::PoolFull);
        pool.get(name("ann")).await.unwrap().delivered();
        assert_eq!(pool.renew(lease, None).await.unwrap().token, token);
        assert_eq!(pool.renew(ended, None).await, Err(Refusal::LeaseLost));
        assert_eq!(pool.acquire(patient("fay")).await.unwrap_err().position, Some(2));
        assert_eq!(pool.release(ReleaseTarget::Lease(lease), None).await, Ok(true));
        let eve = pool.acquire(patient("eve")).await.unwrap();
        assert!(eve.lease.token > token);
        eve.delivered();
    });
}

#[test]
fn a_directory_belongs_to_one_server_at_a_time() {
    let folder = Folder::new();
    let first = StateDirectory::open(folder.path()).unwrap();

    let second = StateDirectory::open(folder.path()).unwrap_err().to_string();

    assert!(second.contains("another server uses") && second.contains("use another directory"), "{second}");
    drop(first);
    opened(folder.path()).unwrap();
}

#[test]
fn the_directory_and_its_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let directory = folder.path().join("state");
    let _state = StateDirectory::open(&directory).unwrap();

    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&directory.join("leases.redb"))), (0o700, 0o600));
}

#[test]
fn an_interrupted_first_start_can_be_repeated() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("leases.redb.new"), "half of something").unwrap();

    assert_eq!(opened(folder.path()).unwrap().restored(), (0, 0));
}

#[test]
fn an_invalid_file_stops_the_start_and_stays() {
    let folder = Folder::new();
    let file = folder.path().join("leases.redb");
    life(folder.path(), async |mut state| {
        let pool = start(&mut state, Pool { slots: 500, ..settings() });
        for host in 0..300 {
            pool.get(name(&format!("host{host}"))).await.unwrap().delivered();
        }
    });
    drop(opened(folder.path()).unwrap()); // closed regularly
    drop(opened(folder.path()).unwrap());
    let good = std::fs::read(&file).unwrap();
    let used = good.chunks(4096).rposition(|page| page.iter().any(|byte| *byte != 0)).unwrap();
    let mut flipped = good.clone();
    for page in 1..=used {
        flipped[page * 4096 + 2000] ^= 0x55;
    }

    for bad in [b"no database at all".to_vec(), flipped, good[..good.len() / 2].to_vec(), Vec::new()] {
        std::fs::write(&file, &bad).unwrap();
        let deliveries = opened(folder.path()).unwrap_err().to_string();

        assert!(
            deliveries.contains("leases.redb is damaged") && deliveries.contains("move the file away"),
            "{deliveries}"
        );
    }
    std::fs::write(&file, &good).unwrap();
    assert_eq!(opened(folder.path()).unwrap().restored(), (300, 0));
}

#[test]
fn a_path_that_is_no_directory_is_reported() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();

    for wrong in [file.clone(), file.join("below")] {
        let deliveries = StateDirectory::open(&wrong).unwrap_err().to_string();

        assert!(
            deliveries.contains(&wrong.display().to_string()) && deliveries.contains("must be a directory"),
            "{deliveries}"
        );
    }
}

#[test]
fn a_lease_that_expired_during_downtime_is_over() {
    let folder = Folder::new();
    let short = || Pool { expire: Some(SECOND), ..settings() };
    life(folder.path(), async |mut state| {
        start(&mut state, short()).get(name("ann")).await.unwrap().delivered();
    });

    life(folder.path(), async |mut state| {
        start(&mut state, short()).wait(name("bob")).await.unwrap().delivered();
    });
}
