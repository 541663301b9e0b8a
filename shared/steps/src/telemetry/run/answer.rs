//! The envelope that these systems answer in: `{status, data: {resultType, result}, warnings, infos}`.
//!
//! It is read twice: first what kind of result it holds, then the result as that kind. Nothing is built for what is
//! not looked at, so an answer within its limit of bytes costs little more than its bytes.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::ask::Raw;
use super::fault::Codes;
use crate::contract::{StepError, StepErrorClass as Class};

/// How many warnings are kept, and how much of each.
const WARNINGS: usize = 20;
const WARNING: usize = 500;

/// An answer whose query was carried out.
pub(crate) struct Answer {
    raw: Raw,
    kind: String,
    /// What the target warns of or remarks.
    pub(crate) warnings: Vec<String>,
    /// What was asked, for evidence.
    pub(crate) sent: Json,
}

#[derive(Deserialize)]
struct Envelope {
    status: String,
    #[serde(default)]
    data: Option<Kind>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "resultType")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Whole<T> {
    data: Inner<T>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Inner<T> {
    // Named, so that a result which is missing is not read as an empty one.
    #[serde(deserialize_with = "T::deserialize")]
    result: T,
}

impl Answer {
    pub(super) fn read(codes: &Codes, host: String, body: Bytes, sent: Json) -> Result<Self, StepError> {
        let raw = Raw { host, body };
        let envelope: Envelope = raw.parse(codes)?;
        if envelope.status != "success" {
            let error = envelope.error.unwrap_or(envelope.status);
            let message = format!("{} refuses the query: {}", raw.host, cut(&error));
            return Err(StepError::new(Class::Permanent, codes.query, message));
        }
        let kind = match envelope.data {
            Some(data) => data.kind,
            None => return Err(codes.answer(&raw.host, "answered without `data`", &raw.body)),
        };
        let all = envelope.warnings.into_iter().chain(envelope.infos).flatten();
        let mut warnings: Vec<String> = all.map(|warning| cut(&warning)).collect();
        if warnings.len() > WARNINGS {
            let more = warnings.len() - WARNINGS;
            warnings.truncate(WARNINGS);
            warnings.push(format!("and {more} more"));
        }
        Ok(Self { raw, kind, warnings, sent })
    }

    /// The kind of the result: `vector`, `streams` ...
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// Who answered.
    pub(crate) fn host(&self) -> &str {
        &self.raw.host
    }

    /// The result, which is of this kind.
    pub(crate) fn result<T: DeserializeOwned>(&self, codes: &Codes) -> Result<T, StepError> {
        self.raw.parse::<Whole<T>>(codes).map(|whole| whole.data.result)
    }

    /// Something that this step does not understand.
    pub(crate) fn wrong(&self, codes: &Codes, what: &str) -> StepError {
        codes.answer(&self.raw.host, what, &self.raw.body)
    }
}

impl Raw {
    fn parse<T: DeserializeOwned>(&self, codes: &Codes) -> Result<T, StepError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let what = match error.classify() {
                serde_json::error::Category::Data => format!("answered JSON of another shape ({error})"),
                _ => format!("answered what is no JSON ({error})"),
            };
            codes.answer(&self.host, &what, &self.body)
        })
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WARNING) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
