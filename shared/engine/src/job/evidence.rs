//! What an attempt saw and left: evidence, looks, files.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::result::Outcome;

/// What a step looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// `note` (what people read first) and `sent`, where there are such, then the output's fields; or the first 4 KiB of
    /// that JSON text as a string, when `blob` is given. `{"notStored": reason}` when it could not be stored.
    pub preview: Json,
    /// Where the whole lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobRef>,
}

/// Something in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlobRef {
    /// The blob's key.
    pub key: String,
    /// Its bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A file that a step leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// A file name, never a path.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Where it lies.
    #[serde(flatten)]
    pub blob: BlobRef,
}

/// What is kept of the looks: first, last, each change, the count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LookSummary {
    /// How many there were.
    pub count: u32,
    /// The first, each that differs from the one before, and the last; at most 20.
    pub kept: Vec<Look>,
}

/// One look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Look {
    /// From 1.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// `passed`, `failed` or `errored`.
    pub outcome: Outcome,
    /// The first failed assertion with its values, or the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
