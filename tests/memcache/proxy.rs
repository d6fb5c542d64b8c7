//! What is between a server and its memcached: a network that passes everything on, or loses some of it.
//!
//! It knows nothing of what is said. A question that was passed on has been heard by memcached, whatever becomes
//! of the answer.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime, select,
    sync::watch,
    time::sleep,
    try_join,
};

use crate::faults::chance::Chance;

/// What becomes of something that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives.
    Passes,
    /// It is a question, which arrives so much later, even if nobody waits for an answer any more.
    ComesLate(Duration),
    /// It is a question, and arrives when the proxy is told so, even if nobody waits for an answer any more.
    IsHeld,
    /// It is a question, and the connection is cut before it arrives.
    IsCut,
    /// It is an answer, which arrives so much later.
    AnswerComesLate(Duration),
    /// It is an answer, and the connection is cut instead of it.
    AnswerIsCut,
    /// It is an answer, half of which arrives before the connection is cut.
    HalfAnswer,
    /// It is an answer, and nothing is ever heard again on this connection.
    NoAnswer,
}

/// How the network is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mood {
    /// Everything passes.
    Whole,
    /// Once in so many times something happens; what comes late is late by so much at most.
    Bad(u64, Duration),
    /// This happens to everything that it can happen to.
    Always(Fate),
}

/// The way to a memcached. It is gone when this goes out of scope.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Where its near end is.
    addr: SocketAddr,
    /// Changes it; `None`: its time is over.
    tell: watch::Sender<Option<Mood>>,
    /// How often what was held was let go.
    letting: watch::Sender<usize>,
    /// Where it is made.
    thread: Option<JoinHandle<()>>,
}

/// Decides what becomes of things.
#[derive(Debug, Clone)]
struct Decider {
    /// How the network is.
    told: watch::Receiver<Option<Mood>>,
    /// How often what was held was let go.
    let_go: watch::Receiver<usize>,
    /// What happens if anything can happen.
    chance: Arc<Mutex<Chance>>,
}

/// The connection is cut.
#[derive(Debug)]
struct Cut;

/// Which way something goes.
#[derive(Debug, Clone, Copy)]
enum Way {
    There,
    Back,
}

impl Proxy {
    /// A whole one, to this memcached.
    pub(super) fn to(memcached: SocketAddr, chance: &mut Chance) -> Self {
        let (tell, told) = watch::channel(Some(Mood::Whole));
        let (letting, let_go) = watch::channel(0);
        let decider = Decider { told, let_go, chance: Arc::new(Mutex::new(chance.another())) };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let thread = Some(thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(listener, memcached, decider)); // with it all connections end
        }));
        Self { addr, tell, letting, thread }
    }

    /// Where its near end is.
    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on it is like this.
    pub(super) fn becomes(&self, mood: Mood) {
        self.tell.send_replace(Some(mood));
    }
}

impl Proxy {
    /// What is held arrives now.
    pub(super) fn lets_go(&self) {
        self.letting.send_modify(|times| *times += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tell.send_replace(None);
        self.thread.take().map(JoinHandle::join);
    }
}

impl Decider {
    /// What becomes of something that goes this way.
    fn fate(&self, way: Way) -> Fate {
        let fate = match self.told.borrow().unwrap_or(Mood::Whole) {
            Mood::Whole => Fate::Passes,
            Mood::Always(fate) => fate,
            Mood::Bad(times, late) => {
                let mut chance = self.chance.lock().unwrap();
                let is_bad = chance.once_in(times);
                let late = chance.up_to(late);
                let there = [Fate::ComesLate(late), Fate::IsCut];
                let back = [Fate::AnswerComesLate(late), Fate::AnswerIsCut, Fate::HalfAnswer, Fate::NoAnswer];
                match way {
                    _ if !is_bad => Fate::Passes,
                    Way::There => chance.one_of(there),
                    Way::Back => chance.one_of(back),
                }
            }
        };
        let is_of_questions = matches!(fate, Fate::ComesLate(_) | Fate::IsHeld | Fate::IsCut);
        if is_of_questions == matches!(way, Way::There) { fate } else { Fate::Passes }
    }
}

async fn serve(listener: std::net::TcpListener, memcached: SocketAddr, decider: Decider) {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut told = decider.told.clone();
    let over = told.wait_for(Option::is_none);
    let accept = async {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(carry(client, memcached, decider.clone()));
        }
    };
    select! {
        _ = over => {}
        () = accept => {}
    }
}

/// One connection, from its begin to its end.
async fn carry(mut client: TcpStream, memcached: SocketAddr, decider: Decider) {
    let Ok(mut server) = TcpStream::connect(memcached).await else { return reset(&client) };
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let questions = pump(from_client, to_server, Way::There, &decider);
    let answers = pump(from_server, to_client, Way::Back, &decider);
    if try_join!(questions, answers).is_err() {
        reset(&client);
        reset(&server);
    }
}

/// Passes on what comes, if that is its fate, and its end. What a client sent before it hung up, or cut the
/// connection, still arrives.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    decider: &Decider,
) -> Result<(), Cut> {
    let mut bytes = vec![0; 1 << 16];
    let mut is_mute = false;
    loop {
        let length = match from.read(&mut bytes).await {
            Ok(length) => length,
            Err(_) if matches!(way, Way::There) => 0,
            Err(_) => return Err(Cut),
        };
        if length == 0 {
            let _ = to.shutdown().await;
            return Ok(());
        }
        let mut passes = length;
        match decider.fate(way) {
            _ if is_mute => continue,
            Fate::Passes => {}
            Fate::ComesLate(late) | Fate::AnswerComesLate(late) => sleep(late).await,
            Fate::IsHeld => drop(decider.let_go.clone().changed().await),
            Fate::IsCut | Fate::AnswerIsCut => return Err(Cut),
            Fate::HalfAnswer => passes = length / 2,
            Fate::NoAnswer => {
                is_mute = true;
                continue;
            }
        }
        let passed = to.write_all(&bytes[..passes]).await;
        if passes < length {
            return Err(Cut);
        }
        if passed.is_err() {
            return Ok(()); // nobody hears answers any more; questions are still on their way
        }
    }
}

/// Makes the end of the connection a reset.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
