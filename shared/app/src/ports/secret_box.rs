//! Seals what only a step function may see.

use std::collections::BTreeMap;

use assay_engine::id::{ExecutionId, OrganizationId};
use async_trait::async_trait;

use super::PortError;

/// Seals and opens, with the organization in the associated data: what one sealed no other can open.
#[async_trait]
pub trait SecretBox: Send + Sync {
    /// Seals; the same text gives another answer each time. Base64.
    async fn seal(&self, organization: &OrganizationId, text: &str) -> Result<String, PortError>;
    /// Opens; a permanent error when it was not sealed for this organization or was changed.
    async fn open(&self, organization: &OrganizationId, sealed: &str) -> Result<String, PortError>;
}

/// Where the values of a flow's `secrets:` come from.
#[async_trait]
pub trait SecretSource: Send + Sync {
    /// The values of these names for this execution; what is not known is missing from the answer.
    async fn reveal(
        &self,
        organization: &OrganizationId,
        execution: &ExecutionId,
        names: &[String],
    ) -> Result<BTreeMap<String, String>, PortError>;
}
