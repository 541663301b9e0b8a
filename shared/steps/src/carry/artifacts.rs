//! Artifacts on their way out: masked, and remembered for the result.

use std::sync::{Arc, Mutex, PoisonError};

use assay_engine::job::{Artifact, BlobRef};
use async_trait::async_trait;
use bytes::Bytes;

use crate::contract::{Artifacts, StepError};
use crate::mask::Masker;

/// Masks the names and the bytes of what goes through it, and keeps the list.
pub(super) struct MaskedArtifacts {
    inner: Arc<dyn Artifacts>,
    masker: Masker,
    kept: Mutex<Vec<Artifact>>,
}

impl MaskedArtifacts {
    pub(super) fn new(inner: Arc<dyn Artifacts>, masker: Masker) -> Self {
        Self { inner, masker, kept: Mutex::default() }
    }

    /// The artifacts that were stored, in order.
    pub(super) fn take(&self) -> Vec<Artifact> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn masked(&self, bytes: Bytes) -> Bytes {
        match self.masker.bytes(&bytes) {
            std::borrow::Cow::Borrowed(_) => bytes,
            std::borrow::Cow::Owned(masked) => masked.into(),
        }
    }
}

#[async_trait]
impl Artifacts for MaskedArtifacts {
    async fn put(&self, name: &str, media_type: &str, bytes: Bytes) -> Result<Artifact, StepError> {
        let name = self.masker.text(name);
        let artifact = self.inner.put(&name, media_type, self.masked(bytes)).await?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(artifact.clone());
        Ok(artifact)
    }

    async fn put_evidence(&self, name: &str, bytes: Bytes) -> Result<BlobRef, StepError> {
        self.inner.put_evidence(&self.masker.text(name), self.masked(bytes)).await
    }
}
