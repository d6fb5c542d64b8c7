//! A connection of the server, which can check whether its client is still there.
//!
//! It lies under actix-http's dispatcher, which reads requests and writes responses, and adds what that lacks: each
//! request is answered before the next is read; a client that hung up before its response gets no lease; pipelined
//! bytes behind a parked request are limited; and a request's head is limited in size and time, also on a reused
//! connection. The [`ClientStream`] below it limits the time a client may leave a response unread.

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

/// Maximum time for the head of a request to arrive.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum number of bytes behind a request that is not answered yet: one read.
const MAX_PIPELINED_BYTES: usize = 8 * 1024;

/// A connection as the dispatcher sees it: one request at a time.
///
/// ```text
///  socket ─► held ─► head, once it is complete ─► body, as it arrives ─┐
///              ▲                                                       ▼
///              └──────── next request ◄──────────── answering, until the response is written
/// ```
#[derive(Debug)]
pub struct Connection {
    peer: Rc<Peer>,
    /// Progress within the request that is being passed on.
    framing: Framing,
    /// Bytes that have arrived but were not passed on.
    held: Vec<u8>,
    /// Number of held bytes that belong to the current request.
    framed: usize,
    /// Bytes passed on since the dispatcher last processed them.
    given: usize,
    /// Whether a complete request was passed on whose response is not written yet.
    answering: bool,
    /// Whether the task is registered to be woken when the connection has to close.
    registered: bool,
    /// Runs while a head is incomplete.
    head_timer: Option<Pin<Box<Sleep>>>,
}

/// A connection as request handlers see it.
#[derive(Debug)]
pub struct Peer {
    stream: RefCell<ClientStream>,
    /// User id of the other end of the admin socket.
    uid: Option<u32>,
    /// Address of the client; `None` on the admin socket.
    addr: Option<SocketAddr>,
    /// Permit of the connection limit; `None` on the admin socket.
    member: Option<ConnectionPermit>,
    /// Whether a request is being handled.
    busy: Cell<bool>,
    /// Whether that request is complete.
    under_way: Cell<bool>,
    /// Whether that request is parked.
    parked: Cell<bool>,
    /// Bytes that arrived while it was parked.
    behind: Cell<usize>,
    /// Whether the last head was too large.
    head_too_large: Cell<bool>,
    /// A body that was not read to its end.
    unread: RefCell<Option<h1::Payload>>,
}

impl Connection {
    /// Takes over a new connection.
    ///
    /// # Errors
    /// When the client is already gone.
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

    /// The handlers' view.
    #[must_use]
    pub fn peer(&self) -> &Rc<Peer> {
        &self.peer
    }

    /// Address of the client; `None` on the admin socket.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.peer.addr
    }

    /// Reads what belongs to the current request and holds the rest. Nearly all requests arrive in one piece and
    /// alone, and go straight to the dispatcher.
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

    /// As [`Connection::read`], with held bytes.
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

    /// Counts bytes of the request that were passed on.
    fn count_passed_on(&mut self, handed: usize) {
        self.given += handed;
        self.peer.behind.set(self.peer.behind.get().saturating_add(handed));
        if self.framed == 0 && self.framing.is_complete() {
            self.answering = true;
            self.peer.set_under_way(true);
        }
    }

    /// Replaces the head by a small one, for which the handlers have the right response.
    fn replace_head(&mut self) {
        self.held = framing::substitute(&self.held);
        self.framed = self.held.len();
        self.framing = Framing::behind_substitute();
        self.given = MAX_HEAD;
        self.peer.head_too_large.set(true);
    }

    /// Reads a little behind a request, to notice the end of the connection.
    fn poll_pipelined(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.held.len() <= MAX_PIPELINED_BYTES {
            if ready!(self.poll_hold(cx, buf))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending // until the response is written
    }

    /// Reads the rest of an unwanted body; the connection closes when the client has read the response.
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

    /// Reads into the held bytes; returns their number, 0 at the end of the connection. The dispatcher's free buffer
    /// space is only borrowed.
    fn poll_hold(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let start = buf.filled().len();
        ready!(self.peer.poll_read(cx, buf))?;
        let came = &buf.filled()[start..];
        self.held.extend_from_slice(came);
        let came = came.len();
        buf.set_filled(start);
        Poll::Ready(Ok(came))
    }

    /// Whether the client sent too much behind a parked request.
    fn exceeds_pipelining_limit(&self) -> bool {
        self.peer.parked.get()
            && (self.held.len() > MAX_PIPELINED_BYTES || self.peer.behind.get() > MAX_PIPELINED_BYTES)
    }

    /// Whether the connection has to close in favor of others.
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
    /// Marks a request as being handled until the guard is dropped.
    #[must_use]
    pub fn begin(self: &Rc<Self>) -> InFlight {
        self.busy.set(true);
        InFlight { peer: Rc::clone(self) }
    }

    /// User id of the other end of the admin socket; `None` over TCP.
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// Address for per-client limits; `None` on the admin socket, which has none.
    #[must_use]
    pub fn address(&self) -> Option<ClientAddress> {
        self.addr.map(|addr| ClientAddress::from(addr.ip()))
    }

    /// Whether the head of the current request was too large; then only its path is known.
    #[must_use]
    pub fn is_head_too_large(&self) -> bool {
        self.head_too_large.get()
    }

    /// Whether the client closed, half-closed or reset the connection. Asks the kernel: the dispatcher may not have
    /// noticed, and unread bytes do not hide the end.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let stream = self.stream.borrow();
        let mut fds = [PollFd::new(&*stream, PollFlags::RDHUP)];
        let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        poll(&mut fds, Some(&Timespec::default())).is_err() || fds[0].revents().intersects(gone)
    }

    /// Keeps an unread body. The dispatcher then closes the connection; without it, it would wait forever for the end
    /// of a chunked body.
    pub fn keep_unread_body(&self, body: Payload) {
        if let Payload::H1 { payload } = body {
            *self.unread.borrow_mut() = Some(payload);
        }
    }

    /// Whether a request was handled without reading its body to the end.
    fn has_unread_body(&self) -> bool {
        !self.busy.get() && self.unread.borrow().is_some()
    }

    /// Records whether a complete request is in progress; without one, the connection may be closed in favor of
    /// others.
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

/// Guard of a request that is being handled; see [`Peer::begin`].
#[derive(Debug)]
pub struct InFlight {
    peer: Rc<Peer>,
}

impl InFlight {
    /// Marks the request as parked, or as streaming its response.
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
            let what = "the connection was closed in favor of others";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, what)));
        }
        if self.answering {
            return self.poll_pipelined(cx, buf);
        }
        if self.peer.has_unread_body() && !self.framing.is_complete() {
            return self.poll_discard(cx, buf);
        }
        if self.given >= MAX_HEAD {
            cx.waker().wake_by_ref(); // the dispatcher reads everything it can before it parses
            return Poll::Pending;
        }
        if self.held.is_empty() { self.read(cx, buf) } else { self.read_and_frame(cx, buf) }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.peer.stream.borrow_mut()).poll_write(cx, buf)
    }

    /// The dispatcher ends every round with this, after all writes: the place to check whether the connection
    /// continues, and whether the next request may be read.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.exceeds_pipelining_limit() {
            let what = "too much data after a parked request";
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

    /// Both ends of a connection.
    pub(in super::super) async fn connected() -> (Connection, Client) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Connection::new(stream, &ConnectionLimit::new(9, None)).unwrap(), client)
    }

    /// Returns when the kernel has noticed the client's end.
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
