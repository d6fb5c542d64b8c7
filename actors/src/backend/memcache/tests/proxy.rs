//! Proxy of a memcached that loses replies.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU32, Ordering},
    },
    thread,
};

use distributex_config::MemcacheServer;

use super::testing::server;

/// A proxy of a memcached that can lose replies.
pub(crate) struct LossyProxy {
    port: u16,
    target: Arc<AtomicU16>,
    losses: Arc<AtomicU32>,
}

impl LossyProxy {
    /// A proxy of this port of this machine.
    pub(crate) fn start(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (target, losses) = (Arc::new(AtomicU16::new(target)), Arc::new(AtomicU32::new(0)));
        let proxy = Self { port, target: Arc::clone(&target), losses: Arc::clone(&losses) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let target = (Ipv4Addr::LOCALHOST, target.load(Ordering::SeqCst));
                if let Ok(server) = TcpStream::connect(target) {
                    pass_on(&client, &server, Arc::default()); // commands are never lost
                    pass_on(&server, &client, Arc::clone(&losses));
                }
            }
        });
        proxy
    }

    pub(crate) fn server(&self) -> MemcacheServer {
        server(self.port)
    }

    /// Redirects new connections to this port.
    pub(crate) fn lead_to(&self, port: u16) {
        self.target.store(port, Ordering::SeqCst);
    }

    /// Closes the connection instead of passing on a reply, for this number of replies.
    pub(crate) fn lose(&self, answers: u32) {
        self.losses.store(answers, Ordering::SeqCst);
    }
}

/// Passes on data in one direction, in a thread of its own, until it is to be lost.
fn pass_on(from: &TcpStream, to: &TcpStream, losses: Arc<AtomicU32>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(1..) = from.read(&mut buffer).map(|length| {
            let lost = length > 0 && losses.try_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
            if lost || to.write_all(&buffer[..length]).is_err() { 0 } else { length }
        }) {}
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

fn less(losses: u32) -> Option<u32> {
    losses.checked_sub(1)
}
