//! The hosts that may use a pool.
use std::collections::HashSet;

use crate::name::Name;
use crate::node::Said;
use crate::section::Section;
use crate::value::Unfit;

const OPEN: &str = "leave the key out to allow every host";

/// Takes the only hosts that may use a pool: names with commas between them, or a list of such.
///
/// To name a host twice does no harm. To name none is a mistake: nobody and everybody could be meant.
pub(super) fn take(pool: &mut Section) -> Option<HashSet<Name>> {
    let nobody = Unfit::because("is an empty list, so no host could use the pool", OPEN);
    let hosts = pool.take_each("servers", nobody, hosts)?;
    Some(hosts.into_iter().flatten().collect())
}

fn hosts(said: &Said) -> Result<Vec<Name>, Unfit> {
    let Some(words) = said.word() else {
        return Err(Unfit::new(said, "must be names of hosts, as in acme1, acme2"));
    };
    let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
    let names: Result<Vec<_>, _> = words.map(Name::new).collect();
    let names = names.map_err(|bad| Unfit::new(said, bad.to_string()))?;
    if names.is_empty() {
        return Err(Unfit::because(format!("is {said}, so no host could use the pool"), OPEN));
    }
    Ok(names)
}
