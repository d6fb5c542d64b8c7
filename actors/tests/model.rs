//! Random events, played to the rules and to a model so simple that it can be seen to be right.

use std::time::Duration;

use distributex_actors::{AskId, Ending, Event, Granted, Refusal, Ticket, Token, pool::Ask};
use distributex_config::{Name, Pool};
use proptest::{collection::vec, prelude::*};
use tokio::time::Instant;

use crate::support::{SECOND, Stage, name, settings};

const TTL: Duration = Duration::from_secs(10);
const MAX_WAITERS: usize = 4;

/// What can happen to a pool.
#[derive(Debug, Clone)]
enum Step {
    Enter {
        host: u8,
        wait: bool,
    },
    /// The n-th of all asks so far leaves.
    Leave(usize),
    Release {
        host: u8,
    },
    /// An answer of the n-th of all grants so far is not sent.
    Unheard(usize),
    /// The n-th of all grants so far is renewed.
    Renew(usize),
    Pass(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let host = 0..6u8;
    let step = prop_oneof![
        6 => (host.clone(), any::<bool>()).prop_map(|(host, wait)| Step::Enter { host, wait }),
        1 => any::<usize>().prop_map(Step::Leave),
        3 => host.prop_map(|host| Step::Release { host }),
        1 => any::<usize>().prop_map(Step::Unheard),
        1 => any::<usize>().prop_map(Step::Renew),
        2 => (0..8u8).prop_map(Step::Pass),
    ];
    vec(step, 1..120)
}

/// A held slot.
#[derive(Debug, Clone)]
struct Held {
    token: Token,
    host: Name,
    since: Instant,
    until: Instant,
    told: usize,
}

/// The model: two lists, searched from end to end.
#[derive(Debug, Default)]
struct Model {
    slots: usize,
    held: Vec<Held>,
    line: Vec<(AskId, Name, Instant)>,
    tickets: u64,
    token: u64,
}

impl Model {
    fn enter(&mut self, ask: &Ask, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        if let Some(held) = self.held.iter_mut().find(|held| held.host == ask.host) {
            held.told += 1;
            let (token, host, waited) = (held.token, ask.host.clone(), Duration::ZERO);
            out.push(Event::Granted(Granted { ask: ask.id, token, host, new: false, waited }));
        } else if self.held.len() < self.slots || (ask.wait && self.line.len() < MAX_WAITERS) {
            self.line.push((ask.id, ask.host.clone(), now));
            let placed = self.held.len() >= self.slots;
            self.serve(now, out);
            if placed {
                self.tickets += 1;
                let place = self.line.len();
                out.push(Event::Placed { ask: ask.id, ticket: Ticket(self.tickets), place });
            }
        } else {
            let why = if ask.wait { Refusal::LineFull } else { Refusal::Full };
            out.push(Event::Refused { ask: ask.id, why });
        }
    }

    fn end(&mut self, how: Ending, now: Instant, out: &mut Vec<Event>, which: impl Fn(&Held) -> bool) {
        let Some(at) = self.held.iter().position(which) else {
            return;
        };
        let Held { token, host, since, .. } = self.held.remove(at);
        out.push(Event::Ended { token, host, how, held: now - since });
    }

    fn expire(&mut self, now: Instant, out: &mut Vec<Event>) {
        let mut over: Vec<_> = self.held.iter().filter(|held| held.until <= now).cloned().collect();
        over.sort_by_key(|held| (held.until, held.token));
        for held in over {
            self.end(Ending::Expired, now, out, |other| other.token == held.token);
        }
        self.serve(now, out);
    }

    fn serve(&mut self, now: Instant, out: &mut Vec<Event>) {
        while self.held.len() < self.slots && !self.line.is_empty() {
            self.token += 1;
            let (token, host) = (Token(self.token), self.line[0].1.clone());
            let (mine, others): (Vec<_>, Vec<_>) = self.line.drain(..).partition(|(_, who, _)| *who == host);
            self.line = others;
            self.held.push(Held { token, host, since: now, until: now + TTL, told: mine.len() });
            out.extend(mine.into_iter().enumerate().map(|(n, (ask, host, since))| {
                Event::Granted(Granted { ask, token, host, new: n == 0, waited: now - since })
            }));
        }
    }

