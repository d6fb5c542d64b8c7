//! Starts the real server on a port of its own, asks it over real sockets, and stops it when dropped.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use socket2::{Domain, Socket, Type};
use tokio::signal::unix::{SignalKind, signal};

/// After this long an answer is missing. Nothing waits that long in a run that passes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One pool with one slot.
pub(crate) const ONE_SLOT: &str = "pools: [{name: pool1, expire: 300}]";

/// A running `distributexd`; killed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Server {
    /// The process.
    pub(crate) child: Child,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// What it says after that.
    pub(crate) stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts the server with this configuration on a free port of 127.0.0.1.
    pub(crate) fn start(yaml: &str) -> Self {
        Self::start_with(yaml, |command| command)
    }

    /// As [`Server::start`], with something changed about the command: more options, the environment.
    pub(crate) fn start_with(yaml: &str, change: impl Fn(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
        command.arg("-c").arg(file_with(yaml)).args(["--listen", "127.0.0.1:0"]);
        Self::spawn(change(&mut command))
    }

    /// Starts the server with this configuration here.
    pub(crate) fn start_at(yaml: &str, addr: SocketAddr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
        Self::spawn(command.arg("-c").arg(file_with(yaml)).args(["--listen", &addr.to_string()]))
    }

    /// Starts this command, which is or becomes a server.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        prepare();
        if command.get_envs().all(|(name, _)| name != "RUST_LOG") {
            command.env_remove("RUST_LOG"); // what a developer likes to see is not what tests read
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let (_, addr) = line.trim_end().split_once("http://").expect("the server ended before it listened");
        Self { child, addr: addr.parse().unwrap(), stdout }
    }

    /// A new connection to it.
    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        Client { reader: BufReader::new(stream) }
    }

    /// The same from this address of the machine.
    pub(crate) fn connect_from(&self, address: &str) -> Client {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let address: SocketAddr = format!("{address}:0").parse().unwrap();
        socket.bind(&address.into()).unwrap();
        socket.connect(&self.addr.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        Client { reader: BufReader::new(stream) }
    }

    /// One `GET` on a connection of its own: status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.connect().ask(path)
    }

    /// The word that answers a classic call on a connection of its own.
    pub(crate) fn word(&self, path: &str) -> String {
        let (status, word) = self.get(path);
        assert_eq!(status, 200, "{path}: {word}");
        word
    }

    /// A connection whose wait reaches its pool before anything that is sent after this has returned: it travels in
    /// one packet behind a request that needs no pool, and is handed on as soon as that one's answer is written.
    pub(crate) fn waiting(&self, host: &str, pool: &str) -> Client {
        self.wait_on(self.connect(), host, pool)
    }

    /// The same on this connection.
    pub(crate) fn wait_on(&self, mut client: Client, host: &str, pool: &str) -> Client {
        let wait = format!("GET /wait?host={host}&pool={pool} HTTP/1.1\r\nHost: test\r\n\r\n");
        client.send_raw(&format!("GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n{wait}"));
        assert_eq!(client.answer().0, 404);
        client
    }

    /// Returns when a request that was sent now has been answered.
    pub(crate) fn round_trip(&self) {
        assert_eq!(self.get("/nothing").0, 404);
    }

    /// Returns when the kernel has bytes for the server that this client sent.
    pub(crate) fn has_bytes_of(&self, client: SocketAddr) {
        eventually(|| self.ends().get(&client.port()).is_some_and(|(_, unread)| *unread > 0));
    }

    /// Returns when the kernel knows on the server's side that these clients ended their connections.
    pub(crate) fn has_ends_of(&self, clients: &[SocketAddr]) {
        const ESTABLISHED: u8 = 1;
        eventually(|| {
            let ends = self.ends();
            clients
                .iter()
                .all(|client| ends.get(&client.port()).is_none_or(|(state, _)| *state != ESTABLISHED))
        });
    }

    /// The server's ends of its connections by the port of the client: the state, and how many bytes are unread.
    /// See proc_net_tcp(5). With thousands of connections on the machine it is long: all are found in one go.
    fn ends(&self) -> HashMap<u16, (u8, u64)> {
        let own = format!(":{:04X} ", self.addr.port());
        let port = |addr: &str| u16::from_str_radix(addr.split_once(':')?.1, 16).ok();
        let end = |line: &str| {
            let fields: Vec<_> = line.split_ascii_whitespace().collect();
            let (_, unread) = fields.get(4)?.split_once(':')?;
            let end = (u8::from_str_radix(fields[3], 16).ok()?, u64::from_str_radix(unread, 16).ok()?);
            (port(fields[1])? == self.addr.port()).then_some((port(fields[2])?, end))
        };
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        table.lines().filter(|line| line.contains(&own)).filter_map(end).collect()
    }

    /// Everything it has logged, once it has ended. Its standard error must be a pipe.
    pub(crate) fn log_to_end(&mut self) -> String {
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Stops the process as Ctrl-Z does, and returns when it stands still.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
    }

    /// Waits for the process to end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A new connection to the server with this local socket.
