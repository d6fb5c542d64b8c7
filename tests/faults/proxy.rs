//! A network that is a proxy between a wrapper and its server.

use std::{
    net::SocketAddr,
    process::Command,
    thread::{self, JoinHandle},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    join,
    net::{TcpListener, TcpStream},
    runtime, select,
    sync::watch,
};

use super::network::{Network, State};
use crate::wrapper::run::wrapper_as;

/// How a network is. `None`: its time is over.
type Told = watch::Receiver<Option<State>>;

/// The way to one server. It is gone when this goes out of scope.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Where its near end is.
    addr: SocketAddr,
    /// Changes it.
    tell: watch::Sender<Option<State>>,
    /// Where it is made.
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A whole one, to this server.
    pub(super) fn to(server: SocketAddr) -> Self {
        let (tell, told) = watch::channel(Some(State::Whole));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let thread = Some(thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_io().build().unwrap();
            runtime.block_on(serve(listener, server, told)); // with it all connections end
        }));
        Self { addr, tell, thread }
    }
}

impl Network for Proxy {
    fn becomes(&self, state: State) {
        self.tell.send_replace(Some(state));
    }

    fn wrapper(&self, host: &str) -> Command {
        wrapper_as(self.addr, host)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tell.send_replace(None);
        self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: std::net::TcpListener, server: SocketAddr, mut told: Told) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        select! {
            () = becomes(&mut told, None) => return,
            client = listener.accept() => drop(tokio::spawn(carry(client.unwrap().0, server, told.clone()))),
        }
    }
}

/// One connection, from its begin to its end.
async fn carry(mut client: TcpStream, server: SocketAddr, mut told: Told) {
    let mut broken = told.clone();
    let broken = becomes(&mut broken, Some(State::Broken));
    let carried = async {
        becomes(&mut told, Some(State::Whole)).await;
        let Ok(mut server) = TcpStream::connect(server).await else { return reset(&client) };
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        join!(pump(from_client, to_server, told.clone()), pump(from_server, to_client, told));
    };
    let is_broken = select! {
        () = carried => false,
        () = broken => true, // the server's end is reset, too, if it has sent what nobody read
    };
    if is_broken {
        reset(&client);
    }
}

/// Passes on what comes, and its end, while the network is whole.
async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut told: Told) {
    let mut bytes = vec![0; 4096];
    loop {
        let length = from.read(&mut bytes).await.unwrap_or(0);
        becomes(&mut told, Some(State::Whole)).await;
        let is_over = if length == 0 { to.shutdown().await } else { to.write_all(&bytes[..length]).await };
        if length == 0 || is_over.is_err() {
            return;
        }
    }
}

/// Comes back when it is like this.
async fn becomes(told: &mut Told, state: Option<State>) {
    let _ = told.wait_for(|told| *told == state).await; // an error is the end
}

/// Makes the end of the connection a reset.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
