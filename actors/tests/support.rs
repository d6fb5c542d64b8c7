//! Short words for what the tests are about.

use std::time::Duration;

use distributex_actors::{
    AskId, Event, Granted, Refusal, Token,
    pool::{Ask, rules::Rules},
};
use distributex_config::{Name, Pool};
use tokio::time::Instant;

/// A second.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A minute.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A pool with one slot, whose leases live for a minute, and which any host may use.
pub(crate) fn settings() -> Pool {
    Pool { name: name("pool1"), expire: Some(MINUTE), slots: 1, servers: None, max_waiters: None }
}

/// A host's name.
pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Rules and the time, and what came of the latest step.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) rules: Rules,
    pub(crate) now: Instant,
}

impl Stage {
    /// A pool that nobody has used yet. Its first token is 101.
    pub(crate) fn new(settings: Pool) -> Self {
        Self { rules: Rules::new(settings, Token(100)), now: Instant::now() }
    }

    /// Time goes by.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<Event> {
        self.now += time;
        self.act(|rules, now, out| rules.expire(now, out))
    }

    /// This host asks for a slot and would not wait.
    pub(crate) fn get(&mut self, host: &str) -> Vec<Event> {
        self.enter(host, false).1
    }

    /// This host asks for a slot and waits.
    pub(crate) fn wait(&mut self, host: &str) -> (AskId, Vec<Event>) {
        self.enter(host, true)
    }

    /// This host gives back what it has.
    pub(crate) fn release(&mut self, host: &str) -> Vec<Event> {
        let ask = AskId::next();
        let mut events = self.act(|rules, now, out| rules.release(ask, &name(host), now, out));
        assert_eq!(events.pop(), Some(Event::Released { ask }));
        events
    }

    /// Anything else.
    pub(crate) fn act(&mut self, act: impl FnOnce(&mut Rules, Instant, &mut Vec<Event>)) -> Vec<Event> {
        let mut events = Vec::new();
        act(&mut self.rules, self.now, &mut events);
        events
    }

    fn enter(&mut self, host: &str, wait: bool) -> (AskId, Vec<Event>) {
        let id = AskId::next();
        let ask = Ask { id, host: name(host), wait };
        (id, self.act(|rules, now, out| rules.enter(ask, now, out)))
    }
}

/// To whom which tokens were granted.
pub(crate) fn grants(events: &[Event]) -> Vec<(&str, u64)> {
    granted(events).map(|granted| (granted.host.as_str(), granted.token.0)).collect()
}

/// Which asks were granted something.
pub(crate) fn granted_asks(events: &[Event]) -> Vec<AskId> {
    granted(events).map(|granted| granted.ask).collect()
}

/// Why somebody got nothing.
pub(crate) fn refusal(events: &[Event]) -> Option<Refusal> {
    events.iter().find_map(|event| if let Event::Refused { why, .. } = event { Some(*why) } else { None })
}

fn granted(events: &[Event]) -> impl Iterator<Item = &Granted> {
    events.iter().filter_map(|event| if let Event::Granted(granted) = event { Some(granted) } else { None })
}
