//! Getting a slot by the classic protocol: asking once, or standing in line for as long as it takes, through
//! restarts and outages.

use std::time::Duration;

use tokio::{
    select,
    time::{Instant, sleep},
};

use super::{
    WrapperOptions, WrapperOutcome,
    console::{Console, DisplaySeconds},
    interruption::{Interrupted, unless_stopped},
    outage::{AttemptFailure, OutageReporter},
    release,
    signals::Signals,
};
use distributex_client::{Backoff, ClassicAnswer, ClassicCall, ClassicClient, ClassicExchange};

/// How long a server may take to answer a question that needs no waiting.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// The same when the time to wait is over.
const LAST_TRY_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that lasted so long was no failed attempt: what comes after it is a new trouble.
const BACKOFF_RESET_AFTER: Duration = Duration::from_secs(5);

/// Getting a slot of a server that knows no leases.
#[derive(Debug)]
pub(super) struct ClassicAcquire<'a> {
    /// Who asks whom.
    pub(super) asker: &'a ClassicClient,
    /// How long to wait, and what to call it if there is none.
    pub(super) options: &'a WrapperOptions,
    /// Tells what is going on.
    pub(super) console: Console,
    /// When the asking began.
    pub(super) started: Instant,
}

/// What came of asking once.
#[derive(Debug)]
enum AttemptOutcome {
    /// This host holds a slot.
    Slot,
    /// Every slot is held.
    NoSlot,
    /// This host gets none.
    Refusal,
    /// Nothing that helps.
    Trouble(AttemptFailure),
    /// The asking was stopped before that.
    Stop(Interrupted),
}

