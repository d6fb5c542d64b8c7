//! The `status` command: pools as a table.

use std::time::{Duration, SystemTime};

use super::{
    CtlOutcome, OutputStyle, failed,
    format::{age, clean, human, moment},
    output::{document, show},
    revoked::revocation,
    style::Style,
    table::Table,
};
use crate::program::console::Console;
use distributex_client::{Client, ClientError, Holder, PoolSnapshot, Queue};

/// Snapshot of pools, formatted.
#[derive(Debug)]
pub(super) struct StatusPage {
    /// The pools.
    pub(super) pools: Vec<PoolSnapshot>,
    /// As a table.
    pub(super) text: String,
    /// As the server's JSON.
    pub(super) json: String,
}

/// Prints all pools, or one with its queue.
pub(super) async fn run(
    client: &Client,
    pool: Option<&str>,
    look: OutputStyle,
    console: Console,
) -> Result<(), CtlOutcome> {
    let picture =
        StatusPage::fetch(client, pool, look.colored).await.map_err(|error| failed(&error, console))?;
    show(&if look.json { document(&picture.json) } else { picture.text }, console)
}

impl StatusPage {
    /// Requests the snapshot from the server.
    pub(super) async fn fetch(
        client: &Client,
        pool: Option<&str>,
        colored: bool,
    ) -> Result<Self, ClientError> {
        let (pools, json, line) = match pool {
            Some(pool) => {
                let seen = client.pool(pool).await?;
                let line = format!("\n{}", queue(&seen.value.queue, colored));
                (vec![seen.value], seen.json, line)
            }
            None => {
                let seen = client.pools().await?;
                (seen.value, seen.json, String::new())
            }
        };
        let now = SystemTime::now();
        let text = table(&pools, now, colored)
            + &paused(&pools, now, colored)
            + &revoked(&pools, now, colored)
            + &removed(&pools)
            + &unreachable(&pools, colored)
            + &line;
        Ok(Self { pools, text, json })
    }
}

/// One line per paused pool.
fn paused(pools: &[PoolSnapshot], now: SystemTime, colored: bool) -> String {
    let paused = pools.iter().filter_map(|pool| Some((&pool.name, pool.paused.as_ref()?)));
    let lines = paused.map(|(name, pause)| {
        let since = pause.since.and_then(|since| moment(since, now));
        let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
        let (name, author, reason) = (clean(name), clean(&pause.author), clean(&pause.reason));
        Style::Yellow.on(&format!("{name} is paused{since} by {author}: {reason}"), colored) + "\n"
    });
    lines.collect()
}

/// One line per holder that was asked to stop.
fn revoked(pools: &[PoolSnapshot], now: SystemTime, colored: bool) -> String {
    let holders = pools.iter().flat_map(|pool| pool.holders.iter().map(move |holder| (&pool.name, holder)));
    let lines = holders.filter_map(|(pool, holder)| {
        let (host, revoked) = (clean(&holder.host), revocation(holder.revoked.as_ref()?, now));
        Some(
            Style::Yellow.on(&format!("the slot of {} held by {host} was {revoked}", clean(pool)), colored)
                + "\n",
        )
    });
    lines.collect()
}

/// One line per pool that was removed from the configuration.
fn removed(pools: &[PoolSnapshot]) -> String {
    let removed = pools.iter().filter(|pool| pool.removed).map(|PoolSnapshot { name, .. }| {
        format!(
            "{} was removed from the configuration: no slot is granted, its leases continue\n",
            clean(name)
        )
    });
    removed.collect()
}

/// One line per pool whose store is unreachable.
fn unreachable(pools: &[PoolSnapshot], colored: bool) -> String {
    let away = pools.iter().filter(|pool| pool.store_down).map(|PoolSnapshot { name, .. }| {
        let said =
            format!("the store of {} is unreachable: the values are those before the outage", clean(name));
        Style::Red.on(&said, colored) + "\n"
    });
    away.collect()
}

