//! Validation of a pool's `servers`: the hosts that may use it.
use std::collections::HashSet;

use crate::check::section::Section;
use crate::check::value::InvalidValue;
use crate::settings::Name;
use crate::yaml::node::Value;

const OPEN: &str = "leave the key out to allow every host";

/// Takes the hosts that may use a pool: names separated by commas, or a list of such.
///
/// A repeated host is harmless. An empty list is an error: it could mean no host or every host.
pub(super) fn take(pool: &mut Section) -> Option<HashSet<Name>> {
    let empty_list = InvalidValue::because("is an empty list, so no host could use the pool", OPEN);
    let hosts = pool.take_list("servers", empty_list, hosts)?;
    Some(hosts.into_iter().flatten().collect())
}

fn hosts(value: &Value) -> Result<Vec<Name>, InvalidValue> {
    let Some(words) = value.word() else {
        return Err(InvalidValue::new(value, "must be names of hosts, as in acme1, acme2"));
    };
    let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
    let names: Result<Vec<_>, _> = words.map(Name::new).collect();
    let names = names.map_err(|bad| InvalidValue::new(value, bad.to_string()))?;
    if names.is_empty() {
        return Err(InvalidValue::because(format!("is {value}, so no host could use the pool"), OPEN));
    }
    Ok(names)
}
