//! The server's end of a connection: a socket that knows whether its client is still there.
//!
//! Under actix-http's dispatcher, which reads requests and writes answers, it sees to what the dispatcher
//! does not: that each request is answered before the next is read, that a client which hung up before its answer is
//! not told of a lease, that nobody sends megabytes behind a parked request, and that a request's head is not too
//! large and arrives in time on a reused connection too. The [`ClientStream`] under it sees to it that an answer is read.

use std::{
    cell::{Cell, RefCell},
    future::Future as _,
    io, mem,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_http::h1;
use actix_web::dev::Payload;
use distributex_actors::ClientAddress;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::{
    connection_limit::{ConnectionLimit, ConnectionPermit},
    framing::{self, Framing, HeadTooLarge, MAX_HEAD},
    stream::ClientStream,
};

/// How long the head of a request may take to arrive.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How many bytes a client may send behind a request that is not answered yet: as many as are read at once.
const MAX_PIPELINED_BYTES: usize = 8 * 1024;

/// A connection, as the dispatcher has it: it hands over one request at a time.
///
/// ```text
///  socket ─► held ─► the head, once it is complete ─► its body, as it comes ─┐
///              ▲                                                            ▼
///              └──────── what stands behind ◄──────────────── answering, until the response is written
/// ```
#[derive(Debug)]
pub struct Connection {
    peer: Rc<Peer>,
    /// How far the request that is handed over has been read.
    framing: Framing,
    /// What came and was not handed over yet.
    held: Vec<u8>,
    /// So many bytes of it belong to the request that is handed over.
    framed: usize,
    /// So many bytes were handed over since the dispatcher last looked at them.
    given: usize,
    /// Whether a whole request was handed over whose response is not written yet.
    answering: bool,
    /// Whether its task can be woken to make room for others.
    registered: bool,
    /// Runs while a part of a request's head is there.
    head_timer: Option<Pin<Box<Sleep>>>,
}

/// A connection, as the handlers of its requests have it.
#[derive(Debug)]
pub struct Peer {
    stream: RefCell<ClientStream>,
    /// The user at the other end of a local socket.
    uid: Option<u32>,
    /// The address of the client; a local one has none.
    addr: Option<SocketAddr>,
    /// Its place among all connections; a local one has none.
    member: Option<ConnectionPermit>,
    /// Whether a request is being handled.
    busy: Cell<bool>,
    /// Whether it is a whole request.
    under_way: Cell<bool>,
    /// Whether the request that is being handled is parked.
    parked: Cell<bool>,
    /// How many bytes of its body came since it was.
    behind: Cell<usize>,
    /// Whether the head that came last was too large.
    head_too_large: Cell<bool>,
    /// A body that was not read to its end.
    unread: RefCell<Option<h1::Payload>>,
}

impl Connection {
    /// Takes a new connection over.
    ///
    /// # Errors
    /// When the client is gone already.
    pub fn new(stream: impl Into<ClientStream>, connection_limit: &Arc<ConnectionLimit>) -> io::Result<Self> {
        let stream = stream.into();
        let uid = stream.uid()?;
        let addr = stream.addr()?;
        let peer = Peer {
            stream: RefCell::new(stream),
            uid,
            addr,
            member: addr.map(|addr| connection_limit.enter(ClientAddress::from(addr.ip()))),
            busy: Cell::new(false),
            under_way: Cell::new(false),
            parked: Cell::new(false),
            behind: Cell::new(0),
            head_too_large: Cell::new(false),
            unread: RefCell::new(None),
        };
        Ok(Self {
            peer: Rc::new(peer),
            framing: Framing::default(),
            held: Vec::new(),
            framed: 0,
            given: 0,
            answering: false,
            registered: false,
            head_timer: None,
        })
    }

    /// What the handlers get.
    #[must_use]
    pub fn peer(&self) -> &Rc<Peer> {
        &self.peer
    }

    /// The address of the client; a local one has none.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.peer.addr
    }

    /// Reads from the socket what belongs to the request that is being handed over, and keeps the rest. Nearly all
    /// requests arrive in one piece and alone, and go straight to the dispatcher.
    fn read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = buf.filled().len();
        ready!(self.peer.poll_read(cx, buf))?;
        let came = &buf.filled()[start..];
        if came.is_empty() {
            return Poll::Ready(Ok(())); // the client has closed
        }
        match self.framing.advance(came) {
            Ok(taken @ 1..) => {
                self.held.extend_from_slice(&came[taken..]);
                buf.set_filled(start + taken);
                self.count_passed_on(taken);
                Poll::Ready(Ok(()))
            }
            Ok(_) | Err(HeadTooLarge) => {
                self.held.extend_from_slice(came);
                buf.set_filled(start);
                self.read_and_frame(cx, buf)
            }
        }
    }

    /// As [`Connection::read`], where something is held.
    fn read_and_frame(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.framed == 0 {
            match self.framing.advance(&self.held) {
                Ok(0) if ready!(self.poll_hold(cx, buf))? == 0 => return Poll::Ready(Ok(())),
                Ok(framed) => self.framed = framed,
                Err(HeadTooLarge) => self.replace_head(),
            }
        }
        let handed = self.framed.min(buf.remaining());
        buf.put_slice(&self.held[..handed]);
        self.held.drain(..handed);
        if self.held.is_empty() {
            self.held = Vec::new(); // a parked connection keeps no buffer
        }
        self.framed -= handed;
        self.count_passed_on(handed);
        Poll::Ready(Ok(()))
    }

    /// Takes note that so many bytes of the request were handed over.
    fn count_passed_on(&mut self, handed: usize) {
        self.given += handed;
        self.peer.behind.set(self.peer.behind.get().saturating_add(handed));
        if self.framed == 0 && self.framing.is_complete() {
            self.answering = true;
            self.peer.set_under_way(true);
        }
    }

    /// Lets the dispatcher have another head, for which the handlers have the right response, and nothing else.
    fn replace_head(&mut self) {
        self.held = framing::substitute(&self.held);
        self.framed = self.held.len();
        self.framing = Framing::behind_substitute();
        self.given = MAX_HEAD;
        self.peer.head_too_large.set(true);
    }

    /// Reads what stands behind a request: a little of it, to notice the end of the connection.
    fn poll_pipelined(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.held.len() <= MAX_PIPELINED_BYTES {
            if ready!(self.poll_hold(cx, buf))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending // until the response is written
    }

    /// Reads the rest of a body that nobody wants: the connection ends when the client has read the response.
    fn poll_discard(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.given < MAX_HEAD {
            let came = ready!(self.poll_hold(cx, buf))?;
            self.held = Vec::new();
            if came == 0 {
                return Poll::Ready(Ok(()));
            }
            self.given += came;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads and keeps what came: how many bytes, 0 at the end of the connection. What is left of the dispatcher's
    /// buffer is only borrowed.
    fn poll_hold(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let start = buf.filled().len();
        ready!(self.peer.poll_read(cx, buf))?;
        let came = &buf.filled()[start..];
        self.held.extend_from_slice(came);
        let came = came.len();
        buf.set_filled(start);
        Poll::Ready(Ok(came))
    }

    /// Whether the client sends more behind a parked request than is kept for it.
    fn exceeds_pipelining_limit(&self) -> bool {
        self.peer.parked.get()
            && (self.held.len() > MAX_PIPELINED_BYTES || self.peer.behind.get() > MAX_PIPELINED_BYTES)
    }

    /// Whether the connection has to make room for others.
    fn should_close(&mut self, cx: &Context<'_>) -> bool {
        let Some(member) = &self.peer.member else { return false };
        if !mem::replace(&mut self.registered, true) {
            member.register(cx.waker());
        }
        member.should_close()
    }

    fn poll_head_timer(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.framing.is_within_head() {
            self.head_timer = None;
            return Ok(());
        }
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(sleep(HEAD_TIMEOUT)));
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
    pub fn begin(self: &Rc<Self>) -> InFlight {
        self.busy.set(true);
        InFlight { peer: Rc::clone(self) }
    }

    /// The user at the other end of the local socket; `None` if the client came over TCP.
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// The address of the client, for its share of what all clients have; `None` for a local one, which needs none.
    #[must_use]
    pub fn address(&self) -> Option<ClientAddress> {
        self.addr.map(|addr| ClientAddress::from(addr.ip()))
    }

    /// Whether the head of the request that is being handled was too large. All that is known of it is its path.
    #[must_use]
    pub fn is_head_too_large(&self) -> bool {
        self.head_too_large.get()
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
    pub fn keep_unread_body(&self, body: Payload) {
        if let Payload::H1 { payload } = body {
            *self.unread.borrow_mut() = Some(payload);
        }
    }

    /// Whether a request has been handled without reading its body to the end.
    fn has_unread_body(&self) -> bool {
        !self.busy.get() && self.unread.borrow().is_some()
    }

    /// A whole request has come and is not handled yet; or there is none any more. Then the connection may be closed to
    /// make room for others.
    fn set_under_way(&self, under_way: bool) {
        if self.under_way.replace(under_way) != under_way
            && let Some(member) = &self.member
        {
            if under_way { member.begin() } else { member.end() }
        }
    }

    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream.borrow_mut()).poll_read(cx, buf)
    }
}

/// A request is being handled; see [`Peer::begin`].
#[derive(Debug)]
pub struct InFlight {
    peer: Rc<Peer>,
}

impl InFlight {
    /// The request waits from here on, or is answered bit by bit, for as long as it takes.
    pub fn park(&self) {
        self.peer.behind.set(0);
        self.peer.parked.set(true);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.peer.busy.set(false);
        self.peer.parked.set(false);
        self.peer.set_under_way(false);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.should_close(cx) {
            let what = "the connection has made room for others";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, what)));
        }
        if self.answering {
            return self.poll_pipelined(cx, buf);
        }
        if self.peer.has_unread_body() && !self.framing.is_complete() {
            return self.poll_discard(cx, buf);
        }
        if self.given >= MAX_HEAD {
            cx.waker().wake_by_ref(); // the dispatcher reads all that it can get before it looks at it
            return Poll::Pending;
        }
        if self.held.is_empty() { self.read(cx, buf) } else { self.read_and_frame(cx, buf) }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.peer.stream.borrow_mut()).poll_write(cx, buf)
    }

    /// The dispatcher ends every round with this, once all that it had to write is written: the place to look
    /// whether the connection may go on, and whether the next request may.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.exceeds_pipelining_limit() {
            let what = "the client sends more behind a parked request than is kept for it";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, what)));
        }
        self.given = 0;
        if self.answering && !self.peer.busy.get() {
            self.answering = false;
            self.framing = Framing::default();
            self.peer.set_under_way(false);
            self.peer.unread.take();
            if !self.held.is_empty() {
                cx.waker().wake_by_ref();
            }
        }
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
        (Connection::new(stream, &ConnectionLimit::new(9, None)).unwrap(), client)
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