    fn release(&mut self, ask: AskId, host: &Name, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        self.end(Ending::Released, now, out, |held| held.host == *host);
        self.serve(now, out);
        out.push(Event::Released { ask });
    }

    fn unheard(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        let Some(held) = self.held.iter_mut().find(|held| held.token == token) else {
            return;
        };
        held.told -= 1;
        if held.told == 0 {
            self.end(Ending::Unheard, now, out, |held| held.token == token);
            self.serve(now, out);
        }
    }

    fn renew(&mut self, ask: AskId, token: Token, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        let until = now + TTL;
        match self.held.iter_mut().find(|held| held.token == token) {
            Some(held) => held.until = until,
            None => {
                return out.push(Event::Refused { ask, why: Refusal::LeaseLost });
            }
        }
        out.push(Event::Renewed { ask, until: Some(until) });
    }
}

/// What happened so far: steps refer to it.
#[derive(Debug, Default)]
struct Past {
    asks: Vec<AskId>,
    /// Answers that are on their way, and may still turn out to be unheard.
    grants: Vec<Token>,
}

fn play(step: &Step, pool: &mut Stage, model: &mut Model, past: &mut Past) -> (Vec<Event>, Vec<Event>) {
    let (ask, mut expected) = (AskId::next(), Vec::new());
    let out = &mut expected;
    let host = |n: u8| name(&format!("host{n}"));
    let pick = |n: usize, from: &[Token]| from.get(n.checked_rem(from.len())?).copied();
    let real = match *step {
        Step::Enter { host: n, wait } => {
            let ask = Ask { id: ask, host: host(n), wait };
            past.asks.push(ask.id);
            model.enter(&ask, pool.now, out);
            pool.act(|rules, now, out| rules.enter(ask, now, out))
        }
        Step::Leave(n) => {
            if let Some(ask) = n.checked_rem(past.asks.len()).map(|n| past.asks[n]) {
                model.line.retain(|(other, ..)| *other != ask);
                pool.rules.leave(ask);
            }
            Vec::new()
        }
        Step::Release { host: n } => {
            model.release(ask, &host(n), pool.now, out);
            pool.act(|rules, now, out| rules.release(ask, &host(n), now, out))
        }
        Step::Unheard(n) => {
            let Some(token) = pick(n, &past.grants) else {
                return Default::default();
            };
            past.grants.remove(n % past.grants.len());
            model.unheard(token, pool.now, out);
            pool.act(|rules, now, out| rules.unheard(token, now, out))
        }
        Step::Renew(n) => {
            let Some(token) = pick(n, &past.grants) else {
                return Default::default();
            };
            model.renew(ask, token, pool.now, out);
            pool.act(|rules, now, out| rules.renew(ask, token, Some(TTL), now, out))
        }
        Step::Pass(seconds) => {
            model.expire(pool.now + SECOND * u32::from(seconds), out);
            pool.pass(SECOND * u32::from(seconds))
        }
    };
    (real, expected)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn the_rules_do_what_the_model_does(slots in 1..4u32, steps in steps()) {
        let settings = Pool { slots, expire: Some(TTL), max_waiters: Some(MAX_WAITERS), ..settings() };
        let mut pool = Stage::new(settings);
        let mut model = Model { slots: slots as usize, token: 100, ..Model::default() };
        let (mut past, mut latest) = (Past::default(), 100);

        for step in &steps {
            let (real, expected) = play(step, &mut pool, &mut model, &mut past);

            prop_assert_eq!(&real, &expected, "at {:?}", step);
            prop_assert!(model.held.len() <= slots as usize);
            prop_assert_eq!(pool.rules.next_end(), model.held.iter().map(|held| held.until).min());
            for event in real {
                if let Event::Granted(granted) = event {
                    prop_assert!(!granted.new || granted.token.0 > latest, "tokens rise");
                    latest = latest.max(granted.token.0);
                    past.grants.push(granted.token);
                }
            }
        }
    }
}
