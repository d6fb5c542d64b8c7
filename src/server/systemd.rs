//! Integration with systemd: takes over sockets that it opened, so that no connection is refused during a restart, and
//! notifies it of readiness, reloads and the stop. Without systemd, nothing here has an effect.

#![expect(
    unsafe_code,
    reason = "std cannot know that a number in the environment is a descriptor owned by this process alone"
)]

use std::{
    io,
    net::TcpListener,
    os::fd::{FromRawFd as _, OwnedFd},
};

use log::warn;
use sd_notify::NotifyState;
use socket2::{SockRef, Type};
use thiserror::Error;

/// Sockets that were passed on cannot be used.
#[derive(Debug, Error)]
pub enum BadSockets {
    /// The environment is inconsistent.
    #[error("cannot use the sockets that systemd passed on: {0}")]
    Environment(#[from] io::Error),
    /// A descriptor is not a listening TCP socket.
    #[error(
        "socket number {0} that systemd passed on does not listen for TCP connections: in the .socket unit, name \
         ports or addresses with ListenStream=, and leave Accept=no"
    )]
    NotListening(usize),
}

/// Sockets that systemd has opened for this process. Only the first call returns them.
///
/// # Errors
/// When one of them is not a listening TCP socket.
pub fn sockets() -> Result<Vec<TcpListener>, BadSockets> {
    let mut sockets = Vec::new();
    for (number, fd) in sd_notify::listen_fds()?.enumerate() {
        // SAFETY: sd_listen_fds(3): the descriptor is open, and owned by this process, as LISTEN_PID is its pid;
        // called once, at the very start, before anything else was opened.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        if !listens(&fd) {
            return Err(BadSockets::NotListening(number + 1));
        }
        sockets.push(TcpListener::from(fd));
    }
    Ok(sockets)
}

fn listens(fd: &OwnedFd) -> bool {
    let socket = SockRef::from(fd);
    let is_tcp = socket.local_addr().is_ok_and(|addr| addr.as_socket().is_some())
        && socket.r#type().is_ok_and(|kind| kind == Type::STREAM);
    is_tcp && socket.is_listener().unwrap_or(false)
}

/// Notifies systemd: ready.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Notifies systemd: reloading; followed by [`ready`].
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => warn!(error:%; "sd_notify_failed"),
    }
}

/// Notifies systemd: stopping.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        warn!(error:%; "sd_notify_failed");
    }
}
