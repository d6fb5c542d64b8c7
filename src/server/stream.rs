//! Socket under a connection: TCP, or the admin socket.

use std::{
    future::Future as _,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_rt::net::{TcpStream, UnixStream};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Maximum time a client may leave a response unread once the socket's buffer is full.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// A host that lost power is noticed after `time + retries * interval`: a minute.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(30))
    .with_interval(Duration::from_secs(10))
    .with_retries(3);

/// Maximum number of unread response bytes in the kernel. Without it, thousands of clients that read nothing could
/// take all memory that the machine has for TCP.
const MAX_UNSENT: u32 = 32 * 1024;

/// Sets socket options on a TCP listener; connections inherit them without a system call each.
///
/// # Errors
/// When the kernel refuses one.
pub fn prepare(listener: &TcpListener) -> io::Result<()> {
    let socket = SockRef::from(listener);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&KEEPALIVE)?;
    socket.set_tcp_notsent_lowat(MAX_UNSENT)
}

/// A socket with a limit on unread responses.
#[derive(Debug)]
pub struct ClientStream {
    socket: Socket,
    /// Runs while a write waits for the client to read.
    write_timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Local(UnixStream),
}

impl ClientStream {
    /// User id of the other end of the admin socket; `None` over TCP.
    ///
    /// # Errors
    /// When the kernel does not know it.
    pub fn uid(&self) -> io::Result<Option<u32>> {
        match &self.socket {
            Socket::Tcp(_) => Ok(None),
            Socket::Local(stream) => stream.peer_cred().map(|user| Some(user.uid())),
        }
    }

    /// Address of the other end; `None` on the admin socket.
    ///
    /// # Errors
    /// When the client is already gone.
    pub fn addr(&self) -> io::Result<Option<SocketAddr>> {
        match &self.socket {
            Socket::Tcp(stream) => stream.peer_addr().map(Some),
            Socket::Local(_) => Ok(None),
        }
    }
}

impl From<TcpStream> for ClientStream {
    fn from(stream: TcpStream) -> Self {
        Self { socket: Socket::Tcp(stream), write_timer: None }
    }
}

impl From<UnixStream> for ClientStream {
    fn from(stream: UnixStream) -> Self {
        Self { socket: Socket::Local(stream), write_timer: None }
    }
}

impl AsFd for ClientStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Local(stream) => stream.as_fd(),
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Socket::Local(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ClientStream {
    /// Nearly all writes complete at once and need no timer.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Socket::Local(stream) => Pin::new(stream).poll_write(cx, buf),
        };
        if written.is_ready() {
            self.write_timer = None;
            return written;
        }
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        let unread = || io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer");
        timer.as_mut().poll(cx).map(|()| Err(unread()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(())) // a socket buffers nothing to flush
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Local(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io::Read as _, os::unix::net::UnixStream as Client};

    use tokio::time::{Instant, advance, pause};

    use super::*;

    /// Both ends of a local connection, with paused time.
    async fn connected() -> (ClientStream, Client) {
        let (ours, client) = Client::pair().unwrap();
        for end in [&ours, &client] {
            end.set_nonblocking(true).unwrap();
        }
        let ours = UnixStream::from_std(ours).unwrap();
        ours.writable().await.unwrap();
        pause();
        (ours.into(), client)
    }

    async fn write(stream: &mut ClientStream) -> io::Result<usize> {
        poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, &[0; 64 * 1024])).await
    }

    /// Writes until the buffer is full.
    async fn fill(stream: &mut ClientStream) {
        while poll_fn(|cx| Poll::Ready(Pin::new(&mut *stream).poll_write(cx, &[0; 64 * 1024]).is_ready()))
            .await
        {}
    }

    #[test]
    fn a_connection_has_the_options_of_its_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        prepare(&listener).unwrap();

        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (connection, _) = listener.accept().unwrap();

        let socket = SockRef::from(&connection);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(30));
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), MAX_UNSENT);
    }

    #[actix::test]
    async fn a_client_that_reads_nothing_has_ten_seconds() {
        let (mut stream, _client) = connected().await;
        let start = Instant::now();
        fill(&mut stream).await;

        let end = write(&mut stream).await;

        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() >= WRITE_TIMEOUT);
        assert!(start.elapsed() < WRITE_TIMEOUT + Duration::from_millis(2)); // tokio's timers fire at most 1 ms late
    }

    #[actix::test]
    async fn a_client_that_reads_slowly_has_ten_seconds_each_time() {
        let (mut stream, mut client) = connected().await;
        for _ in 0..3 {
            fill(&mut stream).await;
            assert!(stream.write_timer.is_some());

            advance(WRITE_TIMEOUT - Duration::from_secs(1)).await;
            while client.read(&mut [0; 64 * 1024]).is_ok() {}

            assert!(write(&mut stream).await.is_ok());
            assert!(stream.write_timer.is_none());
        }
    }
}
