//! What one attempt is given: files, artifacts, secrets, each for its own organization and execution.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_app::ports::{BlobStore, ExecutionStore, PortError, PortErrorClass, SecretBox, SecretSource};
use assay_engine::bundle::Bundle;
use assay_engine::job::{Artifact, BlobRef, Job, JobPhase};
use assay_steps::contract::{Artifacts, Files, Secrets, StepError, StepErrorClass};
use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// The longest name of an artifact within its key.
const LONGEST_NAME: usize = 100;

fn told(code: &'static str, doing: &str, error: &PortError) -> StepError {
    let class = match error.class {
        PortErrorClass::Retry { .. } => StepErrorClass::Retry,
        PortErrorClass::Permanent => StepErrorClass::Permanent,
        PortErrorClass::Bug => StepErrorClass::Bug,
    };
    StepError::new(class, code, format!("{doing}: {error}"))
}

/// The files of a flow that was read but not stored, by their path.
pub struct BundleFiles(pub Arc<Bundle>);

#[async_trait]
impl Files for BundleFiles {
    async fn read(&self, name: &str) -> Result<Bytes, StepError> {
        let path = name.strip_prefix("./").unwrap_or(name);
        self.0.files.get(path).map(|bytes| Bytes::from_owner(bytes.clone())).ok_or_else(|| {
            let message = format!("there is no file `{name}` beside the flow");
            StepError::new(StepErrorClass::Permanent, "file.missing", message)
        })
    }
}

/// The files beside the flow, found in the flow version by what is in them.
pub(crate) struct VersionFiles {
    pub(crate) store: Arc<dyn ExecutionStore>,
    pub(crate) job: Arc<Job>,
}

#[async_trait]
impl Files for VersionFiles {
    async fn read(&self, name: &str) -> Result<Bytes, StepError> {
        let missing = || {
            let message = format!("the file `{name}` did not travel with the flow");
            StepError::new(StepErrorClass::Permanent, "file.missing", message)
        };
        let wanted = self.job.files.get(name).ok_or_else(missing)?;
        let version = self.store.flow_version(&self.job.flow_version).await;
        let bundle = version.map_err(|error| told("file.unreadable", "read the flow version", &error))?;
        let bundle = bundle.ok_or_else(missing)?;
        let same = |bytes: &&Arc<[u8]>| {
            bytes.len() as u64 == wanted.size && hex::encode(Sha256::digest(bytes)) == wanted.sha256
        };
        bundle.files.values().find(same).map(|bytes| Bytes::from_owner(bytes.clone())).ok_or_else(missing)
    }
}

/// Where the artifacts of one turn of an attempt go.
pub(crate) struct TurnArtifacts {
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) job: Arc<Job>,
}

impl TurnArtifacts {
    /// `organization/execution/place/attempt/hash-name`: the same bytes have the same key, other bytes another one.
    fn key(&self, name: &str, hash: &str) -> String {
        let fence = &self.job.fence;
        let instance = fence.instance.map(|index| format!(".{index}")).unwrap_or_default();
        let phase = match fence.phase {
            JobPhase::Prepare => "prepare",
            JobPhase::Run => "run",
            JobPhase::Undo => "undo",
        };
        let place = plain(&fence.step);
        let (organization, execution) = (&self.job.organization, &self.job.execution);
        let turn = format!("{phase}-{}-{}", fence.attempt, fence.turn);
        format!("{organization}/{execution}/{place}{instance}/{turn}/{}-{}", &hash[..12.min(hash.len())], plain(name))
    }

    async fn store(&self, name: &str, media_type: &str, bytes: Bytes) -> Result<BlobRef, StepError> {
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let (key, size) = (self.key(name, &sha256), bytes.len() as u64);
        let stored = self.blobs.put(&key, media_type, bytes).await;
        stored.map_err(|error| told("artifact.unstored", &format!("store `{name}`"), &error))?;
        Ok(BlobRef { key, size, sha256 })
    }
}

/// Letters, digits, `.`, `_` and `-` stay; it is never empty, and never begins with a dot.
fn plain(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let text: String = name.trim_start_matches('.').chars().take(LONGEST_NAME).map(keep).collect();
    if text.is_empty() { "unnamed".to_owned() } else { text }
}

#[async_trait]
impl Artifacts for TurnArtifacts {
    async fn put(&self, name: &str, media_type: &str, bytes: Bytes) -> Result<Artifact, StepError> {
        let blob = self.store(name, media_type, bytes).await?;
        Ok(Artifact { name: name.to_owned(), media_type: media_type.to_owned(), blob })
    }

    async fn put_evidence(&self, name: &str, bytes: Bytes) -> Result<BlobRef, StepError> {
        self.store(name, "application/json", bytes).await
    }
}

/// The secrets of one execution: those that came with the command, and those that came sealed with the flow version.
pub(crate) struct ExecutionSecrets {
    pub(crate) store: Arc<dyn ExecutionStore>,
    pub(crate) source: Arc<dyn SecretSource>,
    pub(crate) secret_box: Arc<dyn SecretBox>,
    pub(crate) job: Arc<Job>,
}

#[async_trait]
impl Secrets for ExecutionSecrets {
    async fn reveal(&self, names: &[String]) -> Result<BTreeMap<String, String>, StepError> {
        let unreadable = |error| told("secret.unreadable", "read secrets", &error);
        let known = self.source.reveal(&self.job.organization, &self.job.execution, names).await;
        let mut known = known.map_err(unreadable)?;
        if names.iter().all(|name| known.contains_key(name)) {
            return Ok(known);
        }
        let version = self.store.flow_version(&self.job.flow_version).await.map_err(unreadable)?;
        let Some(version) = version else { return Ok(known) };
        for name in names {
            if let Some(sealed) = version.sealed.get(name).filter(|_| !known.contains_key(name)) {
                let value = self.secret_box.open(&self.job.organization, sealed).await.map_err(unreadable)?;
                known.insert(name.clone(), value);
            }
        }
        Ok(known)
    }

    async fn seal(&self, text: &str) -> Result<String, StepError> {
        let sealed = self.secret_box.seal(&self.job.organization, text).await;
        sealed.map_err(|error| told("secret.unsealed", "seal a value", &error))
    }

    async fn open(&self, sealed: &str) -> Result<String, StepError> {
        let opened = self.secret_box.open(&self.job.organization, sealed).await;
        opened.map_err(|error| told("secret.unopened", "open a sealed value", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_is_never_a_path() {
        assert_eq!(plain("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(plain(".."), "unnamed");
        assert_eq!(plain("résumé.pdf"), "r_sum_.pdf");
        assert_eq!(plain(&"x".repeat(300)).len(), LONGEST_NAME);
    }
}
