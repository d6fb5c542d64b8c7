//! Who may pull levers. A wrong hash may be the key itself, so that no mistake repeats it.
use std::collections::HashMap;
use std::hash::Hash;
use std::path::PathBuf;

use crate::errors::ConfigError;
use crate::node::{At, Node, Said};
use crate::operator::{Admin, AdminKey, MAX_SOCKET_BYTES};
use crate::section::Section;
use crate::value::{Unfit, name};

/// The keys of an entry of `admin_keys`.
pub const KEYS: [&str; 2] = ["name", "sha256"];

/// What `sha256sum` prints when `$key` was not set, with `printf` and with `echo`.
const OF_NOTHING: [&str; 2] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
];

/// Takes `admin_keys` and `admin_socket`.
pub(super) fn take(file: &mut Section) -> Admin {
    Admin { keys: keys(file), socket: file.take("admin_socket", socket) }
}

fn keys(file: &mut Section) -> Vec<AdminKey> {
    let Some(Node { at, said }) = file.take_node("admin_keys") else { return Vec::new() };
    let Said::List(items) = said else {
        let unfit =
            Unfit::because("is not a list", "must be a list in which each key begins with - name: NAME");
        file.note(unfit.of("admin_keys", at));
        return Vec::new();
    };
    if items.is_empty() {
        let unfit = Unfit::because(
            "is an empty list",
            "leave the key out: then no admin action is possible over TCP",
        );
        file.note(unfit.of("admin_keys", at));
    }
    all(items, file)
}

fn all(items: Vec<Node>, file: &mut Section) -> Vec<AdminKey> {
    let (mut keys, mut names, mut hashes) = (Vec::new(), HashMap::new(), HashMap::new());
    for (index, item) in items.into_iter().enumerate() {
        let at = item.at;
        let (key, mistakes) = one(item, index + 1);
        file.note_all(mistakes);
        let Some(key) = key else { continue };
        if let Some(first) = first(&mut names, key.name.clone(), at) {
            let problem = format!("another admin key is named {:?}", key.name);
            file.note(twice(at, first, problem, "give each key a name of its own"));
        } else if let Some(first) = first(&mut hashes, key.hash, at) {
            let problem = format!("admin key {:?}: another one has the same sha256", key.name);
            file.note(twice(at, first, problem, "make a key of its own for each name"));
        }
        keys.push(key);
    }
    keys
}

/// Where the same stood before, if it did.
fn first<K: Eq + Hash>(places: &mut HashMap<K, At>, same: K, at: At) -> Option<At> {
    let first = *places.entry(same).or_insert(at);
    (first != at).then_some(first)
}

fn twice(at: At, first: At, problem: String, way_out: &str) -> ConfigError {
    ConfigError { first: Some(first), ..ConfigError::new(at, problem, way_out) }
}

/// Checks one key. Without a name or a hash there is none, only mistakes.
fn one(Node { at, said }: Node, number: usize) -> (Option<AdminKey>, Vec<ConfigError>) {
    let nameless = format!("admin key number {number}");
    let Said::Map(entries) = said else {
        let way_out = "write it as - name: NAME with sha256: HASH below";
        return (None, vec![ConfigError::new(at, format!("{nameless} is not a map"), way_out)]);
    };
    let mut section = Section::open(at, entries);
    let name = section.take_needed("name", "give the key one, as in - name: ann", name);
    let hash = section.take_needed("sha256", "give the hash of the key, not the key", hash);
    let label = name.as_ref().map_or(nameless, |name| format!("admin key {name:?}"));
    let mistakes = section.close(&KEYS, None).into_iter();
    let mistakes = mistakes.map(|mistake| mistake.inside(&label)).collect();
    (name.zip(hash).map(|(name, hash)| AdminKey { name, hash }), mistakes)
}

fn hash(said: &Said) -> Result<[u8; AdminKey::HASH_BYTES], Unfit> {
    let digits = 2 * AdminKey::HASH_BYTES;
    let way_out = format!("must be the {digits} digits that printf %s \"$key\" | sha256sum prints");
    let Said::Text(text) = said else {
        return Err(Unfit::because("is not text", way_out + ", in quotes"));
    };
    let text = text.to_ascii_lowercase();
    if OF_NOTHING.contains(&&*text) {
        return Err(Unfit::because("is the hash of nothing", "set $key before it is hashed"));
    }
    if text.chars().count() != digits {
        return Err(Unfit::because(format!("has {} characters", text.chars().count()), way_out));
    }
    unhex(&text).ok_or_else(|| Unfit::because("has others than the digits 0-9 and a-f", way_out))
}

fn unhex(text: &str) -> Option<[u8; AdminKey::HASH_BYTES]> {
    let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let bytes =
        digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8)).collect();
    Vec::try_into(bytes).ok()
}

fn socket(said: &Said) -> Result<PathBuf, Unfit> {
    let way_out = "must be the path of a file, as in /run/distributexd/admin.sock";
    let path =
        said.word().filter(|path| !path.trim().is_empty() && !path.contains('\0') && !path.ends_with('/'));
    let path = path.ok_or_else(|| Unfit::new(said, way_out))?;
    if path.len() > MAX_SOCKET_BYTES {
        let way_out = format!("must be at most {MAX_SOCKET_BYTES}, the limit of the system");
        return Err(Unfit::because(format!("has {} bytes", path.len()), way_out));
    }
    Ok(path.into())
}
