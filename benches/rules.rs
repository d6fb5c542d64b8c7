//! Pool rules and pool actors without HTTP, with lines of growing length: a step must not cost more when
//! more hosts wait.

#![expect(clippy::unwrap_used, reason = "a bench ends at the first mistake")]

use std::{hint::black_box, time::Duration};

use actix::Actor as _;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use distributex_actors::{
    AcquireRequest, Event, ParkingLimit, PoolActor, PoolHandle, ReleaseTarget, RequestId, Requester,
    Telemetry, Token, backend::inmemory::InMemory, pool::rules::Rules,
};
use distributex_config::{Limits, Name, Pool};
use tokio::{runtime::Builder, task::LocalSet, time::Instant};

const WAITERS: [usize; 4] = [100, 1_000, 5_000, 15_000];

/// A request that waits without limit.
fn waiting(host: Name) -> AcquireRequest {
    AcquireRequest { wait: None, ..AcquireRequest::new(Requester::Host(host)) }
}

fn settings() -> Pool {
    let expire = Some(Duration::from_secs(300));
    Pool { name: name(0), expire, slots: 1, servers: None, max_waiters: usize::MAX }
}

fn name(n: usize) -> Name {
    Name::new(&format!("host{n}.example.com")).unwrap()
}

fn held(host: Name) -> ReleaseTarget {
    ReleaseTarget::Requester(Requester::Host(host))
}

fn enter(rules: &mut Rules, n: usize) -> RequestId {
    let (request, mut events) = (waiting(name(n)), Vec::new());
    let id = request.id;
    rules.acquire(request, Instant::now(), &mut events);
    id
}

/// One slot, held by host 0, for which the others wait.
fn full_line(waiters: usize) -> Rules {
    let mut rules = Rules::new(settings(), Limits::default(), Token(0));
    for n in 0..=waiters {
        enter(&mut rules, n);
    }
    rules
}

fn rules(c: &mut Criterion) {
    let mut group = c.benchmark_group("rules");
    group.bench_function("get and release", |b| {
        let (mut rules, host, now) =
            (Rules::new(settings(), Limits::default(), Token(0)), name(1), Instant::now());
        b.iter(|| {
            let mut events: Vec<Event> = Vec::new();
            rules.acquire(AcquireRequest::new(Requester::Host(host.clone())), now, &mut events);
            rules.release(RequestId::next(), &held(host.clone()), now, &mut events);
            black_box(events)
        });
    });
    for waiters in WAITERS {
        group.bench_function(BenchmarkId::new("hand-off", waiters), |b| {
            let (mut rules, hosts) = (full_line(waiters), (0..=waiters).map(name).collect::<Vec<_>>());
            let mut holders = (0..=waiters).cycle();
            b.iter(|| {
                let (mut events, host) = (Vec::new(), &hosts[holders.next().unwrap()]);
                rules.release(RequestId::next(), &held(host.clone()), Instant::now(), &mut events);
                rules.acquire(waiting(host.clone()), Instant::now(), &mut events);
                black_box(events)
            });
        });
        group.bench_function(BenchmarkId::new("enter and leave", waiters), |b| {
            let mut rules = full_line(waiters);
            b.iter(|| {
                let request = enter(&mut rules, waiters + 1);
                rules.cancel(black_box(request), Instant::now(), &mut Vec::new());
            });
        });
    }
    group.finish();
}

fn actor(c: &mut Criterion) {
    let (runtime, local) = (Builder::new_current_thread().enable_time().build().unwrap(), LocalSet::new());
    let start = || {
        let backend = Box::new(InMemory::new(settings(), Limits::default()));
        let watch = Telemetry::default().pool(&name(0));
        PoolHandle::new(PoolActor::new(name(0), backend, ParkingLimit::new(usize::MAX), watch).start())
    };
    let pool = local.block_on(&runtime, async { start() });
    c.bench_function("actor/get and release", |b| {
        b.iter(|| {
            local.block_on(&runtime, async {
                let requester = Requester::Host(name(1));
                pool.acquire(AcquireRequest::new(requester.clone())).await.unwrap().delivered();
                pool.release(ReleaseTarget::Requester(requester), None).await.unwrap();
            });
        });
    });
}

criterion_group!(benches, rules, actor);
criterion_main!(benches);
