//! `status --watch`: refreshes on every event, and periodically for times that change by themselves.

use std::{
    io,
    rc::Rc,
    time::{Duration, SystemTime},
};

use tokio::{
    select,
    sync::Notify,
    task::spawn_local,
    time::{Instant, sleep, sleep_until},
};

use super::{
    CtlOutcome, OutputStyle,
    events::unread,
    failed,
    format::{clean, moment},
    output::{document, show},
    status::StatusPage,
    style::is_drawable,
};
use crate::program::{console::Console, interruption::unless_stopped, outage::OutageReporter};
use distributex_client::{Client, ClientError, Events, PoolSnapshot};

/// Minimum time between two refreshes.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum time between two refreshes on a terminal, and the poll interval with a server without events.
const REFRESH_INTERVAL: Duration = Duration::from_secs(2);
/// Rows of a terminal that reports no size, such as a serial line.
const DEFAULT_ROWS: u16 = 24;

/// Shows the status until a signal arrives or standard output is closed: redrawn in place on a terminal, else appended
/// when it changed.
pub(super) async fn run(
    client: &Client,
    pool: Option<&str>,
    look: OutputStyle,
    console: Console,
) -> Result<(), CtlOutcome> {
    let mut signals = super::signals(console)?;
    let changed = Rc::new(Notify::new());
    let pools: Vec<_> = pool.into_iter().map(str::to_owned).collect();
    let listening = spawn_local(listen(client.events(&pools), Rc::clone(&changed)));
    let watching = watch(client, pool, look, &changed, console);
    let ended = unless_stopped(watching, None, &mut signals).await;
    listening.abort();
    ended.unwrap_or_else(|stop| Err(super::stopped(stop)))
}

/// Notifies about each event. With a server without events it only polls.
async fn listen(mut events: Events, changed: Rc<Notify>) {
    loop {
        match events.next().await {
            Ok(_) => changed.notify_one(),
            Err(error) if error.is_transient() => {}
            Err(_) => return,
        }
    }
}

async fn watch(
    client: &Client,
    pool: Option<&str>,
    look: OutputStyle,
    changed: &Notify,
    console: Console,
) -> Result<(), CtlOutcome> {
    let mut screen = Screen { is_terminal: is_drawable() && !look.json, shown: None };
    let mut outage = OutageReporter::new();
    loop {
        let started = Instant::now();
        match StatusPage::fetch(client, pool, look.colored).await {
            Ok(picture) => {
                outage = OutageReporter::new();
                screen.show(picture, look, console)?;
            }
            Err(error) if screen.shown.is_some() && error.is_transient() => {
                screen.trouble(&error, &mut outage, console)?;
            }
            Err(error) => return Err(failed(&error, console)),
        }
        select! {
            () = sleep_until(started + REFRESH_INTERVAL) => {}
            () = unread() => return Ok(()),
            () = async { sleep(MIN_REFRESH_INTERVAL).await; changed.notified().await } => {}
        }
    }
}

/// State of the display.
#[derive(Debug)]
struct Screen {
    /// Whether standard output is a terminal that can be redrawn.
    is_terminal: bool,
    /// What was shown last, without times that change by themselves.
    shown: Option<Vec<PoolSnapshot>>,
}

impl Screen {
    fn show(&mut self, picture: StatusPage, look: OutputStyle, console: Console) -> Result<(), CtlOutcome> {
        let pools = picture.pools.into_iter().map(without_times).collect();
        let is_news = self.shown.as_ref() != Some(&pools);
        let is_first = self.shown.replace(pools).is_none();
        match (self.is_terminal, look.json) {
            (true, _) => show(&drawn(&picture.text, is_first), console),
            (false, _) if !is_news => Ok(()),
            (false, true) => show(&document(&picture.json), console),
            (false, false) => show(&format!("{}\n{}\n", now(), picture.text), console),
        }
    }

    /// Reports that the status cannot be read now.
    fn trouble(
        &self,
        error: &ClientError,
        outage: &mut OutageReporter,
        console: Console,
    ) -> Result<(), CtlOutcome> {
        let sentence = clean(&error.to_string());
        if self.is_terminal {
            return show(&drawn(&format!("{sentence}; retrying\n"), false), console);
        }
        outage.report(&sentence, REFRESH_INTERVAL, console);
        Ok(())
    }
}

/// Draws the text from the upper left corner; what does not fit is cut off.
fn drawn(text: &str, is_first: bool) -> String {
    let size = rustix::termios::tcgetwinsize(io::stdout()).map(|size| size.ws_row);
    let rows = usize::from(size.ok().filter(|rows| *rows > 0).unwrap_or(DEFAULT_ROWS));
    let (room, all) = (rows.saturating_sub(3), text.lines().count());
    let more = (all > room).then(|| format!("and {} more lines\x1b[K\r\n", all - room));
    let lines = text.lines().take(room).map(|line| format!("{line}\x1b[K\r\n")).chain(more);
    let clear = if is_first { "\x1b[2J" } else { "" };
    format!("\x1b[?7l{clear}\x1b[H{}\x1b[K\r\n{}\x1b[J\x1b[?7h", now(), lines.collect::<String>())
}

fn now() -> String {
    let now = SystemTime::now();
    moment(now, now).unwrap_or_default()
}

/// The snapshot without times that change by themselves.
fn without_times(mut pool: PoolSnapshot) -> PoolSnapshot {
    for holder in &mut pool.holders {
        holder.expires_in = None;
        holder.revoked.iter_mut().for_each(|revoked| revoked.until = None);
    }
    pool.queue.waiters.iter_mut().for_each(|waiter| waiter.waited = None);
    pool
}
