//! Validation of `admin_keys` and `admin_socket`. An invalid hash may be the key itself, so no error repeats it.
use std::collections::HashMap;
use std::hash::Hash;
use std::path::PathBuf;

use crate::check::section::Section;
use crate::check::value::{InvalidValue, name};
use crate::errors::ConfigError;
use crate::settings::{Admin, AdminKey, MAX_SOCKET_BYTES};
use crate::yaml::node::{Node, NodeId, Value};

/// The keys of an entry of `admin_keys`.
pub const KEYS: [&str; 2] = ["name", "sha256"];

/// The output of `sha256sum` when `$key` was not set, with `printf` and with `echo`.
const EMPTY_SHA256: [&str; 2] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
];

/// Takes `admin_keys` and `admin_socket`.
pub(super) fn take(file: &mut Section) -> Admin {
    Admin { keys: keys(file), socket: file.take("admin_socket", socket) }
}

fn keys(file: &mut Section) -> Vec<AdminKey> {
    let Some(Node { id, value }) = file.take_node("admin_keys") else { return Vec::new() };
    let Value::List(items) = value else {
        let invalid = InvalidValue::because(
            "is not a list",
            "must be a list in which each key begins with - name: NAME",
        );
        file.add_error(invalid.of("admin_keys", id));
        return Vec::new();
    };
    if items.is_empty() {
        let invalid = InvalidValue::because(
            "is an empty list",
            "leave the key out: then no admin action is possible over TCP",
        );
        file.add_error(invalid.of("admin_keys", id));
    }
    all(items, file)
}

fn all(items: Vec<Node>, file: &mut Section) -> Vec<AdminKey> {
    let (mut keys, mut names, mut hashes) = (Vec::new(), HashMap::new(), HashMap::new());
    for (index, item) in items.into_iter().enumerate() {
        let id = item.id;
        let (key, errors) = entry(item, index + 1);
        file.add_errors(errors);
        let Some(key) = key else { continue };
        if let Some(earlier) = earlier(&mut names, key.name.clone(), id) {
            let problem = format!("another admin key is named {:?}", key.name);
            file.add_error(duplicate(id, earlier, problem, "give each key a name of its own"));
        } else if let Some(earlier) = earlier(&mut hashes, key.hash, id) {
            let problem = format!("admin key {:?}: another one has the same sha256", key.name);
            file.add_error(duplicate(id, earlier, problem, "make a key of its own for each name"));
        }
        keys.push(key);
    }
    keys
}

/// The earlier entry with the same name or hash; `None` if this is the first.
fn earlier<K: Eq + Hash>(places: &mut HashMap<K, NodeId>, same: K, id: NodeId) -> Option<NodeId> {
    let earlier = *places.entry(same).or_insert(id);
    (earlier != id).then_some(earlier)
}

fn duplicate(id: NodeId, earlier: NodeId, problem: String, hint: &str) -> ConfigError {
    ConfigError { first: Some(earlier), ..ConfigError::new(id, problem, hint) }
}

/// Validates one entry. Without a valid name and hash, only its errors are returned.
fn entry(Node { id, value }: Node, number: usize) -> (Option<AdminKey>, Vec<ConfigError>) {
    let unnamed = format!("admin key number {number}");
    let Value::Map(entries) = value else {
        let hint = "write it as - name: NAME with sha256: HASH below";
        return (None, vec![ConfigError::new(id, format!("{unnamed} is not a map"), hint)]);
    };
    let mut section = Section::open(id, entries);
    let name = section.take_required("name", "give the key one, as in - name: ann", name);
    let hash = section.take_required("sha256", "give the hash of the key, not the key", hash);
    let label = name.as_ref().map_or(unnamed, |name| format!("admin key {name:?}"));
    let errors = section.close(&KEYS, None).into_iter();
    let errors = errors.map(|error| error.inside(&label)).collect();
    (name.zip(hash).map(|(name, hash)| AdminKey { name, hash }), errors)
}

fn hash(value: &Value) -> Result<[u8; AdminKey::HASH_BYTES], InvalidValue> {
    let digits = 2 * AdminKey::HASH_BYTES;
    let hint = format!("must be the {digits} digits that printf %s \"$key\" | sha256sum prints");
    let Value::Text(text) = value else {
        return Err(InvalidValue::because("is not text", hint + ", in quotes"));
    };
    let text = text.to_ascii_lowercase();
    if EMPTY_SHA256.contains(&&*text) {
        return Err(InvalidValue::because("is the hash of an empty text", "set $key before it is hashed"));
    }
    if text.chars().count() != digits {
        return Err(InvalidValue::because(format!("has {} characters", text.chars().count()), hint));
    }
    unhex(&text).ok_or_else(|| InvalidValue::because("has characters other than 0-9 and a-f", hint))
}

fn unhex(text: &str) -> Option<[u8; AdminKey::HASH_BYTES]> {
    let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let bytes =
        digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8)).collect();
    Vec::try_into(bytes).ok()
}

fn socket(value: &Value) -> Result<PathBuf, InvalidValue> {
    let hint = "must be the path of a file, as in /run/distributexd/admin.sock";
    let path =
        value.word().filter(|path| !path.trim().is_empty() && !path.contains('\0') && !path.ends_with('/'));
    let path = path.ok_or_else(|| InvalidValue::new(value, hint))?;
    if path.len() > MAX_SOCKET_BYTES {
        let hint = format!("must be at most {MAX_SOCKET_BYTES}, the limit of the system");
        return Err(InvalidValue::because(format!("has {} bytes", path.len()), hint));
    }
    Ok(path.into())
}
