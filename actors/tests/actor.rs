//! The pool actor on backends that misbehave on demand: no real one can.

use std::{env, process::Command, time::Duration};

use actix::{Actor as _, Addr};
use distributex_actors::{
    After, Ask, AskId, Counts, Event, Granted, Held, Holder, LeaseId, Leased, Lever, Operator, PoolActor,
    PoolHandle, Refusal, Room, State, Token, Watch, backend::Backend, pool::actor::Wake,
};
use distributex_config::{Limits, Pool};
use tokio::{sync::mpsc, time::Instant};

use crate::support::name;

/// A store far away: it says what it was asked, and answers by message or never.
#[derive(Debug)]
struct Remote {
    asked: mpsc::UnboundedSender<Asked>,
    /// What it has to say when it is woken.
    answers: std::sync::mpsc::Receiver<Event>,
}

#[derive(Debug, PartialEq)]
enum Asked {
    Enter(AskId),
    Leave(AskId),
    Renew(AskId),
    Release(AskId),
    Unheard(Token),
}

impl Remote {
    fn note(&self, asked: Asked) {
        self.asked.send(asked).unwrap();
    }
}

impl Backend for Remote {
    fn enter(&mut self, ask: Ask, _: Instant, _: &mut Vec<Event>) {
        self.note(Asked::Enter(ask.id));
    }
    fn leave(&mut self, ask: AskId, _: Instant, _: &mut Vec<Event>) {
        self.note(Asked::Leave(ask));
    }
    fn renew(&mut self, ask: AskId, _: LeaseId, _: Option<Duration>, _: Instant, _: &mut Vec<Event>) {
        self.note(Asked::Renew(ask));
    }
    fn release(&mut self, ask: AskId, _: &Held, _: Instant, _: &mut Vec<Event>) {
        self.note(Asked::Release(ask));
    }
    fn unheard(&mut self, token: Token, _: Instant, _: &mut Vec<Event>) {
        self.note(Asked::Unheard(token));
    }
    fn pull(&mut self, _: AskId, _: Lever, _: &Operator, _: Instant, _: &mut Vec<Event>) {}
    fn look(&mut self, _: AskId, _: After, _: Instant, _: &mut Vec<Event>) {}
    fn wake(&mut self, _: Instant, out: &mut Vec<Event>) {
        out.extend(self.answers.try_iter());
    }
    fn next_end(&self) -> Option<Instant> {
        None
    }
    fn close(&mut self) {}
    fn reconfigure(&mut self, _: Option<Pool>, _: Limits, _: Instant, _: &mut Vec<Event>) {}
    fn state(&self, _: After, _: Instant) -> State {
        State {
            slots: 1,
            held: 0,
            holders: Vec::new(),
            waiting: 0,
            first: Vec::new(),
            next: None,
            paused: None,
            removed: false,
        }
    }
    fn counts(&self) -> Counts {
        Counts::default()
    }
    fn holder(&self, _: Token, _: Instant) -> Option<Holder> {
        None
    }
}

/// Lets a store far away answer.
struct Store {
    answers: std::sync::mpsc::Sender<Event>,
    pool: Addr<PoolActor>,
}

impl Store {
    fn answer(&self, event: Event) {
        self.answers.send(event).unwrap();
        self.pool.do_send(Wake);
    }
}

fn remote() -> (Store, PoolHandle, mpsc::UnboundedReceiver<Asked>) {
    let (asked, questions) = mpsc::unbounded_channel();
    let (sender, answers) = std::sync::mpsc::channel();
    let watch = Watch::default().pool(&name("pool1"));
    let pool =
        PoolActor::new(name("pool1"), Box::new(Remote { asked, answers }), Room::new(10), watch).start();
    (Store { answers: sender, pool: pool.clone() }, PoolHandle::new(pool), questions)
}

fn granted(ask: AskId) -> Event {
    let (token, host) = (Token(7), name("ann"));
    let lease =
        Leased { id: None, token, host, ttl: None, until: None, waited: Duration::ZERO, revoked: None };
    Event::Granted(Granted { ask, lease, again: false, freed: None })
}

#[actix::test]
async fn an_answer_may_come_later_as_a_message() {
    let (store, pool, mut questions) = remote();
    let answer = actix::spawn(async move { pool.get(name("ann")).await });
    let Some(Asked::Enter(ask)) = questions.recv().await else { panic!("nobody asked") };

    store.answer(granted(ask));

    let grant = answer.await.unwrap().unwrap();
    assert_eq!(grant.lease.token, Token(7));
    grant.heard();
}

#[actix::test]
async fn a_late_grant_to_somebody_who_left_goes_back() {
    let (store, pool, mut questions) = remote();
    let answer = actix::spawn(async move { pool.wait(name("ann")).await });
    let Some(Asked::Enter(ask)) = questions.recv().await else { panic!("nobody asked") };
    answer.abort();
    assert_eq!(questions.recv().await, Some(Asked::Leave(ask)));

    store.answer(granted(ask));

    assert_eq!(questions.recv().await, Some(Asked::Unheard(Token(7))));
}

#[actix::test]
async fn while_the_store_is_away_asks_are_refused_and_who_waits_stays() {
    let (store, pool, mut questions) = remote();
    let waiting = actix::spawn({
        let pool = pool.clone();
        async move { pool.wait(name("ann")).await }
    });
    let Some(Asked::Enter(ask)) = questions.recv().await else { panic!("nobody asked") };

    store.answer(Event::Away);
    let refused = pool.get(name("bob")).await;
    assert!(!waiting.is_finished());
    store.answer(Event::Back);
    store.answer(granted(ask));

    assert_eq!(refused.unwrap_err(), Refusal::Away);
    waiting.await.unwrap().unwrap().heard();
}

#[actix::test]
async fn a_release_or_a_renewal_that_the_store_refuses_says_so() {
    let (store, pool, mut questions) = remote();
    let release = actix::spawn({
        let pool = pool.clone();
        async move { pool.release(name("ann")).await }
    });
    let Some(Asked::Release(first)) = questions.recv().await else { panic!("nobody asked") };
    let renewal = actix::spawn(async move { pool.renew(LeaseId::random(), None).await });
    let Some(Asked::Renew(second)) = questions.recv().await else { panic!("nobody asked") };

    store.answer(Event::Refused { ask: first, why: Refusal::Away, place: None });
    store.answer(Event::Refused { ask: second, why: Refusal::LeaseLost, place: None });

    assert_eq!(release.await.unwrap(), Err(Refusal::Away));
    assert_eq!(renewal.await.unwrap(), Err(Refusal::LeaseLost));
}

/// Runs itself once more in a process of its own, which ends.
#[actix::test]
async fn a_panic_in_a_pool_actor_ends_the_process() {
    const CHILD: &str = "DISTRIBUTEX_TEST_PANICS";
    if env::var_os(CHILD).is_some() {
        let (_, pool, questions) = remote();
        drop(questions); // the backend panics when nobody listens to what it was asked
        let _ = pool.get(name("ann")).await;
        return;
    }

    let mut child = Command::new(env::current_exe().unwrap());
    let only_this = ["--exact", "actor::a_panic_in_a_pool_actor_ends_the_process"];
    let output = child.args(only_this).env(CHILD, "1").output().unwrap();

    assert_eq!(output.status.code(), Some(70), "{output:?}");
}
