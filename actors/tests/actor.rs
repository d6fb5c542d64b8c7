//! The pool actor on backends that misbehave on demand: no real one can.

use std::{env, process::Command, time::Duration};

use actix::{Actor as _, Addr};
use distributex_actors::{
    Ask, AskId, Event, Granted, Held, Holder, LeaseId, Leased, PoolActor, PoolHandle, Refusal, Room, State,
    Token, backend::Backend,
};
use tokio::{sync::mpsc, time::Instant};

use crate::support::name;

/// A store far away: it says what it was asked, and answers by message or never.
#[derive(Debug)]
struct Remote {
    asked: mpsc::UnboundedSender<Asked>,
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
    fn leave(&mut self, ask: AskId, _: Instant) {
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
    fn expire(&mut self, _: Instant, _: &mut Vec<Event>) {}
    fn next_end(&self) -> Option<Instant> {
        None
    }
    fn close(&mut self) {}
    fn state(&self, _: usize, _: Instant) -> State {
        State { slots: 1, held: 0, holders: Vec::new(), waiting: 0, first: Vec::new() }
    }
    fn holder(&self, _: Token, _: Instant) -> Option<Holder> {
        None
    }
}

fn remote() -> (Addr<PoolActor>, PoolHandle, mpsc::UnboundedReceiver<Asked>) {
    let (asked, questions) = mpsc::unbounded_channel();
    let addr = PoolActor::new(name("pool1"), Box::new(Remote { asked }), Room::new(10)).start();
    (addr.clone(), PoolHandle::new(addr), questions)
}

fn granted(ask: AskId) -> Event {
    let (token, host) = (Token(7), name("ann"));
    let lease = Leased { id: None, token, host, ttl: None, until: None, waited: Duration::ZERO };
    Event::Granted(Granted { ask, lease, again: false })
}

#[actix::test]
async fn an_answer_may_come_later_as_a_message() {
    let (addr, pool, mut questions) = remote();
    let answer = actix::spawn(async move { pool.get(name("ann")).await });
    let Some(Asked::Enter(ask)) = questions.recv().await else { panic!("nobody asked") };

    addr.do_send(granted(ask));

    let grant = answer.await.unwrap().unwrap();
    assert_eq!(grant.lease.token, Token(7));
    grant.heard();
}

#[actix::test]
async fn a_late_grant_to_somebody_who_left_goes_back() {
    let (addr, pool, mut questions) = remote();
    let answer = actix::spawn(async move { pool.wait(name("ann")).await });
    let Some(Asked::Enter(ask)) = questions.recv().await else { panic!("nobody asked") };
    answer.abort();
    assert_eq!(questions.recv().await, Some(Asked::Leave(ask)));

    addr.do_send(granted(ask));

    assert_eq!(questions.recv().await, Some(Asked::Unheard(Token(7))));
}

#[actix::test]
async fn while_the_store_is_away_asks_are_refused_and_who_waits_stays() {
    let (addr, pool, mut questions) = remote();
    let waiting = actix::spawn({
        let pool = pool.clone();
        async move { pool.wait(name("ann")).await }
    });
    let Some(Asked::Enter(ask)) = questions.recv().await else { panic!("nobody asked") };

    addr.send(Event::Away).await.unwrap();
    let refused = pool.get(name("bob")).await;
    assert!(!waiting.is_finished());
    addr.do_send(Event::Back);
    addr.do_send(granted(ask));

    assert_eq!(refused.unwrap_err(), Refusal::Away);
    waiting.await.unwrap().unwrap().heard();
}

#[actix::test]
async fn a_release_or_a_renewal_that_the_store_refuses_says_so() {
    let (addr, pool, mut questions) = remote();
    let release = actix::spawn({
        let pool = pool.clone();
        async move { pool.release(name("ann")).await }
    });
    let Some(Asked::Release(first)) = questions.recv().await else { panic!("nobody asked") };
    let renewal = actix::spawn(async move { pool.renew(LeaseId::random(), None).await });
    let Some(Asked::Renew(second)) = questions.recv().await else { panic!("nobody asked") };

    addr.do_send(Event::Refused { ask: first, why: Refusal::Away, place: None });
    addr.do_send(Event::Refused { ask: second, why: Refusal::LeaseLost, place: None });

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
