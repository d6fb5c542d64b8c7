//! Command line of `distributexd`.

use std::path::PathBuf;

use distributex_config::{Config, Listen};
use structopt::StructOpt;

use super::log_format::LogFormat;

const EXAMPLES: &str = "EXAMPLES:
    distributexd -c /etc/distributex.yaml            every address of this machine, port 9889
    distributexd -c distributex.yaml --check         only check the file: 0 valid, 78 invalid
    distributexd -c distributex.yaml --listen 127.0.0.1:8000 --listen '[::1]:8000'

    curl 'http://localhost:9889/get/?host=me&pool=pool1'        YES or NO, immediately
    curl 'http://localhost:9889/wait/?host=me&pool=pool1'       YES, as soon as a slot is free
    curl 'http://localhost:9889/release/?host=me&pool=pool1'    OK

    The same with leases that can be renewed, in JSON; /openapi.json describes it:
    curl http://localhost:9889/v1/pools/pool1/acquire -d '{\"host\": \"me\", \"owner\": \"a7\", \"wait\": 60, \"ttl\": 30}'
    curl http://localhost:9889/v1/pools/pool1/renew -d '{\"lease\": \"…\"}'
    curl http://localhost:9889/v1/pools/pool1/release -d '{\"lease\": \"…\"}'
    curl http://localhost:9889/v1/pools                         holders and queues of all pools

    Admin actions, through the admin socket (admin_socket) or with a key (admin_keys):
    curl --unix-socket /run/distributexd/admin.sock http://localhost/v1/admin/pools/pool1/pause -d '{\"reason\": \"…\"}'
    curl -H @file http://localhost:9889/v1/admin/pools/pool1/resume -d '{}'    the file says Authorization: Bearer KEY

SIGNALS:
    TERM, INT    refuse waiting requests and stop; a second one stops at once
    HUP          read the file again: pools and operators' keys change, leases are kept

EXIT STATUS:
    0     stopped by a signal
    64    wrong usage
    70    internal error in a pool; the server exits rather than grant slots twice
    71    the system refused something, such as the port or the state directory
    78    invalid configuration

LOG:
    On standard error: one line for every grant, end of a lease, and admin action. RUST_LOG=warn omits grants and
    ends.";

/// Grants slots of named pools over HTTP, first in, first out
#[derive(Debug, StructOpt)]
#[structopt(name = "distributexd", after_help = EXAMPLES, usage = "distributexd -c FILE [OPTIONS]")]
pub struct ServerOptions {
    /// Configuration file (YAML); config/distributex.yaml and config/memcache.yaml explain every key
    #[structopt(short, long, value_name = "FILE", parse(from_os_str))]
    pub config: PathBuf,

    /// Port; wins over the ports in the file [default: 9889]
    #[structopt(short, long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Address to listen on: an address, a name, or * for all; may be repeated [default: *]
    #[structopt(long, value_name = "ADDR[:PORT]", number_of_values = 1)]
    pub listen: Vec<Listen>,

    /// Threads that serve connections; the pools run on the first one, and alone it is fastest
    #[structopt(long, value_name = "N", default_value = "1", parse(try_from_str = workers))]
    pub workers: usize,

    /// Only check the configuration file
    #[structopt(long)]
    pub check: bool,

    /// Format of log lines
    #[structopt(long, value_name = "FORMAT", default_value = "plain", possible_values = &LogFormat::WORDS)]
    pub log_format: LogFormat,
}

impl ServerOptions {
    /// Addresses to listen on. The command line takes precedence over the file: `--listen` over its
    /// addresses, `-p` over its ports.
    #[must_use]
    pub fn listen(&self, config: &Config) -> Vec<Listen> {
        let everywhere = || Listen { host: Listen::ANY.to_owned(), port: None };
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
        Ok(_) | Err(_) => Err("must be a whole number from 1 to 1024".to_owned()),
    }
}
