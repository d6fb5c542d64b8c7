//! `/openapi.json`: what the server says of itself is what it does.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::Answer;
use crate::support::{ONE_SLOT, Server};

/// The document.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../src/server/v1/openapi.json")).unwrap());

/// Panics if the document does not say that this request may have this answer.
pub(super) fn check(method: &str, path: &str, answer: &Answer) {
    let what = format!("{method} {path}: {answer:?}");
    let Some(calls) = template(path).map(|template| &DOCUMENT["paths"][template]) else {
        assert_eq!(answer.status, 404, "{what}");
        return matches(&error("not_found"), &answer.body, &what);
    };
    let method = if method == "HEAD" { "get".to_owned() } else { method.to_ascii_lowercase() };
    let Some(call) = calls.get(method) else {
        assert_eq!(answer.status, 405, "{what}");
        assert!(answer.head.contains("\r\nallow: "), "{what}");
        return matches(&error("method_not_allowed"), &answer.body, &what);
    };
    let response = call["responses"].get(answer.status.to_string());
    let response = resolved(response.unwrap_or_else(|| panic!("not in the document: {what}")));
    let headers = response["headers"].as_object().into_iter().flatten();
    for (name, _) in headers.filter(|(_, header)| resolved(header)["required"] == true) {
        assert!(answer.head.contains(&format!("\r\n{}: ", name.to_ascii_lowercase())), "{what}");
    }
    match response["content"].get("application/json") {
        Some(_) if what.starts_with("HEAD ") => assert_eq!(answer.body, Value::Null, "{what}"),
        Some(content) => {
            assert!(answer.head.contains("\r\ncontent-type: application/json\r\n"), "{what}");
            matches(&content["schema"], &answer.body, &what);
        }
        None => assert_eq!(answer.body, Value::Null, "{what}"),
    }
}

/// The path of the document that this one is of.
fn template(path: &str) -> Option<&'static str> {
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    let segments: Vec<_> = path.trim_end_matches('/').split('/').collect();
    let fits = |template: &&'static String| {
        let expected: Vec<_> = template.split('/').collect();
        expected.len() == segments.len()
            && expected.iter().zip(&segments).all(|(one, other)| one.starts_with('{') || one == other)
    };
    DOCUMENT["paths"].as_object().unwrap().keys().find(fits).map(String::as_str)
}

fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(place) => DOCUMENT.pointer(place.strip_prefix('#').unwrap()).expect(place),
        None => value,
    }
}

fn error(kind: &str) -> Value {
    json!({"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": {"kind": {"const": kind}}}]})
}

fn validator(schema: &Value) -> Validator {
    let schema = json!({"allOf": [schema], "components": DOCUMENT["components"]});
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn mistakes(schema: &Value, value: &Value) -> Vec<String> {
    validator(schema).iter_errors(value).map(|error| error.to_string()).collect()
}

fn matches(schema: &Value, value: &Value, what: &str) {
    let mistakes = mistakes(schema, value);
    assert!(mistakes.is_empty(), "{what}: {mistakes:?}");
}

/// Panics if the document does not say that this event may tell this.
pub(super) fn check_event(event: &str, data: &Value) {
    static EVENTS: LazyLock<Validator> =
        LazyLock::new(|| validator(&json!({"$ref": "#/components/schemas/Events"})));
    let told = json!({event: data});
    let mistakes: Vec<_> = EVENTS.iter_errors(&told).map(|error| error.to_string()).collect();
    assert!(mistakes.is_empty(), "{told}: {mistakes:?}");
}

/// The words that it knows for events.
pub(super) fn event_words() -> impl Iterator<Item = &'static String> {
    DOCUMENT["components"]["schemas"]["Events"]["properties"].as_object().unwrap().keys()
}

#[test]
fn the_document_is_served_as_it_is_and_has_the_version_of_the_program() {
    let server = Server::start(ONE_SLOT);

    let served = super::look(&server, "/openapi.json").body;

    assert_eq!(served, *DOCUMENT);
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(served["openapi"], "3.1.0");
}

#[test]
fn every_schema_of_the_document_is_one() {
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        mistakes(&json!({"$ref": format!("#/components/schemas/{name}")}), &Value::Null);
    }
    for (path, calls) in DOCUMENT["paths"].as_object().unwrap() {
        if let Some(request) = calls.get("post").map(|call| &call["requestBody"]) {
            let body = &request["content"]["application/json"];
            assert_eq!(mistakes(&body["schema"], &body["example"]), [""; 0], "{path}");
        }
    }
}

#[test]
fn a_field_too_many_or_too_few_or_misspelt_is_a_mistake() {
    let server = Server::start(ONE_SLOT);
    let lease = super::call(&server, "pool1/acquire", &json!({"host": "ann"})).body;
    let schema = json!({"$ref": "#/components/schemas/Lease"});
    assert_eq!(mistakes(&schema, &lease), [""; 0]);

    for (key, value) in [("tokn", json!(1)), ("token", json!("1")), ("expires_at", json!("soon"))] {
        let mut wrong = lease.clone();
        wrong[key] = value;
        assert_eq!(mistakes(&schema, &wrong).len(), 1, "{key}");
    }
    let mut short = lease.clone();
    short.as_object_mut().unwrap().remove("store");
    assert_eq!(mistakes(&schema, &short).len(), 1);
}
