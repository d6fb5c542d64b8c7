//! The server's end of a connection: a socket that knows whether its client is still there.
//!
//! Under actix-http's dispatcher, which reads requests and writes answers, it sees to what the dispatcher
//! does not: that a client which hung up before its answer is not told of a lease, that nobody sends
//! megabytes behind a parked request, and that a request's head arrives in time on a reused connection too.
//! The [`Stream`] under it sees to it that an answer is read.

use std::{
    cell::{Cell, RefCell},
    future::Future as _,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use actix_http::h1;
use actix_web::dev::Payload;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::stream::Stream;

/// How long the head of a request may take to arrive.
pub const HEAD_LIMIT: Duration = Duration::from_secs(10);

/// How much a client may send behind a parked request: as much as actix-http reads at once.
const BEHIND_LIMIT: usize = 8 * 1024;

/// How many connections are open, in all workers.
#[derive(Debug)]
pub struct Crowd {
    open: AtomicUsize,
    /// With more than this, connections end with their next answer.
    most: usize,
}

impl Crowd {
    /// Nobody; and more than `most` will be a crowd.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), most })
    }
}

/// A connection, as the dispatcher has it.
#[derive(Debug)]
pub struct Connection {
    peer: Rc<Peer>,
    /// Runs while a part of a request's head is there.
    head_timer: Option<Pin<Box<Sleep>>>,
}

/// A connection, as the handlers of its requests have it.
#[derive(Debug)]
pub struct Peer {
    stream: RefCell<Stream>,
    /// The user at the other end of a local socket.
    uid: Option<u32>,
    crowd: Arc<Crowd>,
    /// Whether a request is being handled.
    busy: Cell<bool>,
    /// Whether the request that is being handled is parked.
    parked: Cell<bool>,
    /// How many bytes came since it was.
    behind: Cell<usize>,
    /// Whether bytes came that no request was made of yet.
    partial: Cell<bool>,
    /// Whether the answer to it is a stream, which is sent as long as there is something to tell.
    streams: Cell<bool>,
    /// How often in a row the dispatcher had all its answers written without asking for more bytes; while it sends a
    /// stream, and without having any to write.
    idle: Cell<usize>,
    /// Whether it asked for bytes since somebody last wanted to know.
    asked: Cell<bool>,
    /// A body that was not read to its end.
    unread: RefCell<Option<h1::Payload>>,
}

impl Connection {
    /// Takes a new connection over.
    ///
    /// # Errors
    /// When the kernel refuses an option, because the client is gone already.
    pub fn new(stream: impl Into<Stream>, crowd: &Arc<Crowd>) -> io::Result<Self> {
        let stream = stream.into();
        stream.prepare()?;
        let uid = stream.uid()?;
        crowd.open.fetch_add(1, Ordering::Relaxed);
        let peer = Peer {
            stream: RefCell::new(stream),
            uid,
            crowd: Arc::clone(crowd),
            busy: Cell::new(false),
            parked: Cell::new(false),
            behind: Cell::new(0),
            partial: Cell::new(false),
            streams: Cell::new(false),
            idle: Cell::new(0),
            asked: Cell::new(false),
            unread: RefCell::new(None),
        };
        Ok(Self { peer: Rc::new(peer), head_timer: None })
    }

    /// What the handlers get.
    #[must_use]
    pub fn peer(&self) -> &Rc<Peer> {
        &self.peer
    }

    /// The address of the client; a local one has none.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.peer.stream.borrow().addr()
    }

    fn poll_head_timer(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.peer.partial.get() || self.peer.busy.get() {
            self.head_timer = None;
            return Ok(());
        }
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(sleep(HEAD_LIMIT)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the request's head took too long"))
            }
            Poll::Pending => Ok(()),
        }
    }
}

impl Peer {
    /// Says that a request is being handled, until the guard is dropped.
    #[must_use]
    pub fn begin(self: &Rc<Self>) -> Handling {
        self.busy.set(true);
        self.partial.set(false);
        Handling { peer: Rc::clone(self) }
    }

