//! Random events, played to the rules and to a model so simple that it can be seen to be right.

use std::{sync::Arc, time::Duration};

use distributex_actors::{
    After, Ask, AskId, Asker, Ended, Ending, Event, Granted, Held, LeaseId, Leased, Lever, Pulled, Refusal,
    Revoked, Ticket, Token,
};
use distributex_config::Pool;
use proptest::{collection::vec, option, prelude::*};
use tokio::time::Instant;

use crate::support::{SECOND, Stage, name, operator, settings};

pub(crate) const TTL: Duration = Duration::from_secs(10);
pub(crate) const MAX_WAITERS: usize = 4;

/// What can happen to a pool.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Enter {
        who: u8,
        /// Seconds; above five is for as long as it takes.
        wait: u8,
        patience: Option<u8>,
        ttl: Option<u8>,
    },
    /// The request of the n-th of all asks so far ends.
    Leave(usize),
    Release {
        who: u8,
    },
    /// The n-th of all grants so far is released by its secret name.
    GiveBack(usize),
    /// An answer of the n-th of all grants so far is not sent.
    Unheard(usize),
    /// The n-th of all grants so far is renewed.
    Renew(usize, Option<u8>),
    /// An operator takes the n-th of all grants so far away.
    Force(usize),
    /// An operator wants the n-th of all grants so far back, within so many seconds.
    Revoke(usize, Option<u8>),
    /// An operator does something else.
    Pull(Lever),
    Pass(u8),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ttl = || option::of(1..20u8);
    let step = prop_oneof![
        8 => (0..8u8, 0..8u8, option::of(0..5u8), ttl())
            .prop_map(|(who, wait, patience, ttl)| Step::Enter { who, wait, patience, ttl }),
        2 => any::<usize>().prop_map(Step::Leave),
        3 => (0..8u8).prop_map(|who| Step::Release { who }),
        1 => any::<usize>().prop_map(Step::GiveBack),
        2 => any::<usize>().prop_map(Step::Unheard),
        1 => (any::<usize>(), ttl()).prop_map(|(n, ttl)| Step::Renew(n, ttl)),
        3 => (0..6u8).prop_map(Step::Pass),
        1 => any::<usize>().prop_map(Step::Force),
        2 => (any::<usize>(), option::of(0..15u8)).prop_map(|(n, within)| Step::Revoke(n, within)),
        1 => (1..20u64).prop_map(|ticket| Step::Pull(Lever::Front(Ticket(ticket)))),
        1 => (1..20u64).prop_map(|ticket| Step::Pull(Lever::Remove(Ticket(ticket)))),
        1 => Just(Step::Pull(Lever::Pause)),
        2 => Just(Step::Pull(Lever::Resume)),
    ];
    vec(step, 1..120)
}

/// Three classic hosts, four owners of two hosts, and somebody who never comes back.
fn asker(who: u8, ask: AskId) -> Asker {
    let host = name(&format!("host{}", who % 3));
    match who {
        0..3 => Asker::Host(host),
        3..7 => {
            Asker::Owner { host: name(&format!("host{}", who % 2)), owner: name(&format!("run{}", who / 5)) }
        }
        _ => Asker::Once { host, ask },
    }
}

/// A place in line: the ask as it was made, and what became of it.
#[derive(Debug, Clone)]
struct Place {
    ticket: Ticket,
    ask: Ask,
    since: Instant,
    present: bool,
    until: Option<Instant>,
}

/// A held slot.
#[derive(Debug, Clone)]
struct Slot {
    token: Token,
    ask: Ask,
    since: Instant,
    waited: Duration,
    until: Instant,
    told: usize,
    revoked: Option<Instant>,
}

/// The model: two lists, searched from end to end.
#[derive(Debug, Default)]
pub(crate) struct Model {
    slots: usize,
    held: Vec<Slot>,
    line: Vec<Place>,
    tickets: u64,
    token: u64,
    paused: bool,
}

fn ttl(ask: &Ask) -> Duration {
    ask.ttl.unwrap_or(TTL).min(TTL)
}

fn comes_back(ask: &Ask) -> bool {
    matches!(ask.asker, Asker::Owner { .. })
}

