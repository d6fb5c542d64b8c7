//! From what the file says to what it means: defaults, limits and every mistake on the way.
pub(crate) mod admin;
pub(crate) mod limits;
pub(crate) mod memcache;
pub(crate) mod pool;
mod servers;
mod watch;

use std::path::PathBuf;

use crate::config::{Backend, Config, Pool};
use crate::errors::ConfigError;
use crate::keys::{listed, nearest};
use crate::listen::Listen;
use crate::node::{Node, Said};
use crate::section::Section;
use crate::value::Unfit;

/// The keys of the file.
pub const KEYS: [&str; 15] = [
    "backend",
    "state_dir",
    "memcachehost",
    "memcacheport",
    "memcache",
    "listen",
    "max_wait",
    "max_patience",
    "limits",
    "admin_keys",
    "admin_socket",
    "history_runs",
    "event_buffer",
    "metrics",
    "pools",
];

/// Keys that begin so are for the author's anchors.
const EXTENSION: &str = "x-";

/// Checks the whole file.
pub(crate) fn config(Node { at, said }: Node) -> Result<Config, Vec<ConfigError>> {
    if let Said::Map(entries) = said {
        return map(Section::open(at, entries));
    }
    if matches!(said, Said::Nothing) {
        let way_out = "name at least one pool under pools:";
        return Err(vec![ConfigError::in_file("is empty", way_out)]);
    }
    let way_out = format!("begin with one of the keys {}", listed(&KEYS, "or"));
    Err(vec![ConfigError::new(at, format!("the file is {said}"), way_out)])
}

fn map(mut file: Section) -> Result<Config, Vec<ConfigError>> {
    let backend = backend(&mut file);
    let state_dir = state_dir(&mut file, &backend);
    let nowhere = Unfit::because("is an empty list", "leave the key out to listen on every address");
    let listen = file.take_each("listen", nowhere, listen).unwrap_or_default();
    let limits = limits::take(&mut file);
    let (admin, watch) = (admin::take(&mut file), watch::take(&mut file));
    let pools = pools(&mut file, &backend);
    file.ignore(|key| key.starts_with(EXTENSION));
    let mistakes = file.close(&KEYS, Some(EXTENSION));
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(Config { backend, state_dir, limits, listen, admin, telemetry: watch, pools })
}

fn backend(file: &mut Section) -> Backend {
    let word = file.take("backend", backend_word).unwrap_or(Backend::IN_MEMORY);
    let memcache = memcache::take(file);
    if word == Backend::MEMCACHE { Backend::Memcache(memcache) } else { Backend::InMemory }
}

/// Takes the directory that keeps leases over restarts. Only the server's own memory needs one.
fn state_dir(file: &mut Section, backend: &Backend) -> Option<PathBuf> {
    let at = file.place("state_dir");
    let state_dir = file.take("state_dir", directory);
    if let (Some(at), Backend::Memcache(_)) = (at, backend) {
        let way_out = "leave it out: leases are in memcached, and a restarted server finds them there";
        file.note(ConfigError::new(at, "state_dir is given beside backend: memcache", way_out));
    }
    state_dir
}

fn directory(said: &Said) -> Result<PathBuf, Unfit> {
    let way_out = "must be a directory, as in /var/lib/distributex";
    let path = said.word().filter(|path| !path.trim().is_empty() && !path.contains('\0'));
    path.map(PathBuf::from).ok_or_else(|| Unfit::new(said, way_out))
}

fn backend_word(said: &Said) -> Result<&'static str, Unfit> {
    let given = said.word().unwrap_or_default();
    if let Some(word) = Backend::WORDS.into_iter().find(|word| *word == given) {
        return Ok(word);
    }
    Err(match nearest(&given, &Backend::WORDS) {
        Some(near) => Unfit::new(said, format!("did you mean {near}?")),
        None => Unfit::new(said, format!("must be {}", listed(&Backend::WORDS, "or"))),
    })
}

fn listen(said: &Said) -> Result<Listen, Unfit> {
    let address = said.word().and_then(|word| word.trim().parse().ok());
    address.ok_or_else(|| Unfit::new(said, Listen::EXPECTED))
}

fn pools(file: &mut Section, backend: &Backend) -> Vec<Pool> {
    const WAY_OUT: &str = "must be a list in which each pool begins with - name: NAME";
    let Some(Node { at, said }) = file.take_node("pools") else {
        file.note(Unfit::because("is missing", WAY_OUT).of("pools", file.at));
        return Vec::new();
    };
    let unfit = Unfit::new(&said, WAY_OUT).of("pools", at);
    if let Said::List(items) = said
        && !items.is_empty()
    {
        return pool::all(items, backend, file);
    }
    file.note(unfit);
    Vec::new()
}
