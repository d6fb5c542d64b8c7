//! The `why` command: explains in sentences who holds the slots, who waits, and what happens next.

use std::time::{Duration, SystemTime};

use super::{
    CtlOutcome,
    estimate::estimate,
    failed,
    format::{age, clean, human, moment},
    output::{document, show},
    revoked::revocation,
};
use crate::program::{console::Console, queue_progress::ordinal};
use distributex_client::{Client, Holder, Pause, PoolSnapshot, Run, Waiter};

/// Maximum number of holders and of waiters listed.
const MAX_LISTED: usize = 10;

/// Prints the explanation.
pub(super) async fn run(client: &Client, pool: &str, json: bool, console: Console) -> Result<(), CtlOutcome> {
    let snapshot = client.pool(pool).await.map_err(|error| failed(&error, console))?;
    let history = client.history(pool).await.ok(); // the history is optional
    if json {
        let runs = history.map_or_else(|| "null".to_owned(), |history| history.json);
        return show(&document(&format!(r#"{{"state":{},"history":{runs}}}"#, snapshot.json)), console);
    }
    let runs = history.map(|history| history.value).unwrap_or_default();
    show(&sentences(&snapshot.value, &runs, SystemTime::now()), console)
}

fn sentences(pool: &PoolSnapshot, runs: &[Run], now: SystemTime) -> String {
    let mut lines: Vec<_> =
        pool.paused.as_ref().map(|pause| paused(&pool.name, pause, now)).into_iter().collect();
    lines.push(headline(pool));
    lines.extend(pool.holders.iter().take(MAX_LISTED).map(|holder| holding(holder, pool.slots, now)));
    lines.extend(more(pool.held, pool.holders.len()));
    if pool.queue.length > 0 {
        lines.push(format!("{}, first in, first out:", waiting(pool.queue.length)));
        let first = pool.queue.waiters.iter().take(MAX_LISTED);
        lines.extend(first.zip(1..).map(|(waiter, position)| waiter_line(waiter, position)));
        lines.extend(more(pool.queue.length, pool.queue.waiters.len()));
    }
    lines.extend(estimate(pool, runs, now));
    lines.push(next(pool));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn headline(PoolSnapshot { name, slots, held, .. }: &PoolSnapshot) -> String {
    let name = clean(name);
    match (*slots, *held) {
        (1, 0) => format!("The slot of {name} is free."),
        (1, 1) => format!("The slot of {name} is held:"),
        (2, 0) => format!("Both slots of {name} are free."),
        (slots, 0) => format!("All {slots} slots of {name} are free."),
        (slots, held) if held > slots => {
            format!("{held} slots of {name} are held, more than its maxlocks of {slots}, which was lowered:")
        }
        (2, 2) => format!("Both slots of {name} are held:"),
        (slots, held) if held == slots => format!("All {slots} slots of {name} are held:"),
        (slots, 1) => format!("One of the {slots} slots of {name} is held:"),
        (slots, held) => format!("{held} of the {slots} slots of {name} are held:"),
    }
}

fn paused(name: &str, Pause { author, reason, since }: &Pause, now: SystemTime) -> String {
    let since = since
        .and_then(|since| Some(format!(" for {}, since {}", human(age(since, now)), moment(since, now)?)));
    let since = since.map(|since| format!(" It has been paused{since}.")).unwrap_or_default();
    format!("{} is paused by {}: {}.{since}", clean(name), clean(author), clean(reason))
}

fn holding(
    Holder { host, token, since, expires_in, command, revoked, .. }: &Holder,
    slots: u64,
    now: SystemTime,
) -> String {
    let slot = if slots == 1 { "it" } else { "one" };
    let since = since
        .and_then(|since| Some(format!(" for {}, since {}", human(age(since, now)), moment(since, now)?)));
    let note = command.as_ref().map(|note| format!(" ({})", clean(note))).unwrap_or_default();
    let until = match expires_in {
        Some(left) => {
            let at = now.checked_add(*left).and_then(|at| moment(at, now)).unwrap_or_default();
            format!("its lease expires at {at} (in {}) unless renewed", human(*left))
        }
        None => "its lease does not expire".to_owned(),
    };
    let revoked = revoked.as_ref().map(|revoked| format!(" It was {}.", revocation(revoked, now)));
    let (host, since, revoked) = (clean(host), since.unwrap_or_default(), revoked.unwrap_or_default());
    format!("  {host}{note} has had {slot}{since}; {until}. Token {token}.{revoked}")
}

fn waiting(length: u64) -> String {
    if length == 1 { "1 host waits".to_owned() } else { format!("{length} hosts wait") }
}

fn waiter_line(waiter: &Waiter, position: u64) -> String {
    let absent = if waiter.present { "" } else { ", reconnecting; its position is kept" };
    format!("  {}: {}, for {}{absent}.", ordinal(position), clean(&waiter.host), waited(waiter))
}

fn waited(waiter: &Waiter) -> String {
    human(waiter.waited.unwrap_or(Duration::MAX))
}

fn more(all: u64, known: usize) -> Option<String> {
    let more = all.saturating_sub(known.min(MAX_LISTED) as u64);
    (more > 0).then(|| format!("  and {more} more."))
}

/// What happens next.
fn next(pool: &PoolSnapshot) -> String {
    let first = pool.queue.waiters.first();
    if pool.paused.is_some() {
        let name = clean(&pool.name);
        let then = first.map_or_else(String::new, |first| format!(" Then {} is next.", clean(&first.host)));
        return format!("No slot is granted until the pool is resumed: distributexctl resume {name}.{then}");
    }
    if pool.held < pool.slots {
        return match first {
            None => "A slot is free: the next request gets it.".to_owned(),
            Some(first) if first.present => {
                format!("A slot is free: {}, first in the queue, gets it.", clean(&first.host))
            }
            Some(first) => format!(
                "A slot is free: {}, first in the queue, gets it if it reconnects in time.",
                clean(&first.host)
            ),
        };
    }
    let then = match first {
        None => "the next request gets the slot".to_owned(),
        Some(first) => {
            let condition = if first.present { "" } else { " if it reconnects in time" };
            format!("{}, waiting for {}, gets the slot{condition}", clean(&first.host), waited(first))
        }
    };
    format!("{}; then {then}.", ending(pool))
}

/// The condition for the next free slot.
fn ending(pool: &PoolSnapshot) -> String {
    let mut ends: Vec<_> =
        pool.holders.iter().filter_map(|holder| Some((holder.expires_in?, holder))).collect();
    ends.sort_by_key(|(left, _)| *left);
    let over = usize::try_from(pool.held - pool.slots).unwrap_or(usize::MAX);
    match (over, ends.get(over)) {
        (0, Some((left, holder))) => {
            format!(
                "{}'s lease expires in {} unless renewed or released before",
                clean(&holder.host),
                human(*left)
            )
        }
        (0, None) => "No lease expires: one must be released".to_owned(),
        (over, Some((left, _))) => {
            format!(
                "{} leases must end first, which takes {} if none is renewed or released",
                over + 1,
                human(*left)
            )
        }
        (over, None) => format!("{} leases must be released first", over + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use distributex_client::{Queue, Revocation};

    const NOW: Duration = Duration::from_secs(1_795_435_080);

    fn holder(host: &str, expires_in: Option<u64>) -> Holder {
        let since = Some(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(125));
        let expires_in = expires_in.map(Duration::from_secs);
        Holder {
            host: host.to_owned(),
            token: 7,
            since,
            expires_in,
            command: Some("roll\x1bout".to_owned()),
            revoked: None,
            store: None,
        }
    }

    fn waiter(host: &str, present: bool) -> Waiter {
        Waiter { ticket: 1, host: host.to_owned(), waited: Some(Duration::from_secs(180)), present }
    }

    fn lines_of(slots: u64, holders: Vec<Holder>, first: Vec<Waiter>) -> Vec<String> {
        let line = Queue { length: first.len() as u64, waiters: first };
        let pool = PoolSnapshot {
            name: "p".to_owned(),
            slots,
            held: holders.len() as u64,
            holders,
            queue: line,
            paused: None,
            removed: false,
            store_down: false,
            next: None,
            store: None,
        };
        sentences(&pool, &[], SystemTime::UNIX_EPOCH + NOW).lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_free_slot_is_for_the_next_request() {
        let free = "A slot is free: the next request gets it.";

        assert_eq!(lines_of(1, vec![], vec![]), ["The slot of p is free.", free]);
        assert_eq!(lines_of(2, vec![], vec![]), ["Both slots of p are free.", free]);
        assert_eq!(lines_of(3, vec![], vec![]), ["All 3 slots of p are free.", free]);
        let some = lines_of(2, vec![holder("web7", None)], vec![]);
        assert_eq!((some[0].as_str(), some[2].as_str()), ("One of the 2 slots of p is held:", free));
    }

    #[test]
    fn holder_queue_and_next_step_are_explained() {
        let lines =
            lines_of(1, vec![holder("web7", Some(12))], vec![waiter("web9", true), waiter("web8", false)]);

        assert_eq!(
            lines,
            [
                "The slot of p is held:",
                "  web7 (roll\u{fffd}out) has had it for 2 min, since 11:55:55 UTC; \
                 its lease expires at 11:58:12 UTC (in 12 s) unless renewed. Token 7.",
                "2 hosts wait, first in, first out:",
                "  1st: web9, for 3 min.",
                "  2nd: web8, for 3 min, reconnecting; its position is kept.",
                "web7's lease expires in 12 s unless renewed or released before; \
                 then web9, waiting for 3 min, gets the slot.",
            ]
        );
    }

    #[test]
    fn a_pause_comes_first_with_author_and_reason() {
        let now = SystemTime::UNIX_EPOCH + NOW;
        let pause = Pause {
            author: "ann".to_owned(),
            reason: "kernel\x1b update".to_owned(),
            since: Some(now - Duration::from_secs(180)),
        };
        let line = Queue { length: 1, waiters: vec![waiter("web9", true)] };
        let pool = PoolSnapshot {
            name: "p".to_owned(),
            slots: 1,
            held: 1,
            holders: vec![holder("web7", None)],
            queue: line,
            paused: Some(pause),
            removed: false,
            store_down: false,
            next: None,
            store: None,
        };

        let text = sentences(&pool, &[], now);

        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[0],
            "p is paused by ann: kernel\u{fffd} update. \
             It has been paused for 3 min, since 11:55:00 UTC."
        );
        assert!(lines[1].ends_with(" is held:") && lines[2].starts_with("  web7 "), "{text}");
        assert_eq!(
            *lines.last().unwrap(),
            "No slot is granted until the pool is resumed: distributexctl resume p. Then web9 is next."
        );
    }

    #[test]
    fn a_revoke_is_shown_at_its_lease() {
        let until = Some(SystemTime::UNIX_EPOCH + NOW + Duration::from_secs(20));
        let revoked = Revocation { author: "ann".to_owned(), reason: "hotfix".to_owned(), until };

        let lines = lines_of(1, vec![Holder { revoked: Some(revoked), ..holder("web7", Some(12)) }], vec![]);

        let asked = "Token 7. It was revoked by ann: hotfix; free by 11:58:20 UTC at the latest.";
        assert!(lines[1].ends_with(asked), "{}", lines[1]);
    }

    #[test]
    fn the_lease_that_expires_first_counts() {
        let last = |holders, first| lines_of(2, holders, first).pop().unwrap();
        let both = || vec![holder("web1", Some(50)), holder("web2", Some(20))];

        assert!(last(both(), vec![]).starts_with("web2's lease expires in 20 s"));
        assert!(last(both(), vec![]).ends_with("then the next request gets the slot."));
        assert!(
            last(both(), vec![waiter("web9", false)]).ends_with("gets the slot if it reconnects in time.")
        );
        let never = last(vec![holder("web1", None), holder("web2", None)], vec![waiter("web9", true)]);
        assert!(never.starts_with("No lease expires: one must be released; then web9"), "{never}");
    }

    #[test]
    fn more_leases_than_slots_must_end_first() {
        let lines = lines_of(1, vec![holder("web1", Some(50)), holder("web2", Some(20))], vec![]);

        assert!(lines[0].starts_with("2 slots of p are held, more than its maxlocks of 1"), "{}", lines[0]);
        assert!(lines[3].starts_with("2 leases must end first, which takes 50 s if none"), "{}", lines[3]);
    }

    #[test]
    fn only_the_first_of_many_are_listed() {
        let lines = lines_of(30, (0..30).map(|_| holder("web1", None)).collect(), vec![]);

        assert_eq!((lines.len(), lines[11].as_str()), (13, "  and 20 more."));
    }
}
