//! What is written down of pools, and how they go on after a restart.

use std::{collections::BTreeMap, path::Path};

use actix::Actor as _;
use distributex_actors::{
    AcquireRequest, AdminAction, CannotOpen, Event, Operator, PageCursor, ParkingLimit, PoolActor,
    PoolHandle, Refusal, ReleaseTarget, StateDirectory, Telemetry, Ticket, Token,
    backend::inmemory::InMemory,
    pool::{
        lease::Lease,
        persistence::{HighestNumbers, PersistedPool, PoolChange},
        queue::Waiter,
    },
};
use distributex_config::{Limits, Pool};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::{
    model::{MAX_WAITERS, Model, Past, TTL, play, steps},
    support::{
        Folder, MINUTE, SECOND, Stage, ask_of, granted_asks, grants, name, refusals, settings, wait_of,
    },
};

/// What stands on the disk, as far as the rules can tell.
#[derive(Debug, Default)]
struct Book {
    numbers: HighestNumbers,
    leases: BTreeMap<Token, Lease>,
    places: BTreeMap<Ticket, Waiter>,
    paused: Option<Operator>,
}

impl Book {
    fn enter(&mut self, changes: Vec<PoolChange>) {
        for change in changes {
            match change {
                PoolChange::Numbers(numbers) => self.numbers = numbers,
                PoolChange::Paused(paused) => self.paused = paused,
                PoolChange::Lease(token, Some(lease)) => drop(self.leases.insert(token, lease)),
                PoolChange::Lease(token, None) => drop(self.leases.remove(&token)),
                PoolChange::Place(ticket, Some(waiter)) => drop(self.places.insert(ticket, waiter)),
                PoolChange::Place(ticket, None) => drop(self.places.remove(&ticket)),
            }
        }
    }

    fn kept(&self) -> PersistedPool {
        let absent = |(ticket, waiter): (&Ticket, &Waiter)| {
            (*ticket, Waiter { present: None, until: None, ..waiter.clone() })
        };
        PersistedPool {
            numbers: self.numbers,
            leases: self.leases.values().cloned().collect(),
            places: self.places.iter().map(absent).collect(),
            paused: self.paused.clone(),
        }
    }
}

/// A pool that is written down from its beginning.
fn written(settings: Pool) -> Stage {
    let mut pool = Stage::new(settings);
    pool.rules.restore(PersistedPool::default(), pool.now);
    pool
}

/// The pool as it is after a restart, when free slots are not given out yet.
fn restarted(pool: &Stage, book: &Book, settings: Pool) -> Stage {
    let mut restarted = Stage { now: pool.now, ..Stage::new(settings) };
    restarted.rules.restore(book.kept(), pool.now);
    restarted
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn whatever_happened_a_restart_forgets_no_lease_and_no_place(slots in 1..4u32, steps in steps()) {
        let settings = Pool { slots, expire: Some(TTL), max_waiters: MAX_WAITERS, ..settings() };
        let mut pool = written(settings.clone());
        let mut model = Model::of(slots);
        let (mut past, mut book, mut latest) = (Past::default(), Book::default(), 0);
        for step in &steps {
            let (events, _) = play(step, &mut pool, &mut model, &mut past);
            for event in events {
                if let Event::Granted { token, .. } = &event {
                    latest = token.0;
                }
                if let Event::Answered(granted) = event {
                    past.grants.push(granted.lease);
                }
            }
            book.enter(pool.rules.take_changes());

            let after = restarted(&pool, &book, settings.clone());

            let (before, now) = (pool.rules.snapshot(PageCursor::default(), pool.now), after.rules.snapshot(PageCursor::default(), pool.now));
            prop_assert_eq!(now.holders.len(), before.holders.len());
            for (now, before) in now.holders.iter().zip(&before.holders) {
                prop_assert_eq!((now.token, now.held, &now.host), (before.token, before.held, &before.host));
                let deliveries = book.leases[&now.token].deliveries > 0;
                prop_assert!(!deliveries || now.until == before.until, "{:?} {:?}", now, before);
            }
            let hosts: Vec<_> = now.waiters.iter().map(|waiting| waiting.host.as_str()).collect();
            prop_assert_eq!(hosts, model.owners_in_line());
            prop_assert_eq!(now.paused, before.paused);
            let mut wide = restarted(&pool, &book, Pool { slots: 99, ..settings.clone() });
            wide.pull(AdminAction::Pause);
            wide.pull(AdminAction::Resume); // now those who wait are served
            let token = grants(&wide.get("somebody else"))[0].1;
            prop_assert!(token > latest, "a token that was given is not given again");
        }
    }
}