pub(crate) fn connect_local(socket: &Path) -> Client<UnixStream> {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    Client { reader: BufReader::new(stream) }
}

/// One connection, on which one request follows another.
#[derive(Debug)]
pub(crate) struct Client<S = TcpStream> {
    reader: BufReader<S>,
}

impl Client {
    /// The socket.
    pub(crate) fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// Its address.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.stream().local_addr().unwrap()
    }

    /// Whether nothing has come that was not read.
    pub(crate) fn is_silent(&self) -> bool {
        self.stream().set_nonblocking(true).unwrap();
        let peeked = self.stream().peek(&mut [0]);
        self.stream().set_nonblocking(false).unwrap();
        self.reader.buffer().is_empty()
            && peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether the server neither answered nor closed, a round trip after it took the request.
    pub(crate) fn is_parked(&self, server: &Server) -> bool {
        server.round_trip();
        self.is_silent()
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(self.stream()).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Ends the sending half of the connection.
    pub(crate) fn half_close(&self) {
        half_close(self.stream());
    }
}

impl<S: Read + Write> Client<S> {
    /// Sends a `GET`.
    pub(crate) fn send(&mut self, path: &str) {
        self.send_raw(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    }

    /// Sends a `POST` with this body.
    pub(crate) fn post(&mut self, path: &str, body: &str) {
        self.send_raw(&post(path, body));
    }

    /// Sends these bytes.
    pub(crate) fn send_raw(&mut self, request: &str) {
        self.reader.get_mut().write_all(request.as_bytes()).unwrap();
    }

    /// Reads one answer: its status and its body.
    pub(crate) fn answer(&mut self) -> (u16, String) {
        let (head, body) = self.whole_answer();
        (head[9..12].parse().unwrap(), body)
    }

    /// Reads one answer: its head and its body.
    pub(crate) fn whole_answer(&mut self) -> (String, String) {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            assert_ne!(self.reader.read_line(&mut head).unwrap(), 0, "closed after {head:?}");
            if let Some(value) = head[start..].to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    /// Reads one chunk of a body that comes in chunks; `None` at its end.
    pub(crate) fn chunk(&mut self) -> Option<String> {
        let mut length = String::new();
        assert_ne!(self.reader.read_line(&mut length).unwrap(), 0, "closed before the end");
        let length = usize::from_str_radix(length.trim_end(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        self.reader.read_exact(&mut chunk).unwrap();
        chunk.truncate(length);
        (length > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    /// Sends a `GET` and reads its answer.
    pub(crate) fn ask(&mut self, path: &str) -> (u16, String) {
        self.send(path);
        self.answer()
    }

    /// Reads until the server closes the connection; what came before that.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        if let Err(error) = self.reader.read_to_end(&mut rest) {
            let is_end = error.kind() == io::ErrorKind::ConnectionReset;
            assert!(is_end, "the server did not close: {error}");
        }
        String::from_utf8(rest).unwrap()
    }
}

/// Ends the sending half of a connection. One that the other end has reset has none any more.
pub(crate) fn half_close(stream: &TcpStream) {
    if let Err(error) = stream.shutdown(Shutdown::Write) {
        assert_eq!(error.kind(), io::ErrorKind::NotConnected, "{error}");
    }
}

/// Once, before the first program is started: opens the way for thousands of connections, and for signals.
pub(crate) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = distributex::server::file_limits::raise();
        thread::spawn(feel_signals).join().unwrap(); // it needs a runtime, and a test may be inside one
    });
}

/// In the background of a script or under nohup some signals are ignored, and by all that is started too. A
/// handler ends where another program begins.
fn feel_signals() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(mask.trim(), 16).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _inside = runtime.enter();
    for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()] {
        if ignored & (1 << (kind.as_raw_value() - 1)) != 0 {
            let _ = signal(kind).unwrap();
        }
    }
}

/// Not every machine has IPv6: many containers have not.
pub(crate) fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// A `POST` with this body, as it is sent.
pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A new file in the build's scratch folder that says `text`.
pub(crate) fn file_with(text: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}.yaml", std::process::id()));
    fs::write(&path, text).unwrap();
    path
}

/// Asks until it is so: for what happens soon, but sends no word of it.
pub(crate) fn eventually(so: impl Fn() -> bool) {
    let asked_since = tokio::time::Instant::now();
    while !so() {
        assert!(asked_since.elapsed() < TIMEOUT, "it never came to be");
        std::thread::yield_now();
    }
}