fn patience(ask: &Ask) -> Duration {
    if comes_back(ask) { ask.patience.unwrap_or(SECOND * 10) } else { Duration::ZERO }
}

fn refused(ask: AskId, why: Refusal, place: Option<usize>) -> Event {
    Event::Refused { ask, why, place }
}

impl Slot {
    fn leased(&self) -> Leased {
        Leased {
            id: self.ask.lease,
            token: self.token,
            host: self.ask.asker.host().clone(),
            ttl: Some(ttl(&self.ask)),
            until: Some(self.until),
            waited: self.waited,
            revoked: self.revoked(),
        }
    }

    fn revoked(&self) -> Option<Arc<Revoked>> {
        self.revoked.map(|end| Arc::new(Revoked { operator: operator(), end }))
    }

    /// Lets it end then, or when it has to as it is revoked.
    fn end_at(&mut self, end: Instant) {
        self.until = end.min(self.revoked.map_or(end, |latest| latest.max(self.until)));
    }

    fn extend(&mut self, now: Instant) {
        self.end_at(now + ttl(&self.ask));
        self.ask.ttl = Some(self.until - now);
    }
}

impl Model {
    fn enter(&mut self, ask: Ask, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        let parks = ask.wait != Some(Duration::ZERO);
        if let Some(slot) = self.held.iter_mut().find(|slot| slot.ask.asker == ask.asker) {
            let again = slot.told > 0;
            slot.told += 1;
            if comes_back(&ask) {
                slot.ask = Ask { lease: slot.ask.lease, ..ask.clone() };
                slot.extend(now);
            }
            out.push(Event::Granted(Granted { ask: ask.id, lease: slot.leased(), again, freed: None }));
            return;
        }
        let own = self.line.iter().position(|place| comes_back(&ask) && place.ask.asker == ask.asker);
        let place = if let Some(own) = own {
            let older = self.line[own].clone();
            if older.present {
                out.push(refused(older.ask.id, Refusal::Superseded, None));
            }
            self.line[own].ask = Ask { lease: older.ask.lease, ..ask.clone() };
            own + 1
        } else if self.held.len() < self.slots && !self.paused {
            let until = None;
            self.line.push(Place { ticket: Ticket(0), ask, since: now, present: true, until });
            return self.serve(None, now, out);
        } else if !parks && (patience(&ask).is_zero() || ask.patience.is_none()) {
            return out.push(refused(ask.id, self.full(), Some(self.line.len() + 1)));
        } else if self.line.len() >= MAX_WAITERS && !self.make_room(parks, out) {
            return out.push(refused(ask.id, Refusal::LineFull, None));
        } else {
            self.tickets += 1;
            let (ticket, ask) = (Ticket(self.tickets), ask.clone());
            let host = ask.asker.host().clone();
            self.line.push(Place { ticket, ask, since: now, present: true, until: None });
            out.push(Event::Joined { ticket, host, place: self.line.len() });
            self.line.len()
        };
        let mine = &mut self.line[place - 1];
        (mine.present, mine.until) = (true, ask.wait.map(|wait| now + wait));
        if parks {
            out.push(Event::Placed { ask: ask.id, ticket: mine.ticket, place });
        } else {
            out.push(refused(ask.id, self.full(), Some(place)));
            self.part(place - 1, now, out);
        }
    }

    fn make_room(&mut self, parks: bool, out: &mut Vec<Event>) -> bool {
        // A place that was moved stands before all others, so the last in line is who came last.
        let last = self.line.iter().rposition(|place| parks && !place.present);
        last.map(|at| self.give_up(at, out)).is_some()
    }

    fn full(&self) -> Refusal {
        if self.paused { Refusal::Paused } else { Refusal::Full }
    }

    fn part(&mut self, at: usize, now: Instant, out: &mut Vec<Event>) {
        let patience = patience(&self.line[at].ask);
        (self.line[at].present, self.line[at].until) = (false, Some(now + patience));
        if patience.is_zero() {
            self.give_up(at, out);
        }
    }

    fn give_up(&mut self, at: usize, out: &mut Vec<Event>) -> Place {
        let place = self.line.remove(at);
        out.push(Event::Left { ticket: place.ticket, host: place.ask.asker.host().clone() });
        place
    }

