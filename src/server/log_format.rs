//! Formats of log lines: `key=value` for people and grep, JSON for log pipelines.
//!
//! ```text
//! 2026-11-27T10:00:00.000Z INFO  granted pool=pool1 host=web1 token=17 waited=0.25
//! {"time":"2026-11-27T10:00:00.000Z","level":"INFO","event":"granted","pool":"pool1","host":"web1","token":17,"waited":0.25}
//! ```

use std::{
    io::{self, Write},
    str::FromStr,
};

use jiff::Timestamp;
use log::{
    Record,
    kv::{Error, Key, Value, VisitSource, VisitValue},
};
use serde_json::{Map, Value as Json};

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `time level event key=value…`; values with blanks are quoted.
    Plain,
    /// One JSON object per line.
    Json,
}

impl LogFormat {
    /// The words on the command line.
    pub const WORDS: [&str; 2] = ["plain", "json"];

    /// Writes one record as a line.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(self, out: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
        let time = format!("{:.3}", Timestamp::now());
        match self {
            Self::Plain => {
                write!(out, "{time} {:5} {}", record.level(), record.args())?;
                record.key_values().visit(&mut PlainPairs(out)).map_err(io::Error::other)?;
                writeln!(out)
            }
            Self::Json => {
                let mut object = Map::new();
                object.insert("time".to_owned(), time.into());
                object.insert("level".to_owned(), record.level().as_str().into());
                object.insert("event".to_owned(), record.args().to_string().into());
                record.key_values().visit(&mut JsonPairs(&mut object)).map_err(io::Error::other)?;
                serde_json::to_writer(&mut *out, &object)?;
                writeln!(out)
            }
        }
    }
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            _ => Err("must be plain or json"),
        }
    }
}

/// Writes pairs as ` key=value`.
struct PlainPairs<'a, W>(&'a mut W);

impl<'kvs, W: Write> VisitSource<'kvs> for PlainPairs<'_, W> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let text = value.to_string();
        if is_one_word(&text) { write!(self.0, " {key}={text}") } else { write!(self.0, " {key}={text:?}") }
            .map_err(Error::boxed)
    }
}

/// Whether a value needs no quotes.
fn is_one_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-._:/@+,*[]()%#".contains(c);
    !text.is_empty() && text.chars().all(is_plain)
}

/// Collects pairs as the fields of a JSON object.
struct JsonPairs<'a>(&'a mut Map<String, Json>);

impl<'kvs> VisitSource<'kvs> for JsonPairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let mut json = JsonValue(Json::Null);
        value.visit(&mut json)?;
        self.0.insert(key.to_string(), json.0);
        Ok(())
    }
}

/// A value as JSON; what is neither a number nor a boolean becomes text.
struct JsonValue(Json);

impl VisitValue<'_> for JsonValue {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.0 = value.to_string().into();
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::*;

    fn line(format: LogFormat) -> String {
        let pairs: &[(&str, Value<'_>)] = &[
            ("host", "web1".into()),
            ("reason", "a \"b\"".into()),
            ("token", 17_u64.into()),
            ("held", 0.25.into()),
        ];
        let mut out = Vec::new();
        let args = format_args!("granted");
        let record = Record::builder().level(Level::Info).args(args).key_values(&pairs).build();
        format.write(&mut out, &record).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn plain_values_are_one_word_or_quoted() {
        let line = line(LogFormat::Plain);
        let (_, rest) = line.split_once("Z ").unwrap();

        assert_eq!(rest, "INFO  granted host=web1 reason=\"a \\\"b\\\"\" token=17 held=0.25\n");
    }

    #[test]
    fn json_lines_keep_numbers() {
        let object: Map<String, Json> = serde_json::from_str(&line(LogFormat::Json)).unwrap();

        assert_eq!((&object["event"], &object["level"]), (&"granted".into(), &"INFO".into()));
        assert_eq!((&object["token"], &object["held"]), (&17.into(), &0.25.into()));
        assert_eq!(object["reason"], "a \"b\"");
    }
}
