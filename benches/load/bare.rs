//! The bare server: the same web framework with nothing behind it, as the ceiling and the floor of
//! what the real server can reach. Its answers are fixed, and its `/wait` parks for ever.

use std::{env, future};

use actix_web::{App, HttpServer, rt::System, web};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::{Result, failed_to};

/// The argument that makes a bench's binary the bare server.
pub(crate) const ARGUMENT: &str = "--bare-server";

/// Whether this process was started to be the bare server.
pub(crate) fn is_asked_for() -> bool {
    env::args().any(|argument| argument == ARGUMENT)
}

/// Serves on a free port, says where on stdout, and ends with the bench that started it.
pub(crate) fn serve() -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed_to("tie the server to its bench"))?;
    System::new().block_on(run())
}

/// One worker, as the real server is measured with one client core left to it.
async fn run() -> Result<()> {
    let server = HttpServer::new(|| {
        App::new()
            .route("/get", web::get().to(async || "YES"))
            .route("/release", web::get().to(async || "OK"))
            .route("/wait", web::get().to(future::pending::<&'static str>))
    })
    .workers(1)
    .bind("127.0.0.1:0")?;
    println!("bare server on http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}