    fn leave(&mut self, ask: AskId, now: Instant, out: &mut Vec<Event>) {
        if let Some(at) = self.line.iter().position(|place| place.present && place.ask.id == ask) {
            self.part(at, now, out);
        }
    }

    fn pull(&mut self, ask: AskId, lever: Lever, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        let at = |ticket| self.line.iter().position(|place| place.ticket == ticket);
        let moved = |place: &Place| Pulled::Moved { host: place.ask.asker.host().clone() };
        let what = match lever {
            Lever::Pause => {
                self.paused = true;
                Some(Pulled::Set)
            }
            Lever::Resume if !self.paused => Some(Pulled::Unchanged),
            Lever::Resume => {
                self.paused = false;
                out.push(Event::Pulled { ask, what: Some(Pulled::Set) });
                return self.serve(None, now, out);
            }
            Lever::Release(token) => self.held.iter().find(|slot| slot.token == token).cloned().map(|slot| {
                self.end(token, Ending::Forced, Some(ask), now, out);
                let (host, left) = (slot.ask.asker.host().clone(), Some(slot.until - now));
                Pulled::Released { host, held: now - slot.since, left }
            }),
            Lever::Revoke(token, within) => {
                let slot = self.held.iter_mut().find(|slot| slot.token == token);
                slot.map(|slot| {
                    let end = now + within.unwrap_or(ttl(&slot.ask));
                    slot.revoked = Some(slot.revoked.map_or(end, |earlier| earlier.min(end)));
                    let notified = !matches!(slot.ask.asker, Asker::Host(_));
                    let until = if notified { slot.until.max(slot.revoked.unwrap()) } else { slot.until };
                    Pulled::Revoked { host: slot.ask.asker.host().clone(), until: Some(until), notified }
                })
            }
            Lever::Front(ticket) => at(ticket).map(|at| {
                let place = self.line.remove(at);
                self.line.insert(0, place.clone());
                moved(&place)
            }),
            Lever::Remove(ticket) => at(ticket).map(|at| {
                let place = self.line.remove(at);
                if place.present {
                    out.push(refused(place.ask.id, Refusal::Removed, None));
                }
                moved(&place)
            }),
        };
        out.push(Event::Pulled { ask, what });
    }

    fn end(&mut self, token: Token, how: Ending, by: Option<AskId>, now: Instant, out: &mut Vec<Event>) {
        let Some(at) = self.held.iter().position(|slot| slot.token == token) else { return };
        let slot = self.held.remove(at);
        let revoked = slot.revoked();
        let Slot { token, ask, since, waited, .. } = slot;
        let (id, asker, command) = (ask.lease, ask.asker, ask.command);
        out.push(Event::Ended(Ended {
            token,
            id,
            asker,
            command,
            waited,
            held: now - since,
            how,
            by,
            revoked,
        }));
        self.serve(Some(now), now, out);
    }

    fn expire(&mut self, now: Instant, out: &mut Vec<Event>) {
        loop {
            let slot = self.held.iter().map(|slot| (slot.until, slot.token)).min();
            let place = self.line.iter().filter_map(|place| Some((place.until?, place.ticket))).min();
            let due = |end: Option<Instant>| end.is_some_and(|end| end <= now);
            let slot_first = slot.is_some_and(|(end, _)| place.is_none_or(|(other, _)| end <= other));
            match (slot, place) {
                (Some((end, token)), _) if slot_first && due(Some(end)) => {
                    let told = self.held.iter().any(|slot| slot.token == token && slot.told > 0);
                    self.end(token, if told { Ending::Expired } else { Ending::Unheard }, None, now, out);
                }
                (_, Some((end, ticket))) if !slot_first && due(Some(end)) => {
                    let at = self.line.iter().position(|place| place.ticket == ticket).unwrap();
                    if self.line[at].present {
                        let why = if self.paused { Refusal::Paused } else { Refusal::WaitOver };
                        out.push(refused(self.line[at].ask.id, why, Some(at + 1)));
                        self.part(at, now, out);
                    } else {
                        self.give_up(at, out);
                    }
                }
                _ => return,
            }
        }
    }

