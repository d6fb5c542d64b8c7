//! Validation: defaults, limits and a list of all errors.
pub(crate) mod admin;
mod hosts;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod memcache;
pub(crate) mod pool;
mod section;
mod telemetry;
pub(crate) mod value;

use std::path::PathBuf;

use crate::check::keys::{closest, join_words};
use crate::check::section::Section;
use crate::check::value::InvalidValue;
use crate::errors::ConfigError;
use crate::settings::Listen;
use crate::settings::{Backend, Config, Pool};
use crate::yaml::node::{Node, Value};

/// The top-level keys of the file.
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

/// Prefix of keys that are ignored, so that they can contain anchors.
const EXTENSION: &str = "x-";

/// Validates the whole file.
pub(crate) fn config(Node { id, value }: Node) -> Result<Config, Vec<ConfigError>> {
    if let Value::Map(entries) = value {
        return map(Section::open(id, entries));
    }
    if matches!(value, Value::Null) {
        let hint = "name at least one pool under pools:";
        return Err(vec![ConfigError::in_file("is empty", hint)]);
    }
    let hint = format!("begin with one of the keys {}", join_words(&KEYS, "or"));
    Err(vec![ConfigError::new(id, format!("the file is {value}"), hint)])
}

fn map(mut file: Section) -> Result<Config, Vec<ConfigError>> {
    let backend = backend(&mut file);
    let state_dir = state_dir(&mut file, &backend);
    let empty_list =
        InvalidValue::because("is an empty list", "leave the key out to listen on every address");
    let listen = file.take_list("listen", empty_list, listen).unwrap_or_default();
    let limits = limits::take(&mut file);
    let (admin, telemetry) = (admin::take(&mut file), telemetry::take(&mut file));
    let pools = pools(&mut file, &backend);
    file.ignore(|key| key.starts_with(EXTENSION));
    let errors = file.close(&KEYS, Some(EXTENSION));
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Config { backend, state_dir, limits, listen, admin, telemetry, pools })
}

fn backend(file: &mut Section) -> Backend {
    let word = file.take("backend", backend_word).unwrap_or(Backend::IN_MEMORY);
    let memcache = memcache::take(file);
    if word == Backend::MEMCACHE { Backend::Memcache(memcache) } else { Backend::InMemory }
}

/// Takes the directory in which the `inmemory` backend keeps its leases across restarts.
fn state_dir(file: &mut Section, backend: &Backend) -> Option<PathBuf> {
    let id = file.id_of("state_dir");
    let state_dir = file.take("state_dir", directory);
    if let (Some(id), Backend::Memcache(_)) = (id, backend) {
        let hint = "leave it out: leases are in memcached, and a restarted server finds them there";
        file.add_error(ConfigError::new(id, "state_dir is given beside backend: memcache", hint));
    }
    state_dir
}

fn directory(value: &Value) -> Result<PathBuf, InvalidValue> {
    let hint = "must be a directory, as in /var/lib/distributex";
    let path = value.word().filter(|path| !path.trim().is_empty() && !path.contains('\0'));
    path.map(PathBuf::from).ok_or_else(|| InvalidValue::new(value, hint))
}

fn backend_word(value: &Value) -> Result<&'static str, InvalidValue> {
    let given = value.word().unwrap_or_default();
    if let Some(word) = Backend::WORDS.into_iter().find(|word| *word == given) {
        return Ok(word);
    }
    Err(match closest(&given, &Backend::WORDS) {
        Some(near) => InvalidValue::new(value, format!("did you mean {near}?")),
        None => InvalidValue::new(value, format!("must be {}", join_words(&Backend::WORDS, "or"))),
    })
}

fn listen(value: &Value) -> Result<Listen, InvalidValue> {
    let address = value.word().and_then(|word| word.trim().parse().ok());
    address.ok_or_else(|| InvalidValue::new(value, Listen::EXPECTED))
}

fn pools(file: &mut Section, backend: &Backend) -> Vec<Pool> {
    const WAY_OUT: &str = "must be a list in which each pool begins with - name: NAME";
    let Some(Node { id, value }) = file.take_node("pools") else {
        file.add_error(InvalidValue::because("is missing", WAY_OUT).of("pools", file.id));
        return Vec::new();
    };
    let invalid = InvalidValue::new(&value, WAY_OUT).of("pools", id);
    if let Value::List(items) = value
        && !items.is_empty()
    {
        return pool::all(items, backend, file);
    }
    file.add_error(invalid);
    Vec::new()
}
