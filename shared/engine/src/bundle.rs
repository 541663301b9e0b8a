//! A flow version: a flow's text and everything that travels with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::FlowVersionId;

/// Where a flow will run, which decides what it may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunsAt {
    /// `assay run`: environment variables, SQLite files and paths are the user's own.
    Laptop,
    /// A server: none of these.
    Server,
}

/// An environment file, read by [`crate::compile::check_environment`]. It holds references to secrets, never their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentText {
    /// The environment's name: what the file says, else what it is called.
    pub name: String,
    /// How diagnostics call the file.
    pub file: String,
    /// What stands in it.
    pub text: String,
}

/// A flow's text, its sub-flows, the files beside it, and the environment they were read with.
/// Paths are relative to the main flow's folder, with `/`, and never leave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// The path of the flow itself in `files`.
    pub main: String,
    /// The bytes of every file, flows included.
    #[serde(with = "bytes_as_base64")]
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// Environment variables that the flow names with `env('NAME')`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Values of secrets, sealed for the organization: those that came with the command that started it elsewhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sealed: BTreeMap<String, String>,
    /// The environment that it is compiled with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentText>,
    /// Where it will run.
    pub runs_at: RunsAt,
}

impl Bundle {
    /// A bundle of one text.
    #[must_use]
    pub fn of_text(main: &str, text: impl AsRef<[u8]>) -> Self {
        let files = BTreeMap::from([(main.to_owned(), Arc::from(text.as_ref()))]);
        Self {
            main: main.to_owned(),
            files,
            env: BTreeMap::new(),
            sealed: BTreeMap::new(),
            environment: None,
            runs_at: RunsAt::Laptop,
        }
    }

    /// The id of this content: the same content has the same id.
    #[must_use]
    pub fn id(&self) -> FlowVersionId {
        let mut parts = vec![self.main.clone()];
        for (path, bytes) in &self.files {
            parts.push(path.clone());
            parts.push(hex::encode(Sha256::digest(bytes)));
        }
        for (name, value) in &self.env {
            parts.push(name.clone());
            parts.push(value.clone());
        }
        if let Some(environment) = &self.environment {
            parts.extend([environment.name.clone(), environment.text.clone()]);
        }
        for (name, value) in &self.sealed {
            parts.extend(["sealed".to_owned(), name.clone(), value.clone()]);
        }
        parts.push(format!("{:?}", self.runs_at));
        FlowVersionId::derived(&parts.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

mod bytes_as_base64 {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(files: &BTreeMap<String, Arc<[u8]>>, to: S) -> Result<S::Ok, S::Error> {
        files.iter().map(|(path, bytes)| (path, STANDARD.encode(bytes))).collect::<BTreeMap<_, _>>().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Arc<[u8]>>, D::Error> {
        let encoded = BTreeMap::<String, String>::deserialize(from)?;
        let decode = |(path, text): (String, String)| {
            STANDARD.decode(text).map(|bytes| (path, Arc::from(bytes))).map_err(D::Error::custom)
        };
        encoded.into_iter().map(decode).collect()
    }
}
