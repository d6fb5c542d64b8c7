//! Why a pool has no slot, in sentences: who has them, who waits, and what happens next.

use std::time::{Duration, SystemTime};

use super::{
    CtlOutcome,
    estimate::estimate,
    failed,
    format::{age, clean, human, moment},
    output::{document, show},
    revoked::asked,
};
use crate::program::{console::Console, queue_progress::ordinal};
use distributex_client::{Client, Holder, Pause, PoolSnapshot, Run, Waiter};

/// So many holders, and so many waiters, are told.
const MAX_LISTED: usize = 10;

/// Says it.
pub(super) async fn run(client: &Client, pool: &str, json: bool, console: Console) -> Result<(), CtlOutcome> {
    let seen = client.pool(pool).await.map_err(|error| failed(&error, console))?;
    let history = client.history(pool).await.ok(); // a server that keeps none says enough without
    if json {
        let runs = history.map_or_else(|| "null".to_owned(), |history| history.json);
        return show(&document(&format!(r#"{{"state":{},"history":{runs}}}"#, seen.json)), console);
    }
    let runs = history.map(|history| history.value).unwrap_or_default();
    show(&sentences(&seen.value, &runs, SystemTime::now()), console)
}

fn sentences(pool: &PoolSnapshot, runs: &[Run], now: SystemTime) -> String {
    let mut lines: Vec<_> =
        pool.paused.as_ref().map(|pause| paused(&pool.name, pause, now)).into_iter().collect();
    lines.push(headline(pool));
    lines.extend(pool.holders.iter().take(MAX_LISTED).map(|holder| holding(holder, pool.slots, now)));
    lines.extend(more(pool.held, pool.holders.len()));
    if pool.queue.length > 0 {
        lines.push(format!("{}, first come, first served:", waiting(pool.queue.length)));
        let first = pool.queue.waiters.iter().take(MAX_LISTED);
        lines.extend(first.zip(1..).map(|(waiter, place)| waiter_line(waiter, place)));
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
            format!("{held} leases of {name} are held, more than its maxlocks of {slots}, which was lowered:")
        }
        (2, 2) => format!("Both slots of {name} are held:"),
        (slots, held) if held == slots => format!("All {slots} slots of {name} are held:"),
        (slots, 1) => format!("1 of {slots} slots of {name} is held:"),
        (slots, held) => format!("{held} of {slots} slots of {name} are held:"),
    }
}

fn paused(name: &str, Pause { author, reason, since }: &Pause, now: SystemTime) -> String {
    let since = since
        .and_then(|since| Some(format!(" for {}, since {}", human(age(since, now)), moment(since, now)?)));
    let since = since.map(|since| format!(" It has been paused{since}.")).unwrap_or_default();
    format!("{} paused {}, and gave this reason: {}.{since}", clean(author), clean(name), clean(reason))
}

fn holding(
    Holder { host, token, since, expires_in, command, revoked, .. }: &Holder,
    slots: u64,
    now: SystemTime,
) -> String {
    let slot = if slots == 1 { "it" } else { "one" };
    let since = since
        .and_then(|since| Some(format!(" for {}, since {}", human(age(since, now)), moment(since, now)?)));
    let doing = command.as_ref().map(|note| format!(" ({})", clean(note))).unwrap_or_default();
    let until = match expires_in {
        Some(left) => {
            let at = now.checked_add(*left).and_then(|at| moment(at, now)).unwrap_or_default();
            format!("unless it is renewed, until {at} (in {})", human(*left))
        }
        None => "until it is released: the lease has no end".to_owned(),
    };
    let asked = revoked.as_ref().map(|revoked| format!(" It is {}.", asked(revoked, now)));
    let (host, since, asked) = (clean(host), since.unwrap_or_default(), asked.unwrap_or_default());
    format!("  {host}{doing} has had {slot}{since}; {until}. Token {token}.{asked}")
}

fn waiting(length: u64) -> String {
    if length == 1 { "1 waits".to_owned() } else { format!("{length} wait") }
}

fn waiter_line(waiter: &Waiter, place: u64) -> String {
    let away =
        if waiter.present { "" } else { ", and is between two requests now: its place is kept a while" };
    format!("  {}: {}, for {}{away}.", ordinal(place), clean(&waiter.host), waited(waiter))
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
        let then =
            first.map_or_else(String::new, |first| format!(" Then {} is first in line.", clean(&first.host)));
        return format!("Nobody gets a slot until it is resumed: distributexctl resume {name}.{then}");
    }
    if pool.held < pool.slots {
        return match first {
            None => "A slot is free: whoever asks next gets it.".to_owned(),
            Some(first) if first.present => {
                format!("A slot is free: {}, first in line, gets it.", clean(&first.host))
            }
            Some(first) => format!(
                "A slot is free: {}, first in line, gets it if it asks again soon.",
                clean(&first.host)
            ),
        };
    }
    let then = match first {
        None => "whoever asks next gets the slot".to_owned(),
        Some(first) => {
            let condition = if first.present { "" } else { " if it asks again soon" };
            format!("{}, first in line for {}, gets the slot{condition}", clean(&first.host), waited(first))
        }
    };
    format!("{}; then {then}.", ending(pool))
}

/// What has to end before anybody gets a slot.
fn ending(pool: &PoolSnapshot) -> String {
    let mut ends: Vec<_> =
        pool.holders.iter().filter_map(|holder| Some((holder.expires_in?, holder))).collect();
    ends.sort_by_key(|(left, _)| *left);
    let over = usize::try_from(pool.held - pool.slots).unwrap_or(usize::MAX);
    match (over, ends.get(over)) {
        (0, Some((left, holder))) => {
            format!(
                "{}'s lease ends in {} unless it is renewed or released before",
                clean(&holder.host),
                human(*left)
            )
        }
        (0, None) => "No lease ends by itself: one has to be released".to_owned(),
        (over, Some((left, _))) => {
            format!(
                "{} leases have to end, which takes {} if none is renewed or released",
                over + 1,
                human(*left)
            )
        }
        (over, None) => format!("{} leases have to be released", over + 1),
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

    fn told(slots: u64, holders: Vec<Holder>, first: Vec<Waiter>) -> Vec<String> {
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
    fn a_free_slot_is_for_whoever_asks() {
        let free = "A slot is free: whoever asks next gets it.";

        assert_eq!(told(1, vec![], vec![]), ["The slot of p is free.", free]);
        assert_eq!(told(2, vec![], vec![]), ["Both slots of p are free.", free]);
        assert_eq!(told(3, vec![], vec![]), ["All 3 slots of p are free.", free]);
        let some = told(2, vec![holder("web7", None)], vec![]);
        assert_eq!((some[0].as_str(), some[2].as_str()), ("1 of 2 slots of p is held:", free));
    }

    #[test]
    fn the_holder_the_line_and_what_comes_next_are_told() {
        let told = told(1, vec![holder("web7", Some(12))], vec![waiter("web9", true), waiter("web8", false)]);

        assert_eq!(
            told,
            [
                "The slot of p is held:",
                "  web7 (roll\u{fffd}out) has had it for 2 min, since 11:55:55 UTC; \
                 unless it is renewed, until 11:58:12 UTC (in 12 s). Token 7.",
                "2 wait, first come, first served:",
                "  1st: web9, for 3 min.",
                "  2nd: web8, for 3 min, and is between two requests now: its place is kept a while.",
                "web7's lease ends in 12 s unless it is renewed or released before; \
                 then web9, first in line for 3 min, gets the slot.",
            ]
        );
    }

    #[test]
    fn who_paused_it_is_told_with_the_reason() {
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

        let told = sentences(&pool, &[], now);

        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            lines[0],
            "ann paused p, and gave this reason: kernel\u{fffd} update. \
             It has been paused for 3 min, since 11:55:00 UTC."
        );
        assert!(lines[1].ends_with(" is held:") && lines[2].starts_with("  web7 "), "{told}");
        assert_eq!(
            *lines.last().unwrap(),
            "Nobody gets a slot until it is resumed: distributexctl resume p. Then web9 is first in line."
        );
    }

    #[test]
    fn who_asked_the_holder_to_stop_is_told() {
        let until = Some(SystemTime::UNIX_EPOCH + NOW + Duration::from_secs(20));
        let revoked = Revocation { author: "ann".to_owned(), reason: "hotfix".to_owned(), until };

        let told = told(1, vec![Holder { revoked: Some(revoked), ..holder("web7", Some(12)) }], vec![]);

        let asked = "Token 7. It is revoked by ann: hotfix; free by 11:58:20 UTC at the latest.";
        assert!(told[1].ends_with(asked), "{}", told[1]);
    }

    #[test]
    fn the_lease_that_ends_first_counts() {
        let last = |holders, first| told(2, holders, first).pop().unwrap();
        let both = || vec![holder("web1", Some(50)), holder("web2", Some(20))];

        assert!(last(both(), vec![]).starts_with("web2's lease ends in 20 s"));
        assert!(last(both(), vec![]).ends_with("then whoever asks next gets the slot."));
        assert!(last(both(), vec![waiter("web9", false)]).ends_with("gets the slot if it asks again soon."));
        let never = last(vec![holder("web1", None), holder("web2", None)], vec![waiter("web9", true)]);
        assert!(never.starts_with("No lease ends by itself: one has to be released; then web9"), "{never}");
    }

    #[test]
    fn fewer_slots_than_leases_take_more_than_one_end() {
        let lines = told(1, vec![holder("web1", Some(50)), holder("web2", Some(20))], vec![]);

        assert!(lines[0].starts_with("2 leases of p are held, more than its maxlocks of 1"), "{}", lines[0]);
        assert!(lines[3].starts_with("2 leases have to end, which takes 50 s if none"), "{}", lines[3]);
    }

    #[test]
    fn of_many_the_first_are_told() {
        let lines = told(30, (0..30).map(|_| holder("web1", None)).collect(), vec![]);

        assert_eq!((lines.len(), lines[11].as_str()), (13, "  and 20 more."));
    }
}
