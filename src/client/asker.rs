//! Asking whichever server answers, and staying with one store.

use std::time::Duration;

use serde::Serialize;

use super::{
    AskError, Key, Server,
    pin::Pin,
    question::beginning,
    route::{Endpoint, Route},
    stream::{Listening, Stream},
    v1::{Answer, Call, Said},
    wire::{Reply, Wire},
};

/// How long a server that is refused may take to take back what it gave.
const GIVE_BACK_PATIENCE: Duration = Duration::from_secs(3);

/// What all asks and leases of one client share.
#[derive(Debug)]
pub(super) struct Asker {
    /// Who can be asked.
    route: Route,
    /// The store it stays with.
    pin: Pin,
    /// The connections.
    wire: Wire,
}

/// An answer of a server of our store.
#[derive(Debug)]
pub(super) struct Heard {
    /// What it says; never a no, that is an error.
    pub(super) said: Said,
    /// Who says it.
    pub(super) server: Server,
    /// The store it has, if it says so.
    pub(super) store: String,
}

/// What came of asking, if it was nothing good.
#[derive(Debug)]
pub(super) struct Failure {
    /// Why.
    pub(super) error: AskError,
    /// How long the server wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// Whether a server that is asked next, or later, may know better.
    pub(super) fn may_another_help(&self) -> bool {
        self.error.is_away() || matches!(self.error, AskError::OtherStore { .. })
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        Self { error, retry_after: None }
    }
}

impl Asker {
    pub(super) fn new(servers: Vec<Server>) -> Self {
        Self { route: Route::new(servers), pin: Pin::default(), wire: Wire::new() }
    }

    /// From now on, no other store will do.
    pub(super) fn stay_with_store(&self, store: &str) {
        self.pin.set(store);
    }

    /// Whether any server can know of us.
    pub(super) fn has_connected(&self) -> bool {
        self.wire.has_connected()
    }

    /// When nobody answered in time: blames the one that is asked first.
    pub(super) fn silent(&self) -> Failure {
        self.route.first().map_or(AskError::NoServer, |server| AskError::Silent { server }).into()
    }

    /// Asks one server after the other until one answers. `patience` is for each of them.
    pub(super) async fn ask(
        &self,
        pool: &str,
        call: &Call<'_>,
        patience: Duration,
    ) -> Result<Heard, Failure> {
        self.ask_all(async |to| self.ask_one(to, pool, call, patience).await).await
    }

    /// As [`Asker::ask`], for what is only looked at.
    pub(super) async fn look(&self, path: &str, patience: Duration) -> Result<Heard, Failure> {
        self.ask_all(async |to| self.look_at_one(to, path, patience).await).await
    }

    /// As [`Asker::ask`], for an operator, who may have a key. What comes back is JSON.
    pub(super) async fn pull(
        &self,
        path: &str,
        body: &impl Serialize,
        key: Option<&Key>,
        patience: Duration,
    ) -> Result<Heard, Failure> {
        let pull = async |to: &Endpoint| {
            let reply = self.wire.post(to, path, body, key, patience).await?;
            self.hear(to, Answer::read_state(&to.server, &reply), &reply, None).await
        };
        self.ask_all(pull).await
    }

    /// As [`Asker::look`], for what goes on and on: it begins behind what is known.
    pub(super) async fn listen(
        &self,
        path: &str,
        last_id: Option<&str>,
        patience: Duration,
    ) -> Result<Box<Stream>, Failure> {
        let listen = async |to: &Endpoint| match self.wire.listen(to, path, last_id, patience).await? {
            Listening::Stream(stream) => {
                self.route.stay_with(to);
                Ok(stream)
            }
            Listening::Answered(reply) => {
                self.hear(to, Answer::read_state(&to.server, &reply), &reply, None).await?;
                let (server, body) = (to.server.clone(), beginning(&reply.body));
                Err(AskError::Strange { server, status: reply.status, body }.into())
            }
        };
        self.ask_all(listen).await
    }