#[test]
fn a_returning_waiter_finds_its_place_and_a_slot_waits_for_the_head_of_the_line() {
    let (mut pool, mut book) = (written(settings()), Book::default());
    pool.get("ann");
    let (_, _) = (pool.ask(wait_of("bob", "run1")), pool.ask(wait_of("cid", "run1")));
    pool.release("ann");
    let (_, dan) = pool.ask(wait_of("dan", "run1"));
    assert!(grants(&dan).is_empty());
    book.enter(pool.rules.take_changes());
    // Bob was told of the slot, or was about to be; it is given back while the server is down, as it expires.
    let mut kept = book.kept();
    kept.leases.clear();

    let mut pool = Stage { now: pool.now + MINUTE, ..Stage::new(settings()) };
    pool.rules.restore(kept, pool.now);
    let events = pool.act(|rules, now, out| rules.serve(now, out));
    assert!(granted_asks(&events).is_empty(), "cid has the slot, but is not here to be told");
    let (dan, events) = pool.ask(wait_of("dan", "run1"));
    assert!(refusals(&events).is_empty() && granted_asks(&events).is_empty());
    pool.pass(9 * SECOND);
    let (cid, events) = pool.ask(wait_of("cid", "run1"));

    assert_eq!(granted_asks(&events), [cid]);
    let (_, events) = pool.end(&ReleaseTarget::Requester(wait_of("cid", "run1").requester));
    assert_eq!(granted_asks(&events), [dan]);
}

#[test]
fn who_does_not_come_back_within_its_patience_has_lost_its_place() {
    let (mut pool, mut book) = (written(Pool { expire: None, ..settings() }), Book::default());
    pool.get("ann");
    pool.ask(wait_of("bob", "run1"));
    book.enter(pool.rules.take_changes());

    let mut pool = restarted(&pool, &book, settings());
    pool.pass(9 * SECOND);
    assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).waiting, 1);
    pool.pass(2 * SECOND);

    assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).waiting, 0);
}

#[test]
fn who_may_not_use_the_pool_after_the_restart_has_no_place_there_and_keeps_its_lease() {
    let (mut pool, mut book) = (written(settings()), Book::default());
    pool.ask(ask_of("ann", "run1"));
    pool.ask(wait_of("bob", "run1"));
    let (_, cid) = pool.ask(wait_of("cid", "run1"));
    let ticket = |events: &[Event]| {
        let placed =
            |event: &Event| if let Event::Parked { ticket, .. } = event { Some(*ticket) } else { None };
        events.iter().find_map(placed).unwrap()
    };
    book.enter(pool.rules.take_changes());

    let servers = Some(["cid", "dan"].map(name).into());
    let mut pool = restarted(&pool, &book, Pool { servers, ..settings() });
    book.enter(pool.rules.take_changes());

    let state = pool.rules.snapshot(PageCursor::default(), pool.now);
    assert_eq!((state.held, state.waiting, state.waiters[0].host.as_str()), (1, 1, "cid"));
    assert_eq!(book.places.len(), 1, "bob's place is forgotten on the disk, too");
    let (_, dan) = pool.ask(wait_of("dan", "run1"));
    assert!(ticket(&dan) > ticket(&cid));
    assert!(pool.end(&ReleaseTarget::Requester(ask_of("ann", "run1").requester)).0);
}

#[test]
fn a_ticket_that_was_given_is_not_given_again() {
    let (mut pool, mut book) = (written(settings()), Book::default());
    pool.get("ann");
    let (_, bob) = pool.ask(wait_of("bob", "run1"));
    assert!(matches!(bob[0], Event::Queued { ticket: Ticket(1), .. }));
    book.enter(pool.rules.take_changes());
    assert!(pool.end(&ReleaseTarget::Requester(wait_of("bob", "run1").requester)).0);
    book.enter(pool.rules.take_changes());

    let (_, cid) = restarted(&pool, &book, settings()).ask(wait_of("cid", "run1"));

    assert!(matches!(cid[0], Event::Queued { ticket: Ticket(2..), .. }), "{cid:?}");
}

#[test]
fn tickets_of_classic_hosts_do_not_repeat_either() {
    let (mut pool, mut book) = (written(Pool { max_waiters: 5_000, ..settings() }), Book::default());
    pool.get("ann");
    for host in 0..1_500 {
        pool.wait(&format!("web{host}"));
        book.enter(pool.rules.take_changes());
    }

    let (_, cid) = restarted(&pool, &book, settings()).ask(wait_of("cid", "run1"));

    assert!(matches!(cid[0], Event::Queued { ticket: Ticket(1_501..), .. }), "{cid:?}");
}

#[test]
fn a_pool_that_nobody_uses_writes_nothing() {
    let mut pool = written(settings());

    pool.pass(MINUTE);

    assert!(pool.rules.take_changes().is_empty());
}

