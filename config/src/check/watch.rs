//! What can be watched.
use crate::node::Said;
use crate::operator::{MOST_EVENTS, MOST_HISTORY, Watch};
use crate::section::Section;
use crate::value::{Unfit, whole};

/// Takes `history`, `events` and `metrics`.
pub(super) fn take(file: &mut Section) -> Watch {
    let mut up_to = |key, most: usize| file.take(key, |said| whole(said, 0..=most as i128));
    let (history, events) = (up_to("history", MOST_HISTORY), up_to("events", MOST_EVENTS));
    let metrics = file.take("metrics", truth);
    let usual = Watch::default();
    Watch {
        history: history.unwrap_or(usual.history),
        events: events.unwrap_or(usual.events),
        metrics: metrics.unwrap_or(usual.metrics),
    }
}

fn truth(said: &Said) -> Result<bool, Unfit> {
    if let Said::Truth(truth) = said { Ok(*truth) } else { Err(Unfit::new(said, "give true or false")) }
}