    async fn ask_all<T>(&self, ask_one: impl AsyncFn(&Endpoint) -> Result<T, Failure>) -> Result<T, Failure> {
        let (mut round, mut failed) = (self.route.round(), None::<Failure>);
        while let Some(endpoint) = round.next().await {
            let heard = match endpoint {
                Ok(endpoint) => ask_one(&endpoint).await,
                Err(error) => Err(error.into()),
            };
            match heard {
                Err(failure) if failure.may_another_help() => worse_of(&mut failed, failure),
                Ok(_) | Err(_) => return heard,
            }
        }
        Err(failed.unwrap_or_else(|| AskError::NoServer.into()))
    }

    async fn ask_one(
        &self,
        to: &Endpoint,
        pool: &str,
        call: &Call<'_>,
        patience: Duration,
    ) -> Result<Heard, Failure> {
        let reply = self.wire.post(to, &call.path(pool), call, None, patience).await?;
        let answer = Answer::read(&to.server, &reply);
        self.hear(to, answer, &reply, Some((pool, call))).await
    }

    async fn look_at_one(&self, to: &Endpoint, path: &str, patience: Duration) -> Result<Heard, Failure> {
        let reply = self.wire.get(to, path, patience).await?;
        self.hear(to, Answer::read_state(&to.server, &reply), &reply, None).await
    }

    /// What an answer to a call comes to.
    async fn hear(
        &self,
        to: &Endpoint,
        answer: Result<Answer, AskError>,
        reply: &Reply,
        call: Option<(&str, &Call<'_>)>,
    ) -> Result<Heard, Failure> {
        let answer = answer.map_err(|error| self.not_any_more(&to.server, error, reply))?;
        if let Some(store) = &answer.store
            && let Err(refused) = self.pin.check(to, store)
        {
            if let Some((pool, call)) = call {
                self.give_back(to, pool, call, &answer.said).await;
            }
            return Err(refused.into());
        }
        let server = to.server.clone();
        match answer.said {
            Said::No(refusal) => {
                if !refusal.kind.is_away() {
                    self.route.stay_with(to);
                }
                Err(Failure { error: AskError::Refused { server, refusal }, retry_after: answer.retry_after })
            }
            said @ (Said::Lease(_) | Said::Done | Said::State(_)) => {
                self.route.stay_with(to);
                Ok(Heard { said, server, store: answer.store.unwrap_or_default() })
            }
        }
    }

    /// Once v1 was spoken, who does not speak it is away: the classic protocol names no store.
    fn not_any_more(&self, to: &Server, error: AskError, reply: &Reply) -> AskError {
        if matches!(error, AskError::NoV1 { .. }) && self.pin.is_set() {
            return AskError::Strange {
                server: to.clone(),
                status: reply.status,
                body: beginning(&reply.body),
            };
        }
        error
    }

    /// Nobody is to wait for a slot, or a place, that a refused store gave.
    async fn give_back(&self, to: &Endpoint, pool: &str, call: &Call<'_>, said: &Said) {
        let Call::Acquire { host, owner, .. } = call else { return };
        let back = match said {
            Said::Lease(grant) => Call::Release { lease: &grant.id, exit_status: None },
            Said::Done | Said::State(_) | Said::No(_) => Call::Leave { host, owner },
        };
        // What cannot be given back ends by itself: nobody renews it or comes back for it.
        let _ = self.wire.post(to, &back.path(pool), &back, None, GIVE_BACK_PATIENCE).await;
    }
}

/// Another store is a mistake that somebody has to hear of; a server that is away may come back.
fn worse_of(failed: &mut Option<Failure>, failure: Failure) {
    let is_kept = failed.as_ref().is_some_and(|failed| matches!(failed.error, AskError::OtherStore { .. }));
    if !is_kept {
        *failed = Some(failure);
    }
}
