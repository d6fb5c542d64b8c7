//! The v1 protocol. Every answer that these tests see is checked against the server's own description.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::support::{Client, Server, post};

mod admin_effects;
mod admin_rights;
mod asking;
mod both;
mod description;
mod ended;
mod errors;
pub(crate) mod events;
mod gone;
mod history;
mod life;
mod line;
mod revoke;
mod secrets;
mod wire;

/// An answer; its body is `Null` if it has none.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    /// A text in its body.
    fn text(&self, key: &str) -> &str {
        self.body[key].as_str().unwrap_or_else(|| panic!("no text {key:?} in {self:?}"))
    }

    /// A number in its body.
    fn number(&self, key: &str) -> f64 {
        self.body[key].as_f64().unwrap_or_else(|| panic!("no number {key:?} in {self:?}"))
    }

    /// Status and kind of an error.
    fn refusal(&self) -> (u16, &str) {
        (self.status, self.text("kind"))
    }

    /// The lease, which is a new one.
    fn granted(&self) -> &str {
        assert_eq!(self.status, 201, "{self:?}");
        self.text("lease")
    }
}

/// Reads the answer to a request with this method and path.
fn read<S: Read + Write>(client: &mut Client<S>, method: &str, path: &str) -> Answer {
    let (head, body) = client.whole_answer();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
    let answer = Answer { status: head[9..12].parse().unwrap(), head, body };
    description::check(method, path, &answer);
    answer
}

/// Calls, on this connection.
fn call_on(client: &mut Client, call: &str, body: &Value) -> Answer {
    let path = format!("/v1/pools/{call}");
    client.post(&path, &body.to_string());
    read(client, "POST", &path)
}

/// Calls, on a connection of its own.
fn call(server: &Server, call: &str, body: &Value) -> Answer {
    call_on(&mut server.connect(), call, body)
}

/// Looks, on a connection of its own.
fn look(server: &Server, path: &str) -> Answer {
    let mut client = server.connect();
    client.send(path);
    read(&mut client, "GET", path)
}

/// The state of `pool1`.
fn state(server: &Server) -> Value {
    look(server, "/v1/pools/pool1").body
}

/// A connection whose acquire of `pool1` has reached its pool when this returns; see [`Server::waiting`].
fn parked(server: &Server, body: &Value) -> Client {
    let mut client = server.connect();
    let acquire = post("/v1/pools/pool1/acquire", &body.to_string());
    client.send_raw(&format!("GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n{acquire}"));
    assert_eq!(client.answer().0, 404);
    client
}

/// The answer to such an acquire.
fn answer(client: &mut Client) -> Answer {
    read(client, "POST", "/v1/pools/pool1/acquire")
}

/// `ann` takes a slot of `pool1`: her lease.
fn held_by_ann(server: &Server) -> String {
    call(server, "pool1/acquire", &json!({"host": "ann", "owner": "o"})).granted().to_owned()
}

/// Gives a slot of `pool1` back.
fn release(server: &Server, lease: &str) {
    assert_eq!(call(server, "pool1/release", &json!({"lease": lease})).status, 204);
}
