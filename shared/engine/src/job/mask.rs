//! What is masked although nothing in the job names it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Secrets that a job does not name and a target may know all the same, because another step sent them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mask {
    /// Names of secrets of the flow, of those that it starts and of those that started it; one without a value is no error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Sealed values, as in `{"$sealed": text}`, that earlier steps captured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<String>,
}

impl Mask {
    /// Nothing is masked but what is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.sealed.is_empty()
    }
}
