//! How a host asks a server that may be killed in the middle of it.

use std::{io, net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::support::post;

/// The way to one server; one connection for as long as it lasts.
#[derive(Debug)]
pub(super) struct Link {
    /// Where it leads.
    addr: SocketAddr,
    /// The pool that is asked for.
    pool: &'static str,
    /// The connection, if there is one.
    stream: Option<BufReader<TcpStream>>,
}

impl Link {
    /// Leads there, for this pool.
    pub(super) fn to(addr: SocketAddr, pool: &'static str) -> Self {
        Self { addr, pool, stream: None }
    }

    /// A classic call: its status and its word, or `None` if nothing came in time. Then it may have
    /// been done, and may not.
    pub(super) async fn ask(&mut self, call: &str, host: &str, patience: Duration) -> Option<(u16, String)> {
        let pool = self.pool;
        let request = format!("GET /{call}?host={host}&pool={pool} HTTP/1.1\r\nHost: test\r\n\r\n");
        self.answer(&request, patience).await
    }

    /// The same with a call of v1.
    pub(super) async fn call(
        &mut self,
        call: &str,
        body: &Value,
        patience: Duration,
    ) -> Option<(u16, Value)> {
        let request = post(&format!("/v1/pools/{}/{call}", self.pool), &body.to_string());
        let (status, body) = self.answer(&request, patience).await?;
        Some((status, serde_json::from_str(&body).unwrap_or_default()))
    }

    async fn answer(&mut self, request: &str, patience: Duration) -> Option<(u16, String)> {
        let answer = timeout(patience, self.exchange(request)).await.ok().and_then(Result::ok);
        if answer.is_none() {
            self.stream = None;
        }
        answer
    }

    async fn exchange(&mut self, request: &str) -> io::Result<(u16, String)> {
        if self.stream.is_none() {
            self.stream = Some(BufReader::new(TcpStream::connect(self.addr).await?));
        }
        let stream = self.stream.as_mut().expect("it was just opened");
        stream.write_all(request.as_bytes()).await?;
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            if stream.read_line(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(value) = head[start..].to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        if head.to_ascii_lowercase().contains("connection: close") {
            self.stream = None;
        }
        Ok((head[9..12].parse().unwrap(), String::from_utf8(body).unwrap()))
    }
}
