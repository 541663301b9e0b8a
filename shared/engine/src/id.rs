//! Identifiers: newtypes with a prefix, parsed once, at the edge.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind}: expected {prefix} and 1 to 64 letters, digits, `-` or `_` after it")]
pub struct IdError {
    text: String,
    kind: &'static str,
    prefix: &'static str,
}

fn check(text: &str, kind: &'static str, prefix: &'static str) -> Result<(), IdError> {
    let fits = text.strip_prefix(prefix).is_some_and(|rest| {
        (1..=64).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    if fits {
        return Ok(());
    }
    let text = text.chars().take(80).collect();
    Err(IdError { text, kind, prefix })
}

/// The first 20 hexadecimal digits of the SHA-256 of the parts, each preceded by its length.
fn derive(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..10])
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(#[schemars(regex(pattern = concat!("^", $prefix, "[A-Za-z0-9_-]{1,64}$")))] String);

        impl $name {
            /// What the text of every such id begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The id as text, with its prefix.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id that belongs to these parts: the same parts give the same id, in every process.
            #[must_use]
            pub fn derived(parts: &[&str]) -> Self {
                Self(format!("{}{}", $prefix, derive(parts)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                check(text, $kind, $prefix).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                check(&text, $kind, $prefix).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id!(
    /// One run of a flow.
    ExecutionId, "exe_", "execution id"
);
id!(
    /// Who owns executions, flows and secrets; quotas and fairness count per organization.
    OrganizationId, "org_", "organization id"
);
id!(
    /// A project of an organization; concurrency groups belong to it.
    ProjectId, "prj_", "project id"
);
id!(
    /// A flow's text with everything that travels with it; the same content has the same id.
    FlowVersionId, "flv_", "flow version id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_checked_when_it_is_parsed() {
        assert!("exe_0123abc".parse::<ExecutionId>().is_ok());
        for bad in ["", "exe_", "0123", "prj_1", "exe_a b", "exe_ü", &format!("exe_{}", "a".repeat(65))] {
            assert!(bad.parse::<ExecutionId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn derived_ids_depend_on_where_the_parts_end() {
        let a = ExecutionId::derived(&["ab", "c"]);
        assert_eq!(a, ExecutionId::derived(&["ab", "c"]));
        assert_ne!(a, ExecutionId::derived(&["a", "bc"]));
    }
}