    fn serve(&mut self, freed: Option<Instant>, now: Instant, out: &mut Vec<Event>) {
        while !self.paused && self.held.len() < self.slots && !self.line.is_empty() {
            self.token += 1;
            let first = self.line[0].clone();
            let (mine, others): (Vec<_>, Vec<_>) =
                self.line.drain(..).partition(|place| place.ask.asker == first.ask.asker);
            self.line = others;
            let told = mine.iter().filter(|place| place.present).count();
            let until = if told == 0 { first.until.unwrap() } else { now + ttl(&first.ask) };
            let (token, waited) = (Token(self.token), now - first.since);
            let slot = Slot { token, ask: first.ask, since: now, waited, until, told, revoked: None };
            let (host, command) = (slot.ask.asker.host().clone(), slot.ask.command.clone());
            out.push(Event::Began { token, host, waited, command });
            for (number, place) in mine.into_iter().enumerate().filter(|(_, place)| place.present) {
                let lease = Leased { waited: now - place.since, ..slot.leased() };
                out.push(Event::Granted(Granted { ask: place.ask.id, lease, again: number > 0, freed }));
            }
            self.held.push(slot);
        }
    }

    fn release(&mut self, released: AskId, held: &Held, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        let is_it = |ask: &Ask| match held {
            Held::Lease(id) => ask.lease == Some(*id),
            Held::By(asker) => ask.asker == *asker,
        };
        let slot = self.held.iter().find(|slot| is_it(&slot.ask)).map(|slot| slot.token);
        let place = self
            .line
            .iter()
            .position(|place| comes_back(&place.ask) && matches!(held, Held::By(_)) && is_it(&place.ask));
        if let Some(token) = slot {
            self.end(token, Ending::Released, Some(released), now, out);
        }
        if let Some(at) = place {
            let place = self.give_up(at, out);
            if place.present {
                out.push(refused(place.ask.id, Refusal::Superseded, None));
            }
        }
        out.push(Event::Released { ask: released, had: slot.is_some() || place.is_some() });
    }

    fn unheard(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        let Some(slot) = self.held.iter_mut().find(|slot| slot.token == token) else { return };
        slot.told -= 1;
        if slot.told == 0 {
            let patience = patience(&slot.ask);
            slot.end_at(now + patience);
            if patience.is_zero() {
                self.end(token, Ending::Unheard, None, now, out);
            }
        }
    }

    fn renew(
        &mut self,
        ask: AskId,
        lease: LeaseId,
        ttl: Option<Duration>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.expire(now, out);
        let Some(slot) = self.held.iter_mut().find(|slot| slot.ask.lease == Some(lease)) else {
            return out.push(refused(ask, Refusal::LeaseLost, None));
        };
        slot.ask.ttl = ttl.or(slot.ask.ttl);
        slot.extend(now);
        out.push(Event::Renewed { ask, lease: slot.leased() });
    }
}

impl Model {
    /// A pool with so many slots, whose first token is 101.
    pub(crate) fn of(slots: u32) -> Self {
        Self { slots: slots as usize, token: 100, ..Self::default() }
    }

    /// The hosts of those in line who come back, first come first.
    pub(crate) fn owners_in_line(&self) -> Vec<&str> {
        let owners = self.line.iter().filter(|place| comes_back(&place.ask));
        owners.map(|place| place.ask.asker.host().as_str()).collect()
    }
}

/// What happened so far: steps refer to it.
#[derive(Debug, Default)]
pub(crate) struct Past {
    pub(crate) asks: Vec<AskId>,
    /// Answers that are on their way, and may still turn out to be unheard.
    pub(crate) grants: Vec<Leased>,
}

