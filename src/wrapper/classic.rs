//! Acquiring a slot by the classic protocol: one try, or a wait that survives restarts and outages.

use std::time::Duration;

use tokio::{
    select,
    time::{Instant, sleep},
};

use super::{WrapperOptions, WrapperOutcome, release};
use crate::program::{
    console::{Console, DisplaySeconds},
    interruption::{Interrupted, unless_stopped},
    outage::{AttemptFailure, OutageReporter},
    signals::Signals,
};
use distributex_client::{Backoff, ClassicAnswer, ClassicCall, ClassicClient, ClassicExchange};

/// Time limit of a request that does not wait.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit of the last request, after the time to wait is over.
const LAST_TRY_TIMEOUT: Duration = Duration::from_secs(1);
/// After a connection this long, retries start over with a short pause.
const BACKOFF_RESET_AFTER: Duration = Duration::from_secs(5);

/// An acquire of a server without leases.
#[derive(Debug)]
pub(super) struct ClassicAcquire<'a> {
    /// Host, pool and server.
    pub(super) client: &'a ClassicClient,
    /// Time to wait, and exit status without a slot.
    pub(super) options: &'a WrapperOptions,
    /// Standard error.
    pub(super) console: Console,
    /// Start of the acquire.
    pub(super) started: Instant,
}

/// Result of one request.
#[derive(Debug)]
enum AttemptOutcome {
    /// This host holds a slot.
    Slot,
    /// Every slot is held.
    NoSlot,
    /// Host or pool refused.
    Refusal,
    /// No usable response.
    Failed(AttemptFailure),
    /// Interrupted before the response.
    Stop(Interrupted),
}

impl ClassicAcquire<'_> {
    /// Acquires a slot and returns the time it took; otherwise returns how the run ends.
    pub(super) async fn run(&self, signals: &mut Signals) -> Result<Duration, WrapperOutcome> {
        match self.options.wait {
            Some(Duration::ZERO) => {
                self.try_once(TRY_TIMEOUT, " (use -w to wait for one)", "", signals).await?;
            }
            limit => self.wait(limit.map(|limit| self.started + limit), signals).await?,
        }
        Ok(self.started.elapsed())
    }

    /// Sends one request. Without a slot, the message ends in `advice`; without a response, in `gave_up`.
    async fn try_once(
        &self,
        limit: Duration,
        advice: &str,
        gave_up: &str,
        signals: &mut Signals,
    ) -> Result<(), WrapperOutcome> {
        match self.request(ClassicCall::Get, Some(Instant::now() + limit), signals).await.0 {
            AttemptOutcome::Slot => Ok(()),
            AttemptOutcome::NoSlot => Err(self.busy(advice)),
            AttemptOutcome::Refusal => Err(self.refused()),
            AttemptOutcome::Failed(failure) => Err(self.without(&failure, gave_up)),
            AttemptOutcome::Stop(Interrupted::Signal(signal)) => {
                Err(WrapperOutcome::Signalled(signal.as_raw()))
            }
            AttemptOutcome::Stop(Interrupted::Over) => Err(self.unanswered(gave_up)),
        }
    }

    /// Waits until there is a slot, and retries when the connection is lost. After the deadline it sends a
    /// last request, as the last attempt may be long ago.
    async fn wait(&self, deadline: Option<Instant>, signals: &mut Signals) -> Result<(), WrapperOutcome> {
        let (mut outage, mut backoff) = (OutageReporter::new(), Backoff::new());
        loop {
            let started = Instant::now();
            let (outcome, connected) = self.request(ClassicCall::Wait, deadline, signals).await;
            let failure = match outcome {
                AttemptOutcome::Slot => return Ok(()),
                AttemptOutcome::NoSlot => AttemptFailure::Unavailable,
                AttemptOutcome::Refusal => return Err(self.refused()),
                AttemptOutcome::Failed(failure) => failure,
                AttemptOutcome::Stop(Interrupted::Signal(signal)) => {
                    return Err(WrapperOutcome::Signalled(signal.as_raw()));
                }
                AttemptOutcome::Stop(Interrupted::Over) if connected => {
                    return Err(self.busy(&self.gave_up()));
                }
                AttemptOutcome::Stop(Interrupted::Over) => return Err(self.unanswered(&self.gave_up())),
            };
            if connected && started.elapsed() > BACKOFF_RESET_AFTER {
                (outage, backoff) = (OutageReporter::new(), Backoff::new());
            }
            let pause = backoff.pause();
            outage.report(&failure.sentence(self.client), pause, self.console);
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

    /// Sends one request, and returns whether there was a connection. If interrupted, it releases a slot that
    /// was granted meanwhile.
    async fn request(
        &self,
        call: ClassicCall,
        deadline: Option<Instant>,
        signals: &mut Signals,
    ) -> (AttemptOutcome, bool) {
        let mut exchange = self.client.start(call);
        let answer = unless_stopped(exchange.answer(), deadline, signals).await;
        let connected = exchange.is_connected();
        let outcome = match answer {
            Ok(Ok(ClassicAnswer::Yes)) => AttemptOutcome::Slot,
            Ok(Ok(ClassicAnswer::No)) => AttemptOutcome::NoSlot,
            Ok(Ok(ClassicAnswer::Invalid)) => AttemptOutcome::Refusal,
            Ok(Ok(ClassicAnswer::Ok | ClassicAnswer::Unavailable)) => {
                AttemptOutcome::Failed(AttemptFailure::Unavailable)
            }
            Ok(Err(error)) => AttemptOutcome::Failed(AttemptFailure::NoAnswer(error)),
            Err(stop) => {
                self.leave(exchange, signals).await;
                AttemptOutcome::Stop(stop)
            }
        };
        (outcome, connected)
    }

    /// Leaves the queue. Another run of this host may hold a slot, so only one granted to this run is released.
    async fn leave(&self, exchange: ClassicExchange, signals: &mut Signals) {
        let response = select! {
            response = exchange.cancel() => response,
            _ = signals.next_end() => None, // a second signal ends the program at once
        };
        if response == Some(ClassicAnswer::Yes) {
            release::release(self.client, signals, self.console).await;
        }
    }

    fn busy(&self, advice: &str) -> WrapperOutcome {
        self.console.error(format_args!("every slot of {:?} is held{advice}", self.client.pool));
        WrapperOutcome::NoSlot(self.options.conflict_status)
    }

    fn unanswered(&self, gave_up: &str) -> WrapperOutcome {
        self.console.error(format_args!("{} does not answer{gave_up}", self.client.server));
        WrapperOutcome::Unreachable
    }

    fn refused(&self) -> WrapperOutcome {
        let ClassicClient { server, host, pool } = self.client;
        self.console.error(format_args!(
            "{server} refused: no pool {pool:?}, or host {host:?} is not allowed (--host changes the name)"
        ));
        WrapperOutcome::Refused
    }

    /// Reports the failure and returns the outcome.
    fn without(&self, failure: &AttemptFailure, gave_up: &str) -> WrapperOutcome {
        self.console.error(format_args!("{}{gave_up}", failure.sentence(self.client)));
        match failure {
            AttemptFailure::Unavailable => WrapperOutcome::NoSlot(self.options.conflict_status),
            AttemptFailure::NoAnswer(_) => WrapperOutcome::Unreachable,
        }
    }

    fn gave_up(&self) -> String {
        format!("; gave up after {} s (wait longer with -w)", DisplaySeconds::since(self.started))
    }
}
