//! Entry of a held slot in memcached.

pub(crate) mod keys;
pub(crate) mod pause;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    backend::memcache::job::revoke::RevocationNote,
    json::{JSON_NUMBER_LIMIT, OperatorJson, RequesterJson, micros},
    pool::{LeaseId, Requester, Token},
};

/// A held slot: readable text, so that an operator can view it with memcached's own tools. It contains secrets, as
/// every client that can read a memcached can also write it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LeaseEntry {
    /// Lease id.
    pub(crate) id: LeaseId,
    /// Holder. An anonymous requester is a new one whenever it is read.
    pub(crate) requester: Requester,
    /// Token base of the store when it was granted; with the entry's first CAS number it makes the token.
    pub(crate) base: u64,
    /// Fencing token, from the first change on; before that, base and CAS number make it.
    pub(crate) token: Option<Token>,
    /// When it was granted, since 1970, by the clock of the server that granted it.
    pub(crate) since: Duration,
    /// Time its requester spent in the queue.
    pub(crate) waited: Duration,
    /// Lifetime without renewal; `None`: unlimited.
    pub(crate) ttl: Option<Duration>,
    /// When memcached ends it without renewal: seconds since 1970 by its own clock. `None`: never.
    pub(crate) end: Option<u64>,
    /// Note of the request.
    pub(crate) command: Option<String>,
    /// Server that ends it: the last one to grant or renew it. `None` once another server has delivered it without
    /// renewing it: then memcached alone ends it.
    pub(crate) by: Option<ServerRunId>,
    /// Revocation; then `by` is `None`.
    pub(crate) revoked: Option<RevocationNote>,
}

/// Id of one run of a distributexd: 64 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ServerRunId(pub(in crate::backend::memcache) u64);

impl ServerRunId {
    /// A random id.
    ///
    /// # Panics
    /// When the system has no random bits.
    pub(crate) fn random() -> Self {
        Self(getrandom::u64().expect("the system gives random bits"))
    }

    /// Parses the output of [`fmt::Display`].
    pub(crate) fn parse(bits: &str) -> Option<Self> {
        u64::from_str_radix(bits, 16).ok().map(Self)
    }
}

impl fmt::Display for ServerRunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Version of the format. Values of other versions are not changed.
const VERSION: u32 = 1;

/// JSON of a [`LeaseEntry`]. Times are in microseconds.
#[derive(Serialize, Deserialize)]
struct EntryJson<'a> {
    v: u32,
    id: String,
    #[serde(borrow)]
    requester: RequesterJson<'a>,
    base: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<u64>,
    since: u64,
    waited: u64,
    ttl: Option<u64>,
    /// In seconds.
    end: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    by: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    revoked: Option<NoteJson<'a>>,
}

/// JSON of a [`RevocationNote`].
#[derive(Serialize, Deserialize)]
struct NoteJson<'a> {
    #[serde(borrow)]
    operator: OperatorJson<'a>,
    /// In seconds.
    end: u64,
}

impl NoteJson<'_> {
    fn read(self) -> RevocationNote {
        RevocationNote { operator: self.operator.read(), end: self.end.min(JSON_NUMBER_LIMIT) }
    }
}

impl<'a> From<&'a RevocationNote> for NoteJson<'a> {
    fn from(RevocationNote { operator, end }: &'a RevocationNote) -> Self {
        Self { operator: OperatorJson::from(operator), end: *end }
    }
}

impl LeaseEntry {
    /// The stored value.
    pub(crate) fn write(&self) -> String {
        let record = EntryJson {
            v: VERSION,
            id: self.id.reveal(),
            requester: RequesterJson::from(&self.requester),
            base: self.base,
            token: self.token.map(|token| token.0),
            since: micros(self.since),
            waited: micros(self.waited),
            ttl: self.ttl.map(micros),
            end: self.end,
            command: self.command.clone(),
            by: self.by.map(|server| server.to_string()),
            revoked: self.revoked.as_ref().map(NoteJson::from),
        };
        serde_json::to_string(&record).expect("a record has only texts and numbers")
    }

    /// Parses a stored value; `None` if it is not an entry of this version.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let record: EntryJson<'_> =
            serde_json::from_slice(value).ok().filter(|record: &EntryJson<'_>| record.v == VERSION)?;
        let by = match record.by {
            Some(bits) => Some(ServerRunId::parse(&bits)?),
            None => None,
        };
        let is_exact = record.base.max(record.token.unwrap_or_default()) < JSON_NUMBER_LIMIT;
        is_exact.then_some(())?;
        Some(Self {
            id: LeaseId::parse(&record.id)?,
            requester: record.requester.read()?,
            base: record.base,
            token: record.token.map(Token),
            since: Duration::from_micros(record.since),
            waited: Duration::from_micros(record.waited),
            ttl: record.ttl.map(Duration::from_micros),
            end: record.end,
            command: record.command,
            by,
            revoked: record.revoked.map(NoteJson::read),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use distributex_config::Name;

    use super::*;
    use crate::pool::{Operator, RequestId};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn entry(requester: Requester) -> LeaseEntry {
        LeaseEntry {
            id: LeaseId::random(),
            requester,
            base: 1_794_718_800_000_000,
            token: Some(Token(1_794_718_800_123_456)),
            since: Duration::from_micros(1_794_718_801_000_001),
            waited: Duration::from_millis(1250),
            ttl: Some(Duration::from_millis(500)),
            end: Some(1_700_000_009),
            command: Some("say \"hi\"".to_owned()),
            by: Some(ServerRunId(7)),
            revoked: None,
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let owner = entry(Requester::Owner { host: name("web1"), owner: name("ünique") });
        let bare = LeaseEntry {
            token: None,
            ttl: None,
            command: None,
            by: None,
            ..entry(Requester::Host(name("web1")))
        };

        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_451_623_914_999);
        let operator = Operator { author: "ann".into(), reason: "say \"hi\"".into(), at };
        let revoked = Some(RevocationNote { operator, end: 1_700_000_009 });
        let revoked = LeaseEntry { revoked, by: None, ..owner.clone() };

        for entry in [owner, bare, revoked] {
            assert_eq!(LeaseEntry::read(entry.write().as_bytes()), Some(entry));
        }
    }

    #[test]
    fn an_anonymous_requester_is_a_new_one_when_read() {
        let once = entry(Requester::Anonymous { host: name("web1"), request: RequestId::next() });

        let read = LeaseEntry::read(once.write().as_bytes()).unwrap();

        assert_ne!(read.requester, once.requester);
        assert_eq!(read.requester.host(), once.requester.host());
        assert_eq!(LeaseEntry { requester: once.requester.clone(), ..read }, once);
    }

    #[test]
    fn an_unparsable_value_is_no_entry() {
        let good = entry(Requester::Host(name("web1"))).write();
        let broken = [
            ("{\"v\":1,", "{\"v\":2,"),
            ("\"kind\":\"host\"", "\"kind\":\"ghost\""),
            ("\"host\":\"web1\"", "\"host\":\"\""),
            ("\"by\":\"0", "\"by\":\"x"),
            ("\"id\":\"", "\"id\":\"x"),
            ("\"base\":", "\"base\":9999999"),
        ];

        assert!(LeaseEntry::read(good.as_bytes()).is_some());
        for (from, to) in broken {
            assert!(good.contains(from));
            assert_eq!(LeaseEntry::read(good.replace(from, to).as_bytes()), None, "{to}");
        }
        for other in [&b""[..], b"1", b"\xff", b"{}", b"null"] {
            assert_eq!(LeaseEntry::read(other), None);
        }
    }
}