pub(crate) fn play(
    step: &Step,
    pool: &mut Stage,
    model: &mut Model,
    past: &mut Past,
) -> (Vec<Event>, Vec<Event>) {
    let (id, mut expected) = (AskId::next(), Vec::new());
    let out = &mut expected;
    let seconds = |n: u8| SECOND * u32::from(n);
    let pick = |n: usize, from: &[Leased]| from.get(n.checked_rem(from.len())?).cloned();
    let real = match *step {
        Step::Enter { who, wait, patience, ttl } => {
            let asker = asker(who, id);
            let classic = matches!(asker, Asker::Host(_));
            let ask = Ask {
                id,
                asker,
                wait: (wait <= 5).then(|| seconds(wait)),
                patience: patience.filter(|_| !classic).map(seconds),
                ttl: ttl.filter(|_| !classic).map(seconds),
                command: None,
                lease: (!classic).then(LeaseId::random),
            };
            past.asks.push(id);
            model.enter(ask.clone(), pool.now, out);
            pool.ask(ask).1
        }
        Step::Leave(n) => {
            if let Some(ask) = n.checked_rem(past.asks.len()).map(|n| past.asks[n]) {
                model.leave(ask, pool.now, out);
                pool.cut(ask)
            } else {
                Vec::new()
            }
        }
        Step::Release { who } => {
            let held = Held::By(asker(who, id));
            model.release(id, &held, pool.now, out);
            pool.act(|rules, now, out| rules.release(id, &held, now, out))
        }
        Step::GiveBack(n) => {
            let Some(lease) = pick(n, &past.grants).and_then(|lease| lease.id) else {
                return Default::default();
            };
            model.release(id, &Held::Lease(lease), pool.now, out);
            pool.act(|rules, now, out| rules.release(id, &Held::Lease(lease), now, out))
        }
        Step::Unheard(n) => {
            let Some(Leased { token, .. }) = pick(n, &past.grants) else {
                return Default::default();
            };
            past.grants.remove(n % past.grants.len());
            model.unheard(token, pool.now, out);
            pool.act(|rules, now, out| rules.unheard(token, now, out))
        }
        Step::Renew(n, ttl) => {
            let Some(lease) = pick(n, &past.grants).and_then(|lease| lease.id) else {
                return Default::default();
            };
            model.renew(id, lease, ttl.map(seconds), pool.now, out);
            pool.act(|rules, now, out| rules.renew(id, lease, ttl.map(seconds), now, out))
        }
        Step::Force(n) => {
            let token = pick(n, &past.grants).map_or(Token(0), |lease| lease.token);
            pull(id, Lever::Release(token), pool, model, out)
        }
        Step::Revoke(n, within) => {
            let token = pick(n, &past.grants).map_or(Token(0), |lease| lease.token);
            pull(id, Lever::Revoke(token, within.map(seconds)), pool, model, out)
        }
        Step::Pull(lever) => pull(id, lever, pool, model, out),
        Step::Pass(n) => {
            model.expire(pool.now + seconds(n), out);
            pool.pass(seconds(n))
        }
    };
    (real, expected)
}

fn pull(
    id: AskId,
    lever: Lever,
    pool: &mut Stage,
    model: &mut Model,
    expected: &mut Vec<Event>,
) -> Vec<Event> {
    model.pull(id, lever, pool.now, expected);
    pool.act(|rules, now, out| rules.pull(id, lever, &operator(), now, out))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn the_rules_do_what_the_model_does(slots in 1..4u32, steps in steps()) {
        let settings = Pool { slots, expire: Some(TTL), max_waiters: MAX_WAITERS, ..settings() };
        let mut pool = Stage::new(settings);
        let mut model = Model::of(slots);
        let (mut past, mut latest) = (Past::default(), 100);

        for step in &steps {
            let (real, expected) = play(step, &mut pool, &mut model, &mut past);

            prop_assert_eq!(&real, &expected, "at {:?}", step);
            prop_assert!(model.held.len() <= slots as usize);
            let ends = model.held.iter().map(|slot| slot.until);
            let next_end = ends.chain(model.line.iter().filter_map(|place| place.until)).min();
            prop_assert_eq!(pool.rules.next_end(), next_end);
            prop_assert_eq!(pool.rules.state(After::default(), pool.now).waiting, model.line.len());
            for event in real {
                if let Event::Began { token, .. } = &event {
                    prop_assert!(token.0 > latest, "tokens rise");
                    latest = token.0;
                }
                if let Event::Granted(granted) = event {
                    past.grants.push(granted.lease);
                }
            }
        }
    }
}
