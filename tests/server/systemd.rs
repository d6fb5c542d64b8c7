//! What systemd and the server say to each other; here the test is systemd.

use std::{
    fs::File,
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    support::{ONE_SLOT, Server, file_with},
    wrapper::run::folder,
};

/// The server, with this as its third descriptor: the first that systemd passes on.
fn activated(passed: OwnedFd, yaml: &str) -> Command {
    const SCRIPT: &str = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
    let mut command = Command::new("bash");
    command.args(["-c", SCRIPT, env!("CARGO_BIN_EXE_distributexd"), "-c"]).arg(file_with(yaml));
    command.stdin(Stdio::from(passed));
    command
}

fn socket() -> (TcpListener, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

#[test]
fn it_serves_on_the_sockets_that_are_passed_on_and_on_no_others() {
    let (socket, addr) = socket();

    let server = Server::spawn(&mut activated(socket.into(), "listen: 127.0.0.1:1\npools: [{name: pool1}]"));

    assert_eq!(server.addr, addr);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
}

#[test]
fn what_is_no_listening_socket_is_told_so() {
    let (_listener, addr) = socket();
    let connected = TcpStream::connect(addr).unwrap();
    for passed in [OwnedFd::from(File::open("/dev/null").unwrap()), connected.into()] {
        let output = activated(passed, ONE_SLOT).output().unwrap();

        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(71), "{said}");
        assert!(said.contains("socket number 1") && said.contains("ListenStream="), "{said}");
    }
}

/// One question on a connection of its own: what came back.
fn ask(addr: SocketAddr, path: &str) -> Result<String, ErrorKind> {
    let asked = || {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    asked().map_err(|error: std::io::Error| error.kind())
}

#[test]
fn nobody_is_refused_while_the_server_is_restarted_again_and_again() {
    const RESTARTS: usize = 10;
    let (socket, addr) = socket();
    let yaml = format!("state_dir: {}\n{ONE_SLOT}", folder().join("state").display());
    let start = || Server::spawn(&mut activated(socket.try_clone().unwrap().into(), &yaml));
    let (is_over, asked, lost) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));

    thread::scope(|scope| {
        let clients = [0, 1, 2, 3].map(|client| {
            let (is_over, asked, lost) = (&is_over, &asked, &lost);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = match ask(addr, &format!("/get?host=host{client}&pool=pool1")) {
                        Ok(answer) if !answer.is_empty() => answer,
                        Err(ErrorKind::ConnectionRefused) => panic!("refused"),
                        Ok(_) | Err(_) => {
                            lost.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                    };
                    let (head, word) = answer.split_once("\r\n\r\n").unwrap_or_default();
                    let is_right = match &head[..head.len().min(12)] {
                        "HTTP/1.1 200" => word == "YES" || word == "NO",
                        "HTTP/1.1 503" => word == "NO",
                        _ => false,
                    };
                    assert!(is_right, "{answer:?}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        let mut server = start();
        for _ in 0..RESTARTS {
            let before = asked.load(Ordering::Relaxed);
            while asked.load(Ordering::Relaxed) < before + 50
                && clients.iter().all(|client| !client.is_finished())
            {
                thread::yield_now();
            }
            server.signal(Signal::TERM);
            assert_eq!(server.end().code(), Some(0));
            server = start();
        }
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().unwrap();
        }
    });
    assert!(asked.into_inner() >= RESTARTS * 50);
    // A busy machine may keep a connection from its worker until the server has ended.
    assert!(lost.into_inner() <= RESTARTS);
}

/// The next word for systemd, with its numbers cut off.
fn told(systemd: &UnixDatagram) -> String {
    let mut bytes = [0; 1024];
    let length = systemd.recv(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
    let words: Vec<_> = text.lines().map(|line| line.split('=').next().unwrap_or_default()).collect();
    words.join(" ")
}

fn notified(path: &Path) -> UnixDatagram {
    let systemd = UnixDatagram::bind(path).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    systemd
}

#[test]
fn it_says_when_it_is_ready_when_it_reloads_and_when_it_stops() {
    let path = folder().join("notify");
    let systemd = notified(&path);
    let mut server = Server::start_with(ONE_SLOT, |command| command.env("NOTIFY_SOCKET", &path));

    assert_eq!(told(&systemd), "READY");
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    server.signal(Signal::HUP);
    assert_eq!(told(&systemd), "RELOADING MONOTONIC_USEC");
    assert_eq!(told(&systemd), "READY");
    server.signal(Signal::TERM);
    assert_eq!(told(&systemd), "STOPPING");
    assert_eq!(server.end().code(), Some(0));
}