    /// The user at the other end of the local socket; `None` if the client came over TCP.
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// Whether the client closed, half-closed or reset the connection. Asks the kernel: the dispatcher may
    /// not have heard of it yet, and bytes that were sent before the end do not hide it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let stream = self.stream.borrow();
        let mut fds = [PollFd::new(&*stream, PollFlags::RDHUP)];
        let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        poll(&mut fds, Some(&Timespec::default())).is_err() || fds[0].revents().intersects(gone)
    }

    /// Keeps what an answered request left of its body. The dispatcher then ends the connection; it would wait
    /// for ever for the end of a chunked body that nobody has.
    pub fn leave_unread(&self, body: Payload) {
        if let Payload::H1 { payload } = body {
            *self.unread.borrow_mut() = Some(payload);
        }
    }

    /// Whether descriptors are getting scarce, so that the connection is better not kept alive.
    #[must_use]
    pub fn is_in_a_crowd(&self) -> bool {
        self.crowd.open.load(Ordering::Relaxed) > self.crowd.most
    }

    /// Whether the client sends more behind a parked request than is kept for it. The dispatcher stops to
    /// read when its buffer is full, and then would neither rest nor notice the connection's end. Of a stream, it may
    /// write several parts before it reads again.
    fn floods(&self) -> bool {
        let most_idle = if self.streams.get() { 1 } else { 0 };
        self.parked.get() && (self.behind.get() > BEHIND_LIMIT || self.idle.get() > most_idle)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.crowd.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request is being handled; see [`Peer::begin`].
#[derive(Debug)]
pub struct Handling {
    peer: Rc<Peer>,
}

impl Handling {
    /// The request waits from here on, for as long as it takes.
    pub fn park(&self) {
        self.peer.behind.set(0);
        self.peer.parked.set(true);
    }

    /// The same, and it is answered bit by bit.
    pub fn stream(&self) {
        self.park();
        self.peer.streams.set(true);
    }

    /// Whether the dispatcher has asked for bytes since this was asked last. If it has not between two parts of a
    /// stream, it has no room for them, and would not notice the connection's end.
    #[must_use]
    pub fn is_listened_to(&self) -> bool {
        self.peer.asked.take()
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        self.peer.busy.set(false);
        self.peer.parked.set(false);
        self.peer.streams.set(false);
        self.peer.partial.set(false);
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let peer = &self.peer;
        peer.asked.set(true);
        peer.idle.set(0);
        let before = buf.filled().len();
        let read = Pin::new(&mut *peer.stream.borrow_mut()).poll_read(cx, buf);
        let came = buf.filled().len() - before;
        if came > 0 {
            peer.partial.set(true);
            peer.behind.set(peer.behind.get().saturating_add(came));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.peer.streams.get() {
            self.peer.idle.set(0);
        }
        Pin::new(&mut *self.peer.stream.borrow_mut()).poll_write(cx, buf)
    }

    /// The dispatcher ends every round with this, whether it wrote anything or not: the place to look
    /// whether the connection may go on.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.peer.floods() {
            let what = "the client sends more behind a parked request than is kept for it";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, what)));
        }
        self.peer.idle.set(self.peer.idle.get() + 1);
        self.poll_head_timer(cx)?;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.peer.stream.borrow_mut()).poll_shutdown(cx)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::{Shutdown, TcpStream as Client};

    use tokio::{net::TcpListener, task::yield_now, time::timeout};

    use super::*;

    /// The two ends of a connection.
    pub(in super::super) async fn connected() -> (Connection, Client) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Connection::new(stream, &Crowd::new(1)).unwrap(), client)
    }

    /// Returns when the kernel has heard of the client's end.
    pub(in super::super) async fn is_gone_soon(peer: &Peer) {
        let gone = async {
            while !peer.is_gone() {
                yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), gone).await.expect("its end was not noticed");
    }

    #[actix::test]
    async fn the_end_of_a_client_is_seen_before_anything_is_read() {
        for half in [true, false] {
            let (connection, mut client) = connected().await;
            assert!(!connection.peer().is_gone());

            io::Write::write_all(&mut client, b"more bytes that nobody reads").unwrap();
            if half {
                client.shutdown(Shutdown::Write).unwrap();
            } else {
                drop(client);
            }

            is_gone_soon(connection.peer()).await;
        }
    }
}
