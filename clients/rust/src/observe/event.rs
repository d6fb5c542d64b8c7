//! Event of a pool.

use distributex_protocol::event::EventData;

/// An event, as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Id, from which a later reader can resume.
    pub id: String,
    /// Word of the [`EventName`](crate::EventName); a later server may know more of them.
    pub name: String,
    /// The data as one JSON object, with fields that this version does not know.
    pub json: String,
    /// The data.
    pub data: EventData,
}

impl Event {
    /// Reads an event; `None` if its data is not a JSON object of the protocol.
    pub(crate) fn read(id: &str, name: String, json: String) -> Option<Self> {
        let data = serde_json::from_str(&json).ok()?;
        Some(Self { id: id.to_owned(), name, json, data })
    }
}
