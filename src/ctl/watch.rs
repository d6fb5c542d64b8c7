//! How it stands, again and again: as soon as something happens, and often enough for what counts down.

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

/// Nothing is shown more often, however much happens.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// Nor more seldom, on a terminal; and so often a server without events is asked.
const REFRESH_INTERVAL: Duration = Duration::from_secs(2);
/// The rows of a terminal that tells no size, as a serial line.
const DEFAULT_ROWS: u16 = 24;

/// Shows it until a signal comes or nobody looks any more: on a terminal at the same place, else what
/// changed below what was.
pub(super) async fn run(
    client: &Client,
    pool: Option<&str>,
    look: OutputStyle,
    console: Console,
) -> Result<(), CtlOutcome> {
    let mut signals = super::signals(console)?;
    let happened = Rc::new(Notify::new());
    let pools: Vec<_> = pool.into_iter().map(str::to_owned).collect();
    let listening = spawn_local(listen(client.events(&pools), Rc::clone(&happened)));
    let watching = watch(client, pool, look, &happened, console);
    let ended = unless_stopped(watching, None, &mut signals).await;
    listening.abort();
    ended.unwrap_or_else(|stop| Err(super::stopped(stop)))
}

/// Tells that something happened. A server without events is asked now and then, and that is all.
async fn listen(mut events: Events, happened: Rc<Notify>) {
    loop {
        match events.next().await {
            Ok(_) => happened.notify_one(),
            Err(error) if error.is_transient() => {}
            Err(_) => return,
        }
    }
}

async fn watch(
    client: &Client,
    pool: Option<&str>,
    look: OutputStyle,
    happened: &Notify,
    console: Console,
) -> Result<(), CtlOutcome> {
    let mut screen = Screen { is_terminal: is_drawable() && !look.json, shown: None };
    let mut outage = OutageReporter::new();
    loop {
        let asked = Instant::now();
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
            () = sleep_until(asked + REFRESH_INTERVAL) => {}
            () = unread() => return Ok(()),
            () = async { sleep(MIN_REFRESH_INTERVAL).await; happened.notified().await } => {}
        }
    }
}

/// What somebody looks at.
#[derive(Debug)]
struct Screen {
    /// Whether it is a terminal that can be drawn over.
    is_terminal: bool,
    /// What was shown last, without what changes by itself.
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

    /// Shows that there is nothing to be seen just now.
    fn trouble(
        &self,
        error: &ClientError,
        outage: &mut OutageReporter,
        console: Console,
    ) -> Result<(), CtlOutcome> {
        let sentence = clean(&error.to_string());
        if self.is_terminal {
            return show(&drawn(&format!("{sentence}; trying again\n"), false), console);
        }
        outage.report(&sentence, REFRESH_INTERVAL, console);
        Ok(())
    }
}

/// Drawn from the upper left corner, over what is there. What is too long or too much is not shown.
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

/// What counts up or down is no news.
fn without_times(mut pool: PoolSnapshot) -> PoolSnapshot {
    for holder in &mut pool.holders {
        holder.expires_in = None;
        holder.revoked.iter_mut().for_each(|revoked| revoked.until = None);
    }
    pool.queue.waiters.iter_mut().for_each(|waiter| waiter.waited = None);
    pool
}
