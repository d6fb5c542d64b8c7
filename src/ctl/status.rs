//! How it stands, as a table.

use std::time::{Duration, SystemTime};

use super::{
    Ending, failed,
    output::{document, show},
    table::Table,
    text::{age, human},
};
use crate::{
    client::{Client, Holder, PoolState, WaitingLine},
    program::voice::Voice,
};

/// Shows all pools, or one with its line.
pub(super) async fn run(client: &Client, pool: Option<&str>, json: bool, voice: Voice) -> Result<(), Ending> {
    let (text, told) = match pool {
        Some(pool) => {
            let seen = client.pool(pool).await.map_err(|error| failed(&error, voice))?;
            let now = SystemTime::now();
            let pool = [seen.state];
            (format!("{}\n{}", pools(&pool, now), line(&pool[0].line)), seen.json)
        }
        None => {
            let seen = client.pools().await.map_err(|error| failed(&error, voice))?;
            (pools(&seen.state, SystemTime::now()), seen.json)
        }
    };
    show(&if json { document(&told) } else { text }, voice)
}

/// A row for each holder, the first one beside its pool.
fn pools(pools: &[PoolState], now: SystemTime) -> String {
    let headings =
        ["POOL", "SLOTS", "HELD", "WAITING", "HOLDER", "TOKEN", "FOR", "EXPIRES IN", "COMMAND NOTE"];
    let mut table = Table::new(&headings, &[1, 2, 3]);
    for pool in pools {
        let PoolState { name, slots, held, line, holders, .. } = pool;
        let mut about = [name.clone(), slots.to_string(), held.to_string(), line.length.to_string()];
        if holders.is_empty() {
            table.row(about.clone());
        }
        for shown in holders {
            table.row(about.into_iter().chain(holder(shown, now)));
            about = Default::default();
        }
    }
    table.to_string()
}

fn holder(Holder { host, token, since, expires_in, command }: &Holder, now: SystemTime) -> [String; 5] {
    [
        host.clone(),
        token.to_string(),
        since.map_or_else(|| "?".to_owned(), |since| human(age(since, now))),
        expires_in.map_or_else(|| "never".to_owned(), human),
        command.clone().unwrap_or_default(),
    ]
}

/// Who waits, first come first.
fn line(line: &WaitingLine) -> String {
    if line.length == 0 {
        return "Nobody waits.\n".to_owned();
    }
    let mut table = Table::new(&["TICKET", "WAITING HOST", "FOR", "PRESENT"], &[0]);
    for waiter in &line.first {
        let present = if waiter.present { "yes" } else { "no: between two requests" };
        let waited = human(waiter.waited.unwrap_or(Duration::MAX));
        table.row([waiter.ticket.to_string(), waiter.host.clone(), waited, present.to_owned()]);
    }
    let more = line.length.saturating_sub(line.first.len() as u64);
    if more == 0 { table.to_string() } else { format!("{table}and {more} more\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Waiter;

    const NOW: Duration = Duration::from_secs(1_795_435_080);

    fn holder(host: &str, token: u64, age: u64, expires_in: Option<u64>, command: Option<&str>) -> Holder {
        let since = Some(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(age));
        let (host, command) = (host.to_owned(), command.map(str::to_owned));
        Holder { host, token, since, expires_in: expires_in.map(Duration::from_secs), command }
    }

    #[test]
    fn every_holder_has_a_row() {
        let pool = |name: &str, slots, holders: Vec<Holder>, length| PoolState {
            name: name.to_owned(),
            slots,
            held: holders.len() as u64,
            holders,
            line: WaitingLine { length, first: Vec::new() },
            paused: None,
        };
        let two =
            vec![holder("db1", 8, 150, None, None), holder("db2", 9, 3900, Some(27), Some("nightly\x1b[2J"))];

        let shown =
            pools(&[pool("backup", 3, two, 12), pool("idle", 1, vec![], 0)], SystemTime::UNIX_EPOCH + NOW);

        assert_eq!(
            shown,
            "POOL    SLOTS  HELD  WAITING  HOLDER  TOKEN  FOR        EXPIRES IN  COMMAND NOTE\n\
             backup      3     2       12  db1     8      2 min      never\n\
             \u{20}                             db2     9      1 h 5 min  27 s        nightly\u{fffd}[2J\n\
             idle        1     0        0\n"
        );
    }

    #[test]
    fn who_waits_stands_in_order() {
        let waiter = |ticket, host: &str, present| Waiter {
            ticket,
            host: host.to_owned(),
            waited: Some(Duration::from_secs(ticket)),
            present,
        };
        let first = vec![waiter(70, "web9", true), waiter(9, "web10", false)];

        assert_eq!(
            line(&WaitingLine { length: 102, first }),
            "TICKET  WAITING HOST  FOR   PRESENT\n\
             \u{20}   70  web9          70 s  yes\n\
             \u{20}    9  web10         9 s   no: between two requests\n\
             and 100 more\n"
        );
        assert_eq!(line(&WaitingLine { length: 0, first: Vec::new() }), "Nobody waits.\n");
    }
}
