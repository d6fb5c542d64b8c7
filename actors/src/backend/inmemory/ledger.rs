//! What a pool in memory writes down, and the answers that wait for it.

use std::{collections::VecDeque, mem, time::Duration};

use actix::WeakAddr;
use distributex_config::Name;
use tokio::time::Instant;

use crate::{
    PoolActor,
    pool::{
        Event, Refusal,
        rules::{Rules, refuse},
    },
    state::{Batch, Journal},
};

/// A disk that has not taken a write for so long counts as away: clients would rather hear that.
pub(crate) const SLOW: Duration = Duration::from_secs(5);

/// The records of one pool.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The pool's name.
    pool: Name,
    /// Where changes go.
    journal: Journal,
    /// Our actor, which wakes us when they are written, if anybody still wants it.
    me: WeakAddr<PoolActor>,
    /// The batch that the latest changes are in.
    latest: Batch,
    /// What may be told only when its batch is written, in the order in which it happened.
    withheld: VecDeque<Withheld>,
    /// Whether nothing can be written for now.
    away: bool,
}

/// What came of one step.
#[derive(Debug)]
struct Withheld {
    /// The batch that has to be written first.
    batch: Batch,
    /// Since when it waits.
    since: Instant,
    events: Vec<Event>,
}

impl Ledger {
    /// The records of a pool, of which nothing has changed yet.
    pub(super) fn new(pool: Name, journal: Journal, me: WeakAddr<PoolActor>) -> Self {
        journal.add(me.clone());
        Self { pool, journal, me, latest: Batch::default(), withheld: VecDeque::new(), away: false }
    }

    /// Writes down what has changed in a step. What came of it is told when all that it may tell of is
    /// written: what changed in the step, or before.
    pub(super) fn enter(
        &mut self,
        rules: &mut Rules,
        events: Vec<Event>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.submit(rules, now);
        if events.is_empty() {
            return;
        }
        if self.away {
            self.tell_without_record(rules, events, now, out);
        } else if self.withheld.is_empty() && self.journal.has_written(self.latest) {
            out.extend(events);
        } else {
            self.withheld.push_back(Withheld { batch: self.latest, since: now, events });
        }
    }

    /// Something was written, or the disk went away or came back.
    pub(super) fn wake(&mut self, rules: &mut Rules, now: Instant, out: &mut Vec<Event>) {
        while let Some(written) = self.withheld.pop_front_if(|next| self.journal.has_written(next.batch)) {
            out.extend(written.events);
        }
        if let Some(next) = self.withheld.front()
            && now >= next.since + SLOW
        {
            self.journal.is_too_slow(next.batch);
        }
        match (self.away, self.journal.is_away()) {
            (false, true) => {
                self.away = true;
                out.push(Event::Away);
                rules.suspend(now);
                for unwritten in mem::take(&mut self.withheld) {
                    self.tell_without_record(rules, unwritten.events, now, out);
                }
            }
            (true, false) => {
                self.away = false;
                out.push(Event::Back);
                let mut events = Vec::new();
                rules.resume(now, &mut events);
                self.enter(rules, events, now, out);
            }
            (true, true) | (false, false) => {}
        }
    }

    /// When the disk will have taken too long.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.withheld.front().map(|next| next.since + SLOW)
    }

    /// Tells what may be told though it is not written. A grant or a renewal may not: nobody hears of it.
    fn tell_without_record(
        &mut self,
        rules: &mut Rules,
        events: Vec<Event>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        for event in events {
            match event {
                Event::Granted(granted) => {
                    refuse(granted.ask, Refusal::Away, None, out);
                    rules.unheard(granted.lease.token, now, out);
                }
                Event::Renewed { ask, .. } => refuse(ask, Refusal::Away, None, out),
                Event::Began { .. }
                | Event::Joined { .. }
                | Event::Left { .. }
                | Event::Pulled { .. }
                | Event::Refused { .. }
                | Event::Placed { .. }
                | Event::Released { .. }
                | Event::Seen { .. }
                | Event::Ended(_)
                | Event::EndedElsewhere(_)
                | Event::Away
                | Event::Back
                | Event::Paused(_) => out.push(event),
            }
        }
        self.submit(rules, now);
    }

    fn submit(&mut self, rules: &mut Rules, now: Instant) {
        let changes = rules.take_changes();
        if !changes.is_empty() {
            self.latest = self.journal.submit(&self.pool, changes, now, self.latest, &self.me);
        }
    }
}
