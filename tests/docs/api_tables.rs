//! Tables of metrics, events, error kinds and calls, compared with the server and the crate of the protocol.

use std::collections::BTreeMap;

use distributex_protocol::{error::ErrorKind, event::EventName};
use serde_json::Value;

use super::{
    blocks::{document, documents},
    tables::{Words, first_cells, quoted, rows},
};
use crate::{
    support::{ONE_SLOT, Server},
    wrapper::run::folder,
};

/// The description of the protocol that the server serves.
fn openapi() -> Value {
    serde_json::from_str(&document("src/server/v1/openapi.json")).unwrap()
}

#[test]
fn metrics_are_those_of_the_server() {
    let state = format!("state_dir: {}\n{ONE_SLOT}", folder().join("state").display());
    let server = Server::start(&state);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    assert_eq!(server.word("/get?host=bob&pool=pool1"), "NO");
    let (_, text) = server.get("/metrics");
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE distributex_")?.split_once(' '));
    let types: BTreeMap<_, _> = types.collect();

    let table = rows("docs/monitoring.md");
    let documented =
        table.iter().filter_map(|row| Some((row[0].strip_prefix("`distributex_")?.strip_suffix('`')?, row)));
    let documented: BTreeMap<_, _> = documented.collect();

    assert_eq!(
        documented.iter().map(|(name, row)| (*name, row[1].as_str())).collect::<BTreeMap<_, _>>(),
        types
    );
    for (name, row) in documented {
        for sample in text.lines().filter(|line| is_sample_of(line, name)) {
            assert_eq!(labels(sample), quoted(&row[2]).into_iter().map(str::to_owned).collect(), "{sample}");
        }
    }
}

/// Whether this line of `/metrics` is a sample of the metric.
fn is_sample_of(line: &str, metric: &str) -> bool {
    let rest = line.strip_prefix("distributex_").and_then(|line| line.strip_prefix(metric));
    rest.is_some_and(|rest| ["{", " ", "_bucket", "_sum", "_count"].iter().any(|next| rest.starts_with(next)))
}

/// The labels of a sample, without those of a histogram's buckets.
fn labels(sample: &str) -> Words {
    let names = sample.split(['{', ',']).filter_map(|part| Some(part.split_once("=\"")?.0));
    names.filter(|name| *name != "le").map(str::to_owned).collect()
}

#[test]
fn events_are_those_of_the_protocol() {
    let words: Words = EventName::ALL.iter().map(|name| name.word().to_owned()).collect();
    let documented =
        first_cells("docs/monitoring.md", |word| !word.starts_with("distributex_") && !word.starts_with('/'));

    assert_eq!(documented, words);
}

/// Kinds by status, in the table of errors.
fn documented_kinds() -> Vec<(u16, String)> {
    let table =
        rows("docs/http-api.md").into_iter().filter(|row| row[0].starts_with(|c: char| c.is_ascii_digit()));
    let kinds = table.flat_map(|row| {
        let statuses: Vec<u16> = row[0].split(", ").map(|status| status.parse().unwrap()).collect();
        let kinds: Vec<_> = quoted(&row[1]).into_iter().map(str::to_owned).collect();
        statuses.into_iter().flat_map(move |status| kinds.clone().into_iter().map(move |kind| (status, kind)))
    });
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_unstable();
    kinds
}

#[test]
fn error_kinds_are_those_of_the_protocol() {
    let mut kinds: Vec<_> =
        ErrorKind::ALL.iter().map(|kind| (kind.status(), kind.word().to_owned())).collect();
    kinds.sort_unstable();

    assert_eq!(documented_kinds(), kinds);
}

#[test]
fn error_kinds_are_those_of_the_description() {
    let schemas = &openapi()["components"]["schemas"];
    let words = ["Error", "LeaseLost", "Busy"].into_iter().flat_map(|schema| {
        let kinds = schemas[schema]["properties"]["kind"]["enum"].as_array().unwrap().clone();
        kinds.into_iter().map(|kind| kind.as_str().unwrap().to_owned())
    });

    assert_eq!(documented_kinds().into_iter().map(|(_, kind)| kind).collect::<Words>(), words.collect());
}

#[test]
fn every_call_of_the_description_is_documented() {
    let pages: String = documents().iter().map(|path| document(path)).collect();
    for path in openapi()["paths"].as_object().unwrap().keys() {
        let path = path.replace("{pool}", "POOL").replace("{token}", "TOKEN");
        assert!(pages.contains(&path), "{path}");
    }
}
