//! Secrets that were given to one execution, sealed, beside its blobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_app::ports::{BlobStore, PortError, SecretBox, SecretSource};
use assay_engine::id::{ExecutionId, OrganizationId};
use async_trait::async_trait;

/// The values that came with the start of an execution, each sealed by itself. They go when its blobs go.
pub struct StoredSecrets {
    blobs: Arc<dyn BlobStore>,
    secret_box: Arc<dyn SecretBox>,
}

impl StoredSecrets {
    /// Beside these blobs, sealed by this box.
    pub fn new(blobs: Arc<dyn BlobStore>, secret_box: Arc<dyn SecretBox>) -> Self {
        Self { blobs, secret_box }
    }

    /// Where the sealed values of an execution lie.
    #[must_use]
    pub fn key(organization: &OrganizationId, execution: &ExecutionId) -> String {
        format!("{organization}/{execution}/secrets")
    }

    /// Keeps the values for an execution: before it is started. Keeping the same start's values again changes nothing.
    ///
    /// # Errors
    /// When they cannot be sealed or stored.
    pub async fn keep(
        &self,
        organization: &OrganizationId,
        execution: &ExecutionId,
        values: &BTreeMap<String, String>,
    ) -> Result<(), PortError> {
        let key = Self::key(organization, execution);
        if values.is_empty() || self.blobs.get(&key).await?.is_some() {
            return Ok(());
        }
        let mut sealed = BTreeMap::new();
        for (name, value) in values {
            sealed.insert(name.clone(), self.secret_box.seal(organization, value).await?);
        }
        let bytes =
            serde_json::to_vec(&sealed).map_err(|error| PortError::bug("write sealed secrets").because(error))?;
        self.blobs.put(&key, "application/json", bytes.into()).await
    }
}

#[async_trait]
impl SecretSource for StoredSecrets {
    async fn reveal(
        &self,
        organization: &OrganizationId,
        execution: &ExecutionId,
        names: &[String],
    ) -> Result<BTreeMap<String, String>, PortError> {
        let mut known = BTreeMap::new();
        if names.is_empty() {
            return Ok(known);
        }
        let Some(blob) = self.blobs.get(&Self::key(organization, execution)).await? else { return Ok(known) };
        let sealed: BTreeMap<String, String> = serde_json::from_slice(&blob.bytes)
            .map_err(|error| PortError::bug("read the secrets of an execution").because(error))?;
        for (name, sealed) in sealed.iter().filter(|(name, _)| names.contains(name)) {
            known.insert(name.clone(), self.secret_box.open(organization, sealed).await?);
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryBlobStore;
    use crate::secret_box::MemorySecretBox;

    #[tokio::test]
    async fn values_are_sealed_and_only_those_that_are_asked_for_are_opened() {
        let blobs = Arc::new(MemoryBlobStore::default());
        let secrets = StoredSecrets::new(blobs.clone(), Arc::new(MemorySecretBox::random().unwrap()));
        let organization: OrganizationId = "org_a".parse().unwrap();
        let (execution, other) = (ExecutionId::derived(&["a"]), ExecutionId::derived(&["b"]));
        let values = BTreeMap::from([("KEY".into(), "very secret".into()), ("PIN".into(), "other value".into())]);
        secrets.keep(&organization, &execution, &values).await.unwrap();
        secrets.keep(&organization, &execution, &values).await.unwrap();
        let stored = blobs.get(&StoredSecrets::key(&organization, &execution)).await.unwrap().unwrap();
        let text = String::from_utf8(stored.bytes.to_vec()).unwrap();
        assert!(!text.contains("very secret") && !text.contains("other value"), "{text}");
        let names = ["KEY".to_owned(), "NONE".to_owned()];
        let revealed = secrets.reveal(&organization, &execution, &names).await.unwrap();
        assert_eq!(revealed, BTreeMap::from([("KEY".to_owned(), "very secret".to_owned())]));
        assert!(secrets.reveal(&organization, &other, &names).await.unwrap().is_empty());
    }
}
