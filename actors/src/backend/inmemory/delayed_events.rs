//! What a pool in memory writes down, and the answers that wait for it.

use std::{
    collections::{HashSet, VecDeque},
    mem,
    time::Duration,
};

use distributex_config::Name;
use tokio::time::Instant;

use crate::{
    backend::Waker,
    pool::{
        Event, Refusal, RequestId, Token,
        rules::{Rules, refuse},
        undo::UndoState,
    },
    state::{BatchNumber, Journal},
};

/// A disk that has not taken a write for so long counts as away: clients would rather hear that.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The records of one pool.
#[derive(Debug)]
pub(super) struct DelayedEvents {
    /// The pool's name.
    pool: Name,
    /// Where changes go.
    journal: Journal,
    /// Wakes the pool when they are written.
    waker: Waker,
    /// The batch that the latest changes are in.
    latest: BatchNumber,
    /// What may be told only when its batch is written, in the order in which it happened.
    withheld: VecDeque<DelayedBatch>,
    /// What operators changed that is not written yet, as it was before.
    undo: Vec<(RequestId, UndoState)>,
    /// Whether nothing can be written for now.
    away: bool,
}

/// What came of one step.
#[derive(Debug)]
struct DelayedBatch {
    /// The batch that has to be written first.
    batch: BatchNumber,
    /// Since when it waits.
    since: Instant,
    events: Vec<Event>,
}

impl DelayedEvents {
    /// The records of a pool, of which nothing has changed yet.
    pub(super) fn new(pool: Name, journal: Journal, waker: Waker) -> Self {
        journal.add(waker.clone());
        let (latest, withheld, undo) = (BatchNumber::default(), VecDeque::new(), Vec::new());
        Self { pool, journal, waker, latest, withheld, undo, away: false }
    }

    /// Writes down what has changed in a step. What came of it is told when all that it may tell of is
    /// written: what changed in the step, or before.
    pub(super) fn submit_events(
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
            self.tell_without_record(rules, events, &HashSet::new(), now, out);
        } else if self.withheld.is_empty() && self.journal.is_written(self.latest) {
            self.emit(rules, events, out);
        } else {
            self.withheld.push_back(DelayedBatch { batch: self.latest, since: now, events });
        }
    }

    /// Something was written, or the disk went away or came back.
    pub(super) fn poll(&mut self, rules: &mut Rules, now: Instant, out: &mut Vec<Event>) {
        while let Some(written) = self.withheld.pop_front_if(|next| self.journal.is_written(next.batch)) {
            self.emit(rules, written.events, out);
        }
        if let Some(next) = self.withheld.front()
            && now >= next.since + WRITE_TIMEOUT
        {
            self.journal.is_too_slow(next.batch);
        }
        match (self.away, self.journal.is_away()) {
            (false, true) => {
                self.away = true;
                out.push(Event::StoreDown);
                let taken_back = rules.take_back(out);
                for (_, before) in self.undo.drain(..).rev() {
                    rules.undo(before);
                }
                rules.suspend(now);
                for unwritten in mem::take(&mut self.withheld) {
                    self.tell_without_record(rules, unwritten.events, &taken_back, now, out);
                }
            }
            (true, false) => {
                self.away = false;
                out.push(Event::StoreUp);
                let mut events = Vec::new();
                rules.resume(now, &mut events);
                self.submit_events(rules, events, now, out);
            }
            (true, true) | (false, false) => {}
        }
    }

    /// An operator is about to change this, and is answered as this request.
    pub(super) fn note(&mut self, request: RequestId, before: Option<UndoState>) {
        self.undo.extend(before.map(|before| (request, before)));
    }

    /// Tells what is written. A grant is told only while its lease lives.
    fn emit(&mut self, rules: &mut Rules, events: Vec<Event>, out: &mut Vec<Event>) {
        for event in events {
            if let Event::Answered(granted) = &event
                && !rules.has(granted.lease.token)
            {
                refuse(granted.request, Refusal::BackendDown, None, out);
                continue;
            }
            if let Event::Granted { token, .. } = &event {
                rules.recorded(*token);
            } else if let Event::ActionApplied { request, .. } = &event {
                self.undo.retain(|(other, _)| other != request);
            }
            out.push(event);
        }
    }

    /// Whether something is not written yet.
    pub(super) fn has_unwritten(&self) -> bool {
        !self.away && !self.journal.is_written(self.latest)
    }

    /// Whether nothing can be written for now.
    pub(super) fn is_away(&self) -> bool {
        self.away
    }

    /// When the disk will have taken too long.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.withheld.front().map(|next| next.since + WRITE_TIMEOUT)
    }

    /// Tells what may be told though it is not written. A grant, a renewal or what an operator did may not: nobody
    /// hears of it. Of leases that were taken back nothing is told; their waiters wait on, and so do those whom an
    /// operator removed. A lease that an operator ended has not ended.
    fn tell_without_record(
        &mut self,
        rules: &mut Rules,
        events: Vec<Event>,
        taken_back: &HashSet<Token>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        for event in events {
            match event {
                Event::Granted { token, .. } if taken_back.contains(&token) => {}
                Event::Answered(granted) if rules.is_parked(granted.request) => {}
                Event::Refused { request, .. } if rules.is_parked(request) => {}
                Event::Ended(ended) if rules.has(ended.token) => {}
                Event::Answered(granted) => {
                    refuse(granted.request, Refusal::BackendDown, None, out);
                    rules.undelivered(granted.lease.token, now, out);
                }
                Event::Renewed { request, .. } | Event::ActionApplied { request, .. } => {
                    refuse(request, Refusal::BackendDown, None, out);
                }
                Event::Refreshed { request, .. } => out.push(Event::Refreshed { request, state: None }),
                Event::Granted { .. }
                | Event::Queued { .. }
                | Event::Left { .. }
                | Event::Refused { .. }
                | Event::Parked { .. }
                | Event::Released { .. }
                | Event::Ended(_)
                | Event::EndedElsewhere(_)
                | Event::StoreDown
                | Event::StoreUp
                | Event::Paused(_) => out.push(event),
            }
        }
        self.submit(rules, now);
    }

    fn submit(&mut self, rules: &mut Rules, now: Instant) {
        let changes = rules.take_changes();
        if !changes.is_empty() {
            self.latest = self.journal.submit(&self.pool, changes, now, self.latest, &self.waker);
        }
    }
}