/// The table, with one row per holder; the pool is named in its first row.
fn table(pools: &[PoolSnapshot], now: SystemTime, colored: bool) -> String {
    let headings =
        ["POOL", "SLOTS", "HELD", "WAITING", "HOLDER", "TOKEN", "FOR", "EXPIRES IN", "COMMAND NOTE"];
    let mut table = Table::new(&headings, &[1, 2, 3], colored);
    for pool in pools {
        let PoolSnapshot { name, slots, held, queue: line, holders, .. } = pool;
        let mut about = [name.clone(), slots.to_string(), held.to_string(), line.length.to_string()];
        if holders.is_empty() {
            table.row(about.clone());
        }
        for shown in holders {
            table.row(about.into_iter().chain(holder(shown, now)));
            about = Default::default();
        }
        let more = held.saturating_sub(holders.len() as u64);
        if more > 0 && !holders.is_empty() {
            table.row(about.into_iter().chain([format!("and {more} more")]));
        }
    }
    table.to_string()
}

fn holder(Holder { host, token, since, expires_in, command, .. }: &Holder, now: SystemTime) -> [String; 5] {
    [
        host.clone(),
        token.to_string(),
        since.map_or_else(|| "?".to_owned(), |since| human(age(since, now))),
        expires_in.map_or_else(|| "never".to_owned(), human),
        command.clone().unwrap_or_default(),
    ]
}

