//! Getting a slot by the classic protocol: asking once, or standing in line for as long as it takes, through
//! restarts and outages.

use std::time::Duration;

use tokio::{
    select,
    time::{Instant, sleep},
};

use super::{
    Ending, Options, release,
    signals::Signals,
    stop::{Stop, unless_stopped},
    trouble::{Outage, Trouble},
    voice::{Seconds, Voice},
};
use crate::client::{Answer, Backoff, Call, Classic, Question};

/// How long a server may take to answer a question that needs no waiting.
const TRY_PATIENCE: Duration = Duration::from_secs(10);
/// The same when the time to wait is over.
const LAST_TRY_PATIENCE: Duration = Duration::from_secs(1);
/// A connection that lasted so long was no failed attempt: what comes after it is a new trouble.
const GOOD_CONNECTION: Duration = Duration::from_secs(5);

/// Getting a slot of a server that knows no leases.
#[derive(Debug)]
pub(super) struct Acquire<'a> {
    /// Who asks whom.
    pub(super) asker: &'a Classic,
    /// How long to wait, and what to call it if there is none.
    pub(super) options: &'a Options,
    /// Tells what is going on.
    pub(super) voice: Voice,
    /// When the asking began.
    pub(super) started: Instant,
}

/// What came of asking once.
#[derive(Debug)]
enum Came {
    /// This host holds a slot.
    Slot,
    /// Every slot is held.
    NoSlot,
    /// This host gets none.
    Refusal,
    /// Nothing that helps.
    Trouble(Trouble),
    /// The asking was stopped before that.
    Stop(Stop),
}

impl Acquire<'_> {
    /// Comes back with a slot, after the time that took; or with the way the run ends.
    pub(super) async fn run(&self, signals: &mut Signals) -> Result<Duration, Ending> {
        match self.options.wait {
            Some(Duration::ZERO) => {
                self.try_once(TRY_PATIENCE, " (wait for one with -w SECONDS)", "", signals).await?;
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
    ) -> Result<(), Ending> {
        match self.ask(Call::Get, Some(Instant::now() + limit), signals).await.0 {
            Came::Slot => Ok(()),
            Came::NoSlot => Err(self.busy(advice)),
            Came::Refusal => Err(self.refused()),
            Came::Trouble(trouble) => Err(self.without(&trouble, gave_up)),
            Came::Stop(Stop::Signal(signal)) => Err(Ending::Signalled(signal.as_raw())),
            Came::Stop(Stop::Over) => Err(self.unanswered(gave_up)),
        }
    }

    /// Stands in line until there is a slot, again and again if the connection is lost. When the time is over it
    /// asks once more, as the last attempt may be long ago.
    async fn wait(&self, deadline: Option<Instant>, signals: &mut Signals) -> Result<(), Ending> {
        let (mut outage, mut backoff) = (Outage::new(), Backoff::new());
        loop {
            let asked = Instant::now();
            let (came, connected) = self.ask(Call::Wait, deadline, signals).await;
            let trouble = match came {
                Came::Slot => return Ok(()),
                Came::NoSlot => Trouble::Unavailable,
                Came::Refusal => return Err(self.refused()),
                Came::Trouble(trouble) => trouble,
                Came::Stop(Stop::Signal(signal)) => return Err(Ending::Signalled(signal.as_raw())),
                Came::Stop(Stop::Over) if connected => return Err(self.busy(&self.gave_up())),
                Came::Stop(Stop::Over) => return Err(self.unanswered(&self.gave_up())),
            };
            if connected && asked.elapsed() > GOOD_CONNECTION {
                (outage, backoff) = (Outage::new(), Backoff::new());
            }
            let pause = backoff.pause();
            outage.tell(&trouble.sentence(self.asker), pause, self.voice);
            match unless_stopped(sleep(pause), deadline, signals).await {
                Ok(()) => {}
                Err(Stop::Signal(signal)) => return Err(Ending::Signalled(signal.as_raw())),
                Err(Stop::Over) => {
                    let gave_up = self.gave_up();
                    return self.try_once(LAST_TRY_PATIENCE, &gave_up, &gave_up, signals).await;
                }
            }
        }
    }

    /// Asks once, and tells whether there was a connection. If it is stopped, a slot that was on its way by
    /// then is given back.
    async fn ask(&self, call: Call, deadline: Option<Instant>, signals: &mut Signals) -> (Came, bool) {
        let mut question = self.asker.ask(call);
        let answer = unless_stopped(question.answer(), deadline, signals).await;
        let connected = question.is_connected();
        let came = match answer {
            Ok(Ok(Answer::Yes)) => Came::Slot,
            Ok(Ok(Answer::No)) => Came::NoSlot,
            Ok(Ok(Answer::Invalid)) => Came::Refusal,
            Ok(Ok(Answer::Ok | Answer::Unavailable)) => Came::Trouble(Trouble::Unavailable),
            Ok(Err(error)) => Came::Trouble(Trouble::NoAnswer(error)),
            Err(stop) => {
                self.leave(question, signals).await;
                Came::Stop(stop)
            }
        };
        (came, connected)
    }

    /// Leaves the line. Another run of this host may hold a slot, so only one that was given to us goes back.
    async fn leave(&self, question: Question, signals: &mut Signals) {
        let last_word = select! {
            word = question.leave() => word,
            _ = signals.next_end() => None, // told twice: at once
        };
        if last_word == Some(Answer::Yes) {
            release::give_back(self.asker, signals, self.voice).await;
        }
    }

    fn busy(&self, advice: &str) -> Ending {
        self.voice.say(format_args!("every slot of {:?} is held{advice}", self.asker.pool));
        Ending::NoSlot(self.options.conflict_status)
    }

    fn unanswered(&self, gave_up: &str) -> Ending {
        self.voice.say(format_args!("{} does not answer{gave_up}", self.asker.server));
        Ending::Unreachable
    }

    fn refused(&self) -> Ending {
        let Classic { server, host, pool } = self.asker;
        self.voice.say(format_args!(
            "{server} refused: it has no pool {pool:?}, or host {host:?} may not use it (--host changes the name)"
        ));
        Ending::Refused
    }

    /// Ends without a slot because of a trouble.
    fn without(&self, trouble: &Trouble, gave_up: &str) -> Ending {
        self.voice.say(format_args!("{}{gave_up}", trouble.sentence(self.asker)));
        match trouble {
            Trouble::Unavailable => Ending::NoSlot(self.options.conflict_status),
            Trouble::NoAnswer(_) => Ending::Unreachable,
        }
    }

    fn gave_up(&self) -> String {
        format!("; gave up after {} s (wait longer with -w)", Seconds::since(self.started))
    }
}
