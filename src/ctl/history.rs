//! The `history` command: ended runs of a pool as a table.

use std::time::SystemTime;

use super::{
    CtlOutcome, OutputStyle, failed,
    format::{exit_status, human, moment},
    output::{document, show},
    style::Style,
    table::{Table, TableCell},
};
use crate::program::console::Console;
use distributex_client::{Client, Run, RunEnd};

/// Prints the runs, newest first.
pub(super) async fn run(
    client: &Client,
    pool: &str,
    look: OutputStyle,
    console: Console,
) -> Result<(), CtlOutcome> {
    let seen = client.history(pool).await.map_err(|error| failed(&error, console))?;
    let text =
        if look.json { document(&seen.json) } else { table(&seen.value, SystemTime::now(), look.colored) };
    show(&text, console)
}

fn table(runs: &[Run], now: SystemTime, colored: bool) -> String {
    if runs.is_empty() {
        return "No run has ended yet.\n".to_owned();
    }
    let headings = ["STARTED", "HOST", "COMMAND NOTE", "WAITED", "HELD", "ENDED", "TOKEN"];
    let mut table = Table::new(&headings, &[], colored);
    for run in runs {
        let time = |time: Option<_>| time.map_or_else(|| "?".to_owned(), human);
        let started = run.since.and_then(|since| moment(since, now)).unwrap_or_else(|| "?".to_owned());
        let (how, paint) = ended(run);
        let before = [
            started,
            run.host.clone(),
            run.command.clone().unwrap_or_default(),
            time(run.waited),
            time(run.held),
        ];
        let after = [TableCell::new(&how, paint), run.token.to_string().into()];
        table.row(before.into_iter().map(TableCell::from).chain(after));
    }
    table.to_string()
}

/// Describes how a run ended.
pub(super) fn ended(run: &Run) -> (String, Style) {
    let author = run.author.as_deref().unwrap_or("?");
    let reason = run.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let (ended, paint) = match (run.end(), run.exit_status) {
        (RunEnd::Released, None) => ("released".to_owned(), Style::Plain),
        (RunEnd::Released, Some(status)) => {
            let paint = if status == 0 { Style::Plain } else { Style::Red };
            (format!("released, {}", exit_status(status)), paint)
        }
        (RunEnd::Expired, _) => ("expired".to_owned(), Style::Red),
        (RunEnd::Vanished, _) => ("vanished".to_owned(), Style::Red),
        (RunEnd::ForceReleased, _) => (format!("force-released by {author}{reason}"), Style::Red),
        (RunEnd::Other, _) => (run.how.clone(), Style::Plain),
    };
    match run.end() {
        RunEnd::Released | RunEnd::Expired | RunEnd::Vanished if run.author.is_some() => {
            (format!("{ended}, revoked by {author}{reason}"), paint)
        }
        RunEnd::Released | RunEnd::Expired | RunEnd::Vanished | RunEnd::ForceReleased | RunEnd::Other => {
            (ended, paint)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_795_435_080);

    fn run(how: &str, exit_status: Option<u8>, held: u64) -> Run {
        let since = Some(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(held));
        Run {
            host: "web1".to_owned(),
            token: 7,
            command: None,
            waited: Some(Duration::from_secs(3)),
            held: Some(Duration::from_secs(held)),
            since,
            ended_at: None,
            how: how.to_owned(),
            exit_status,
            author: None,
            reason: None,
        }
    }

    fn by_ann(run: Run) -> Run {
        Run { author: Some("ann".to_owned()), reason: Some("hangs\x1b".to_owned()), ..run }
    }

    #[test]
    fn every_run_has_a_row() {
        let runs = [
            run("released", Some(1), 60),
            by_ann(run("force_released", None, 3700)),
            run("expired", None, 5),
        ];

        assert_eq!(
            table(&runs, SystemTime::UNIX_EPOCH + NOW, false),
            "STARTED       HOST  COMMAND NOTE  WAITED  HELD       ENDED                          TOKEN\n\
             11:57:00 UTC  web1                3 s     60 s       released, exit status 1        7\n\
             10:56:20 UTC  web1                3 s     1 h 1 min  force-released by ann: hangs\u{fffd}  7\n\
             11:57:55 UTC  web1                3 s     5 s        expired                        7\n"
        );
        let revoked = ended(&by_ann(run("released", Some(143), 5))).0;
        assert_eq!(revoked, "released, exit status 143 (signal 15), revoked by ann: hangs\x1b");
        assert_eq!(table(&[], SystemTime::UNIX_EPOCH, false), "No run has ended yet.\n");
    }
}