/// The queue as a table.
fn queue(line: &Queue, colored: bool) -> String {
    if line.length == 0 {
        return "No host waits.\n".to_owned();
    }
    let mut table = Table::new(&["TICKET", "WAITING HOST", "FOR", "PRESENT"], &[0], colored);
    for waiter in &line.waiters {
        let present = if waiter.present { "yes" } else { "no: reconnecting" };
        let waited = human(waiter.waited.unwrap_or(Duration::MAX));
        table.row([waiter.ticket.to_string(), waiter.host.clone(), waited, present.to_owned()]);
    }
    let more = line.length.saturating_sub(line.waiters.len() as u64);
    if more == 0 { table.to_string() } else { format!("{table}and {more} more\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use distributex_client::{Pause, Revocation, Waiter};

    const NOW: Duration = Duration::from_secs(1_795_435_080);

    fn holder(host: &str, token: u64, age: u64, expires_in: Option<u64>, command: Option<&str>) -> Holder {
        let since = Some(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(age));
        let (host, command) = (host.to_owned(), command.map(str::to_owned));
        Holder {
            host,
            token,
            since,
            expires_in: expires_in.map(Duration::from_secs),
            command,
            revoked: None,
            store: None,
        }
    }

    #[test]
    fn every_holder_has_a_row() {
        let pool = |name: &str, slots, holders: Vec<Holder>, length| PoolSnapshot {
            name: name.to_owned(),
            slots,
            held: holders.len() as u64,
            holders,
            queue: Queue { length, waiters: Vec::new() },
            paused: None,
            removed: false,
            store_down: false,
            next: None,
            store: None,
        };
        let two =
            vec![holder("db1", 8, 150, None, None), holder("db2", 9, 3900, Some(27), Some("nightly\x1b[2J"))];

        let shown = table(
            &[pool("backup", 3, two, 12), pool("idle", 1, vec![], 0)],
            SystemTime::UNIX_EPOCH + NOW,
            false,
        );

        assert_eq!(
            shown,
            "POOL    SLOTS  HELD  WAITING  HOLDER  TOKEN  FOR        EXPIRES IN  COMMAND NOTE\n\
             backup      3     2       12  db1     8      2 min      never\n\
             \u{20}                             db2     9      1 h 5 min  27 s        nightly\u{fffd}[2J\n\
             idle        1     0        0\n"
        );
    }

    #[test]
    fn omitted_holders_are_counted_and_removed_pools_marked() {
        let pool = PoolSnapshot {
            name: "old".to_owned(),
            slots: 200,
            held: 101,
            holders: vec![holder("db1", 8, 150, None, None)],
            queue: Queue { length: 0, waiters: Vec::new() },
            paused: None,
            removed: true,
            store_down: false,
            next: None,
            store: None,
        };

        let shown = table(std::slice::from_ref(&pool), SystemTime::UNIX_EPOCH + NOW, false);

        assert!(shown.ends_with(" and 100 more\n"), "{shown}");
        assert_eq!(
            removed(&[pool]),
            "old was removed from the configuration: no slot is granted, its leases continue\n"
        );
    }

    #[test]
    fn an_unreachable_store_has_its_own_line() {
        let line = Queue { length: 0, waiters: Vec::new() };
        let pool = |name: &str, away| {
            let (name, line) = (name.to_owned(), line.clone());
            PoolSnapshot {
                name,
                slots: 1,
                held: 0,
                holders: vec![],
                queue: line,
                paused: None,
                removed: false,
                store_down: away,
                next: None,
                store: None,
            }
        };

        let said = unreachable(&[pool("p", true), pool("q", false)], false);

        assert_eq!(said, "the store of p is unreachable: the values are those before the outage\n");
    }

    #[test]
    fn a_pool_that_is_paused_has_a_line_of_its_own() {
        let now = SystemTime::UNIX_EPOCH + NOW;
        let pause = Pause {
            author: "ann".to_owned(),
            reason: "kernel\x1b update".to_owned(),
            since: Some(now - Duration::from_secs(60)),
        };
        let line = Queue { length: 0, waiters: Vec::new() };
        let pool = PoolSnapshot {
            name: "p".to_owned(),
            slots: 1,
            held: 0,
            holders: vec![],
            queue: line,
            paused: Some(pause),
            removed: false,
            store_down: false,
            next: None,
            store: None,
        };

        let told = "p is paused since 11:57:00 UTC by ann: kernel\u{fffd} update";
        assert_eq!(paused(std::slice::from_ref(&pool), now, false), format!("{told}\n"));
        assert_eq!(paused(&[pool], now, true), format!("\x1b[33m{told}\x1b[0m\n"));
    }

    #[test]
    fn a_revoked_lease_has_its_own_line() {
        let now = SystemTime::UNIX_EPOCH + NOW;
        let revoked = Revocation { author: "ann".to_owned(), reason: "hotfix".to_owned(), until: Some(now) };
        let line = Queue { length: 0, waiters: Vec::new() };
        let holders = vec![
            holder("web1", 7, 5, None, None),
            Holder { revoked: Some(revoked), ..holder("web2", 8, 5, Some(9), None) },
        ];
        let name = "p".to_owned();
        let pool = PoolSnapshot {
            name,
            slots: 2,
            held: 2,
            holders,
            queue: line,
            paused: None,
            removed: false,
            store_down: false,
            next: None,
            store: None,
        };

        assert_eq!(
            super::revoked(&[pool], now, false),
            "the slot of p held by web2 was revoked by ann: hotfix; free by 11:58:00 UTC at the latest\n"
        );
    }

    #[test]
    fn the_queue_is_in_order() {
        let waiter = |ticket, host: &str, present| Waiter {
            ticket,
            host: host.to_owned(),
            waited: Some(Duration::from_secs(ticket)),
            present,
        };
        let first = vec![waiter(70, "web9", true), waiter(9, "web10", false)];

        assert_eq!(
            queue(&Queue { length: 102, waiters: first }, false),
            "TICKET  WAITING HOST  FOR   PRESENT\n\
             \u{20}   70  web9          70 s  yes\n\
             \u{20}    9  web10         9 s   no: reconnecting\n\
             and 100 more\n"
        );
        assert_eq!(queue(&Queue { length: 0, waiters: Vec::new() }, false), "No host waits.\n");
    }
}
