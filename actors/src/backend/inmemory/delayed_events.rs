//! Persistence of a pool in memory: its changes go to the journal, and its events are delayed until they are written.

use std::{
    collections::{HashSet, VecDeque},
    mem,
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
    state::{BatchNumber, Journal, WRITE_TIMEOUT},
};

/// Changes and delayed events of one pool.
#[derive(Debug)]
pub(super) struct DelayedEvents {
    /// Name of the pool.
    pool: Name,
    /// The journal.
    journal: Journal,
    /// Wakes the pool when changes are written.
    waker: Waker,
    /// The batch with the latest changes.
    latest: BatchNumber,
    /// Events delayed until their batch is written, in order.
    withheld: VecDeque<DelayedBatch>,
    /// State before admin actions that are not written yet.
    undo: Vec<(RequestId, UndoState)>,
    /// Whether the disk is down.
    is_down: bool,
}

/// Events of one step.
#[derive(Debug)]
struct DelayedBatch {
    /// The batch that must be written first.
    batch: BatchNumber,
    /// Start of the delay.
    since: Instant,
    events: Vec<Event>,
}

impl DelayedEvents {
    /// No changes, no events.
    pub(super) fn new(pool: Name, journal: Journal, waker: Waker) -> Self {
        journal.add(waker.clone());
        let (latest, withheld, undo) = (BatchNumber::default(), VecDeque::new(), Vec::new());
        Self { pool, journal, waker, latest, withheld, undo, is_down: false }
    }

    /// Submits the changes of a step. Its events are delayed until all changes they may reveal are written:
    /// those of this step and of earlier ones.
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
        if self.is_down {
            self.emit_unwritten(rules, events, &HashSet::new(), now, out);
        } else if self.withheld.is_empty() && self.journal.is_written(self.latest) {
            self.emit(rules, events, out);
        } else {
            self.withheld.push_back(DelayedBatch { batch: self.latest, since: now, events });
        }
    }

    /// Handles a written batch, and a disk that went down or came back.
    pub(super) fn poll(&mut self, rules: &mut Rules, now: Instant, out: &mut Vec<Event>) {
        while let Some(written) = self.withheld.pop_front_if(|next| self.journal.is_written(next.batch)) {
            self.emit(rules, written.events, out);
        }
        if let Some(next) = self.withheld.front()
            && now >= next.since + WRITE_TIMEOUT
        {
            self.journal.is_too_slow(next.batch);
        }
        match (self.is_down, self.journal.is_down()) {
            (false, true) => {
                self.is_down = true;
                out.push(Event::StoreDown);
                let taken_back = rules.take_back(out);
                for (_, before) in self.undo.drain(..).rev() {
                    rules.undo(before);
                }
                rules.suspend(now);
                for unwritten in mem::take(&mut self.withheld) {
                    self.emit_unwritten(rules, unwritten.events, &taken_back, now, out);
                }
            }
            (true, false) => {
                self.is_down = false;
                out.push(Event::StoreUp);
                let mut events = Vec::new();
                rules.resume(now, &mut events);
                self.submit_events(rules, events, now, out);
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Keeps the state before an admin action, which is answered as this request.
    pub(super) fn note(&mut self, request: RequestId, before: Option<UndoState>) {
        self.undo.extend(before.map(|before| (request, before)));
    }

    /// Emits written events. A grant is emitted only while its lease lives.
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

    /// Whether changes are not written yet.
    pub(super) fn has_unwritten(&self) -> bool {
        !self.is_down && !self.journal.is_written(self.latest)
    }

    /// Whether the disk is down.
    pub(super) fn is_down(&self) -> bool {
        self.is_down
    }

    /// Time at which the disk will have taken too long.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.withheld.front().map(|next| next.since + WRITE_TIMEOUT)
    }

    /// Emits the events that may be emitted although they are not written. Grants, renewals and admin actions
    /// may not: they are withdrawn. Withdrawn leases cause no events; their waiters keep waiting, and so do
    /// evicted ones. A lease ended by an admin action has not ended.
    fn emit_unwritten(
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