impl ClassicAcquire<'_> {
    /// Comes back with a slot, after the time that took; or with the way the run ends.
    pub(super) async fn run(&self, signals: &mut Signals) -> Result<Duration, WrapperOutcome> {
        match self.options.wait {
            Some(Duration::ZERO) => {
                self.try_once(TRY_TIMEOUT, " (wait for one with -w SECONDS)", "", signals).await?;
            }
            limit => self.wait(limit.map(|limit| self.started + limit), signals).await?,
        }
        Ok(self.started.elapsed())
    }

    /// Asks once. What a person can do is said if there is no slot (`advice`), or no answer (`gave_up`).
    async fn try_once(
        &self,
        limit: Duration,
        advice: &str,
        gave_up: &str,
        signals: &mut Signals,
    ) -> Result<(), WrapperOutcome> {
        match self.ask(ClassicCall::Get, Some(Instant::now() + limit), signals).await.0 {
            AttemptOutcome::Slot => Ok(()),
            AttemptOutcome::NoSlot => Err(self.busy(advice)),
            AttemptOutcome::Refusal => Err(self.refused()),
            AttemptOutcome::Trouble(trouble) => Err(self.without(&trouble, gave_up)),
            AttemptOutcome::Stop(Interrupted::Signal(signal)) => {
                Err(WrapperOutcome::Signalled(signal.as_raw()))
            }
            AttemptOutcome::Stop(Interrupted::Over) => Err(self.unanswered(gave_up)),
        }
    }

    /// Stands in line until there is a slot, again and again if the connection is lost. When the time is over it
    /// asks once more, as the last attempt may be long ago.
    async fn wait(&self, deadline: Option<Instant>, signals: &mut Signals) -> Result<(), WrapperOutcome> {
        let (mut outage, mut backoff) = (OutageReporter::new(), Backoff::new());
        loop {
            let asked = Instant::now();
            let (came, connected) = self.ask(ClassicCall::Wait, deadline, signals).await;
            let trouble = match came {
                AttemptOutcome::Slot => return Ok(()),
                AttemptOutcome::NoSlot => AttemptFailure::Unavailable,
                AttemptOutcome::Refusal => return Err(self.refused()),
                AttemptOutcome::Trouble(trouble) => trouble,
                AttemptOutcome::Stop(Interrupted::Signal(signal)) => {
                    return Err(WrapperOutcome::Signalled(signal.as_raw()));
                }
                AttemptOutcome::Stop(Interrupted::Over) if connected => {
                    return Err(self.busy(&self.gave_up()));
                }
                AttemptOutcome::Stop(Interrupted::Over) => return Err(self.unanswered(&self.gave_up())),
            };
            if connected && asked.elapsed() > BACKOFF_RESET_AFTER {
                (outage, backoff) = (OutageReporter::new(), Backoff::new());
            }
            let pause = backoff.pause();
            outage.report(&trouble.sentence(self.asker), pause, self.console);
            match unless_stopped(sleep(pause), deadline, signals).await {
                Ok(()) => {}
                Err(Interrupted::Signal(signal)) => return Err(WrapperOutcome::Signalled(signal.as_raw())),
                Err(Interrupted::Over) => {
                    let gave_up = self.gave_up();
                    return self.try_once(LAST_TRY_TIMEOUT, &gave_up, &gave_up, signals).await;
                }
            }
        }
    }

    /// Asks once, and tells whether there was a connection. If it is stopped, a slot that was on its way by
    /// then is given back.
    async fn ask(
        &self,
        call: ClassicCall,
        deadline: Option<Instant>,
        signals: &mut Signals,
    ) -> (AttemptOutcome, bool) {
        let mut question = self.asker.start(call);
        let answer = unless_stopped(question.answer(), deadline, signals).await;
        let connected = question.is_connected();
        let came = match answer {
            Ok(Ok(ClassicAnswer::Yes)) => AttemptOutcome::Slot,
            Ok(Ok(ClassicAnswer::No)) => AttemptOutcome::NoSlot,
            Ok(Ok(ClassicAnswer::Invalid)) => AttemptOutcome::Refusal,
            Ok(Ok(ClassicAnswer::Ok | ClassicAnswer::Unavailable)) => {
                AttemptOutcome::Trouble(AttemptFailure::Unavailable)
            }
            Ok(Err(error)) => AttemptOutcome::Trouble(AttemptFailure::NoAnswer(error)),
            Err(stop) => {
                self.leave(question, signals).await;
                AttemptOutcome::Stop(stop)
            }
        };
        (came, connected)
    }

    /// Leaves the line. Another run of this host may hold a slot, so only one that was given to us goes back.
    async fn leave(&self, question: ClassicExchange, signals: &mut Signals) {
        let last_word = select! {
            word = question.cancel() => word,
            _ = signals.next_end() => None, // told twice: at once
        };
        if last_word == Some(ClassicAnswer::Yes) {
            release::give_back(self.asker, signals, self.console).await;
        }
    }

    fn busy(&self, advice: &str) -> WrapperOutcome {
        self.console.error(format_args!("every slot of {:?} is held{advice}", self.asker.pool));
        WrapperOutcome::NoSlot(self.options.conflict_status)
    }

    fn unanswered(&self, gave_up: &str) -> WrapperOutcome {
        self.console.error(format_args!("{} does not answer{gave_up}", self.asker.server));
        WrapperOutcome::Unreachable
    }

    fn refused(&self) -> WrapperOutcome {
        let ClassicClient { server, host, pool } = self.asker;
        self.console.error(format_args!(
            "{server} refused: it has no pool {pool:?}, or host {host:?} may not use it (--host changes the name)"
        ));
        WrapperOutcome::Refused
    }

    /// Ends without a slot because of a trouble.
    fn without(&self, trouble: &AttemptFailure, gave_up: &str) -> WrapperOutcome {
        self.console.error(format_args!("{}{gave_up}", trouble.sentence(self.asker)));
        match trouble {
            AttemptFailure::Unavailable => WrapperOutcome::NoSlot(self.options.conflict_status),
            AttemptFailure::NoAnswer(_) => WrapperOutcome::Unreachable,
        }
    }

    fn gave_up(&self) -> String {
        format!("; gave up after {} s (wait longer with -w)", DisplaySeconds::since(self.started))
    }
}