#[test]
fn while_nothing_can_be_written_nobody_gets_a_slot_and_nobody_loses_patience() {
    let mut pool = written(settings());
    pool.get("ann");
    let (bob, _) = pool.ask(wait_of("bob", "run1"));
    let (cid, _) = pool.wait("cid");
    pool.rules.suspend(pool.now);
    pool.cut(bob);

    assert!(granted_asks(&pool.release("ann")).is_empty());
    assert!(granted_asks(&pool.pass(MINUTE * 5)).is_empty());
    let events = pool.act(|rules, now, out| rules.resume(now, out));
    assert!(granted_asks(&events).is_empty(), "it is bob's turn, who has ten seconds to come back");
    let events = pool.pass(11 * SECOND);

    assert_eq!(granted_asks(&events), [cid]);
}

#[test]
fn a_grant_that_cannot_be_written_is_as_if_it_had_not_been() {
    let mut pool = written(Pool { slots: 2, ..settings() });
    pool.get("ann");
    pool.get("amy");
    let waiters = ["bob", "cid", "bob", "dan"].map(|host| pool.wait(host).0);
    let (eve, _) = pool.ask(AcquireRequest { patience: Some(MINUTE), ..ask_of("eve", "run1") });
    let tokens = [101, 102].map(Token);
    tokens.iter().for_each(|token| pool.rules.recorded(*token));
    let (_, events) = pool.pull(AdminAction::Promote(Ticket(4)));
    assert!(grants(&events).is_empty());

    pool.release("ann");
    pool.release("amy"); // dan and bob have the slots
    pool.cut(waiters[0]);
    let taken_back = pool.rules.take_back(&mut Vec::new());
    pool.rules.suspend(pool.now);

    assert_eq!(taken_back, [103, 104].map(Token).into());
    assert_eq!(pool.rules.counts().held, 0);
    let first = pool.rules.snapshot(PageCursor::default(), pool.now).waiters;
    let hosts: Vec<_> = first.iter().map(|waiting| waiting.host.as_str()).collect();
    assert_eq!(hosts, ["dan", "cid", "bob", "eve"]);
    let granted = pool.act(|rules, now, out| rules.resume(now, out));
    assert_eq!(granted_asks(&granted), [waiters[3], waiters[1]]);
    assert!(!granted_asks(&granted).contains(&eve));
}

#[test]
fn a_wait_that_only_goes_on_writes_nothing() {
    let mut pool = written(settings());
    pool.get("ann");
    let (bob, _) = pool.ask(wait_of("bob", "run1"));
    assert!(!pool.rules.take_changes().is_empty());

    pool.cut(bob);
    pool.ask(wait_of("bob", "run1"));
    pool.wait("cid");
    pool.get("ann");

    assert!(pool.rules.take_changes().is_empty());
}

/// The life of a server, which opens this directory first. When it is over, its actors are gone.
fn life<T>(directory: &Path, live: impl AsyncFnOnce(StateDirectory) -> T) -> T {
    let state = opened(directory).unwrap();
    actix::System::new().block_on(live(state))
}

/// Opens a directory as soon as the thread of whoever had it before is gone, too.
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
fn leases_tokens_and_places_outlive_the_process() {
    let folder = Folder::new();
    let directory = folder.path().join("not/there/yet");
    let patient =
        |host| distributex_actors::AcquireRequest { patience: Some(MINUTE), ..ask_of(host, "run1") };

    let (store, lease, ended, token) = life(&directory, async |mut state| {
        let pool = start(&mut state, Pool { slots: 3, ..settings() });
        pool.get(name("ann")).await.unwrap().delivered();
        let bob = pool.acquire(ask_of("bob", "run1")).await.unwrap();
        let (lease, token) = (bob.lease.id.unwrap(), bob.lease.token);
        bob.delivered();
        let cid = pool.acquire(ask_of("cid", "run1")).await.unwrap();
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
fn the_directory_is_private_and_so_is_what_is_in_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let directory = folder.path().join("state");
    let _state = StateDirectory::open(&directory).unwrap();

    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&directory.join("leases.redb"))), (0o700, 0o600));
}

#[test]
fn a_first_start_that_was_cut_short_is_a_first_start() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("leases.redb.new"), "half of something").unwrap();

    assert_eq!(opened(folder.path()).unwrap().restored(), (0, 0));
}

#[test]
fn a_file_that_is_damaged_or_something_else_stops_the_start_and_is_not_touched() {
    let folder = Folder::new();
    let file = folder.path().join("leases.redb");
    life(folder.path(), async |mut state| {
        let pool = start(&mut state, Pool { slots: 500, ..settings() });
        for host in 0..300 {
            pool.get(name(&format!("host{host}"))).await.unwrap().delivered();
        }
    });
    drop(opened(folder.path()).unwrap()); // closed as it should be
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
fn what_is_no_directory_is_told_so() {
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
fn a_lease_that_ended_while_nobody_ran_is_over_at_the_start() {
    let folder = Folder::new();
    let short = || Pool { expire: Some(SECOND), ..settings() };
    life(folder.path(), async |mut state| {
        start(&mut state, short()).get(name("ann")).await.unwrap().delivered();
    });

    life(folder.path(), async |mut state| {
        start(&mut state, short()).wait(name("bob")).await.unwrap().delivered();
    });
}
