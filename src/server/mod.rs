//! `distributexd`: HTTP in front of the pools. Translates requests into messages and replies into bytes, and decides
//! nothing.

use std::{
    future::ready, io, net::TcpListener, os::unix::net::UnixListener, rc::Rc, sync::Arc, time::Duration,
};

use actix_http::{HttpService, KeepAlive, error::DispatchError};
use actix_rt::net::{TcpStream, UnixStream};
use actix_server::Server;
use actix_service::{ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{App, dev::AppConfig};
use distributex_actors::{ParkingLimit, Registry, backend::Store};
use distributex_config::Config;

use self::{
    connection::Connection, connection_limit::ConnectionLimit, file_limits::FileLimits, shared::Shared,
    stream::ClientStream,
};

pub mod classic;
pub mod connection;
pub mod connection_limit;
pub mod deliver;
pub mod dialect;
pub mod dispatch;
pub mod file_limits;
mod framing;
pub mod listen;
pub mod local;
pub mod log;
pub mod log_format;
pub mod monitoring;
pub mod options;
pub mod page;
mod query;
pub mod reload;
pub mod request_counters;
pub mod run;
pub mod shared;
pub mod stream;
pub mod systemd;
pub mod v1;

/// Maximum idle time of a connection between two requests.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// Time for a closing connection to read its last response.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Time for connections to end when the server stops, in seconds.
const STOP_TIMEOUT_SECONDS: u64 = 1;

/// Sockets of the server.
#[derive(Debug)]
pub struct Sockets {
    /// TCP.
    pub tcp: Vec<TcpListener>,
    /// The admin socket.
    pub local: Option<UnixListener>,
}

/// Starts the server on these sockets; it runs when awaited.
///
/// # Errors
/// When a socket cannot be used.
pub fn server(
    config: Config,
    limits: FileLimits,
    workers: usize,
    sockets: Sockets,
    store: Arc<dyn Store>,
    shared: &Arc<Shared>,
) -> io::Result<Server> {
    let service = Service {
        shared: Arc::clone(shared),
        config: Arc::new(config),
        store,
        room: ParkingLimit::new(limits.parked),
        connection_limit: Arc::clone(shared.connection_limit()),
    };
    let mut server = Server::build()
        .workers(workers)
        .max_concurrent_connections((limits.connections / workers).max(1))
        .shutdown_timeout(STOP_TIMEOUT_SECONDS)
        .disable_signals();
    for socket in sockets.tcp {
        stream::prepare(&socket)?;
        let service = service.clone();
        server = server.listen("http", socket, move || service.start::<TcpStream>())?;
    }
    if let Some(socket) = sockets.local {
        server = server.listen_uds("local", socket, move || service.start::<UnixStream>())?;
    }
    Ok(server.run())
}

/// Service of each worker.
#[derive(Debug, Clone)]
struct Service {
    shared: Arc<Shared>,
    /// Configuration to start the pools with.
    config: Arc<Config>,
    /// Store of the pools.
    store: Arc<dyn Store>,
    room: Arc<ParkingLimit>,
    connection_limit: Arc<ConnectionLimit>,
}

impl Service {
    /// Starts the pools, unless another worker did, and serves one kind of socket.
    fn start<S: Into<ClientStream> + 'static>(
        &self,
    ) -> impl ServiceFactory<S, Config = (), Response = (), Error = DispatchError, InitError = ()> + use<S>
    {
        self.shared.start(|| Registry::start(&self.config, &self.room, Arc::clone(&self.store)));
        let shared = Arc::clone(&self.shared);
        let app = App::new()
            .default_service(fn_service(move |request| dispatch::answer(request, Arc::clone(&shared))));
        let http = HttpService::build()
            .keep_alive(KeepAlive::Timeout(KEEP_ALIVE_TIMEOUT))
            .client_request_timeout(connection::HEAD_TIMEOUT)
            .client_disconnect_timeout(CLOSE_TIMEOUT)
            .h1_allow_half_closed(false) // a client that closes is gone: its parked wait ends now
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(Rc::clone(connection.peer()));
            })
            .h1(map_config(app, |()| AppConfig::default()));
        let connection_limit = Arc::clone(&self.connection_limit);
        let take_over = move |stream: S| {
            let connection = Connection::new(stream, &connection_limit).map_err(DispatchError::Io);
            ready(connection.map(|connection| {
                let addr = connection.addr();
                (connection, addr)
            }))
        };
        fn_service(take_over).and_then(http)
    }
}
