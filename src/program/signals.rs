//! Signal handling of the wrapper and the operator's tool. Handlers end at the exec of the command, which
//! starts with the dispositions this program was started with. (A blocked signal would stay blocked.)

use std::{
    fs, future, io,
    task::{Context, Poll},
};

use rustix::process::Signal;
use tokio::{
    signal::unix::{Signal as Stream, SignalKind, signal},
    task::yield_now,
};

/// Signals that are forwarded to the command.
const FORWARDED: [Signal; 7] =
    [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2, Signal::WINCH];
/// Signals that end a program.
const TERMINATING: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

/// Meaning of a signal for the wrapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A child ended or stopped.
    Child,
    /// The wrapper continues after a stop.
    Continued,
    /// Ctrl-Z: the job is to stop.
    Suspend,
    /// To be forwarded to the command; ends a wait.
    Forward(Signal),
}

/// Stream of signals.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Bit set of signals that were ignored at the start: they stay ignored, for the command too.
    ignored: u64,
    /// Streams of the others.
    streams: Vec<(Notice, Stream)>,
}

impl Signals {
    /// Starts to handle signals.
    pub(crate) fn watch() -> io::Result<Self> {
        let mut signals = Self { ignored: ignored(), streams: Vec::new() };
        for kind in FORWARDED {
            signals.add(kind, Notice::Forward(kind))?;
        }
        Ok(signals)
    }

    /// Also handles signals that concern a running command. Before that, Ctrl-Z stops this program as usual.
    pub(crate) fn watch_job(&mut self) -> io::Result<()> {
        self.streams.push((Notice::Child, signal(SignalKind::child())?));
        self.add(Signal::CONT, Notice::Continued)?;
        self.add(Signal::TSTP, Notice::Suspend)
    }

    fn add(&mut self, kind: Signal, notice: Notice) -> io::Result<()> {
        let number = kind.as_raw();
        if self.ignored & (1 << (number - 1)) == 0 {
            self.streams.push((notice, signal(SignalKind::from_raw(number))?));
        }
        Ok(())
    }

    /// The next signal. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Notice {
        future::poll_fn(|context| self.poll(context)).await
    }

    /// The next signal that ends a wait. Cancel-safe.
    pub(crate) async fn next_end(&mut self) -> Signal {
        loop {
            if let Some(signal) = self.next().await.ends_waiting() {
                return signal;
            }
        }
    }

    /// A signal that has already arrived and would have ended the wait. Other pending signals are discarded:
    /// they were meant for a command that did not run.
    pub(crate) async fn ended_meanwhile(&mut self) -> Option<Signal> {
        yield_now().await; // lets the runtime poll the streams
        future::poll_fn(|context| {
            while let Poll::Ready(notice) = self.poll(context) {
                if let Some(signal) = notice.ends_waiting() {
                    return Poll::Ready(Some(signal));
                }
            }
            Poll::Ready(None)
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Notice> {
        let came = self.streams.iter_mut().find_map(|(notice, stream)| match stream.poll_recv(context) {
            Poll::Ready(_) => Some(*notice),
            Poll::Pending => None,
        });
        came.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Notice {
    /// The signal, if it is one that ends a program.
    fn ends_waiting(self) -> Option<Signal> {
        match self {
            Self::Forward(signal) => TERMINATING.contains(&signal).then_some(signal),
            Self::Child | Self::Continued | Self::Suspend => None,
        }
    }
}

/// Bit set of signals that are ignored now; empty if the system does not say.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
