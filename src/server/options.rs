//! What can be said to `distributexd` on the command line.

use std::path::PathBuf;

use distributex_config::{Config, Listen};
use structopt::StructOpt;

const EXAMPLES: &str = "EXAMPLES:
    distributexd -c /etc/distributex.yaml            every address of this machine, port 9889
    distributexd -c distributex.yaml --check         is the file right? (0 yes, 78 no)
    distributexd -c distributex.yaml --listen 127.0.0.1:8000 --listen '[::1]:8000'

    curl 'http://localhost:9889/get/?host=me&pool=pool1'        YES or NO, at once
    curl 'http://localhost:9889/wait/?host=me&pool=pool1'       YES, as soon as it is your turn
    curl 'http://localhost:9889/release/?host=me&pool=pool1'    OK

    The same with leases that can be renewed, in JSON; /openapi.json describes it:
    curl http://localhost:9889/v1/pools/pool1/acquire -d '{\"host\": \"me\", \"owner\": \"a7\", \"wait\": 60, \"ttl\": 30}'
    curl http://localhost:9889/v1/pools/pool1/renew -d '{\"lease\": \"…\"}'
    curl http://localhost:9889/v1/pools/pool1/release -d '{\"lease\": \"…\"}'
    curl http://localhost:9889/v1/pools                         who holds what, and who waits

    Operators pull levers on the local socket (admin_socket), or with a key (admin_keys):
    curl --unix-socket /run/distributexd/admin.sock http://localhost/v1/admin/pools/pool1/pause -d '{\"reason\": \"…\"}'
    curl -H @file http://localhost:9889/v1/admin/pools/pool1/resume -d '{}'    the file says Authorization: Bearer KEY

SIGNALS:
    TERM, INT    answer those who wait, and stop; a second one stops at once
    HUP          read the file again: pools appear, change and disappear, and who holds a slot keeps it;
                 operators' keys are those in the file

EXIT STATUS:
    0     stopped by a signal
    64    wrong usage
    70    a pool failed; the server would have forgotten who holds its slots
    71    the system refused something, such as the port or the state directory
    78    wrong configuration

LOG:
    Goes to standard error: a line for every grant, release and expiry. RUST_LOG=warn leaves these out.";

/// Hands out slots of named pools over HTTP, first come, first served.
#[derive(Debug, StructOpt)]
#[structopt(name = "distributexd", after_help = EXAMPLES, usage = "distributexd -c FILE [OPTIONS]")]
pub struct ServerOptions {
    /// The configuration file (YAML); config/distributex.yaml and config/memcache.yaml explain every key
    #[structopt(short, long, value_name = "FILE", parse(from_os_str))]
    pub config: PathBuf,

    /// The port [default: 9889]
    #[structopt(short, long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Where to listen: an address, a name or *, and a port if it is not that of -p; may be repeated
    #[structopt(long, value_name = "ADDR[:PORT]", number_of_values = 1)]
    pub listen: Vec<Listen>,

    /// Threads that serve connections. The first one has the pools too, and one is fastest on most machines
    #[structopt(long, value_name = "N", default_value = "1", parse(try_from_str = workers))]
    pub workers: usize,

    /// Only check the configuration file
    #[structopt(long)]
    pub check: bool,
}

impl ServerOptions {
    /// Where to listen. The command line wins over the file: `--listen` over its addresses, `-p` over its
    /// ports.
    #[must_use]
    pub fn listen(&self, config: &Config) -> Vec<Listen> {
        let everywhere = || Listen { host: Listen::EVERY.to_owned(), port: None };
        let (mut addresses, from_file) = match (self.listen.is_empty(), config.listen.is_empty()) {
            (false, _) => (self.listen.clone(), false),
            (true, false) => (config.listen.clone(), true),
            (true, true) => (vec![everywhere()], true),
        };
        for address in &mut addresses {
            if from_file || address.port.is_none() {
                address.port = self.port.or(address.port);
            }
        }
        addresses
    }
}

fn workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=1024) => Ok(n),
        Ok(_) | Err(_) => Err("give a whole number from 1 to 1024".to_owned()),
    }
}
