//! The port over it.

use std::collections::HashMap;
use std::sync::Arc;

use assay_app::ports::{PortError, SecretBox};
use assay_engine::id::OrganizationId;
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata as _;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use zeroize::Zeroizing;

use super::cache::Cache;
use super::data_key::{DataKey, Sealed};
use crate::aws::error::failed;
use crate::secret_box::envelope::KEY;

/// Values that are sealed under one data key.
const MOST_VALUES: u32 = 10_000;
/// What the encryption context calls the organization.
const ORGANIZATION: &str = "organization";

/// Seals under data keys of a KMS key.
pub struct KmsSecretBox {
    client: Client,
    /// The key's id, ARN or alias.
    key: String,
    /// The key under which an organization's values are sealed now.
    sealing: Cache<OrganizationId>,
    /// What KMS unwrapped for an organization: for no other it is the same.
    opened: Cache<(OrganizationId, Vec<u8>)>,
}

impl KmsSecretBox {
    /// Under this key, by id, ARN or alias; nothing is asked before the first value.
    #[must_use]
    pub fn new(config: &SdkConfig, key: impl Into<String>) -> Self {
        let (sealing, opened) = (Cache::new(MOST_VALUES), Cache::new(u32::MAX));
        Self { client: Client::new(config), key: key.into(), sealing, opened }
    }

    async fn key_for(&self, organization: &OrganizationId) -> Result<Arc<DataKey>, PortError> {
        if let Some(key) = self.sealing.get(organization) {
            return Ok(key);
        }
        let request = self.client.generate_data_key().key_id(&self.key).key_spec(DataKeySpec::Aes256);
        let answer = request.encryption_context(ORGANIZATION, organization.as_str()).send().await;
        let answer = answer.map_err(|error| failed("make a data key", error))?;
        let wrapped = answer.ciphertext_blob.map(Blob::into_inner).unwrap_or_default();
        let key = Arc::new(DataKey::new(of_length(answer.plaintext)?, wrapped));
        self.opened.put((organization.clone(), key.wrapped.clone()), key.clone());
        self.sealing.put(organization.clone(), key.clone());
        Ok(key)
    }

    async fn unwrap(&self, organization: &OrganizationId, wrapped: &[u8]) -> Result<Arc<DataKey>, PortError> {
        let of = (organization.clone(), wrapped.to_vec());
        if let Some(key) = self.opened.get(&of) {
            return Ok(key);
        }
        let context = HashMap::from([(ORGANIZATION.to_owned(), organization.to_string())]);
        let request = self.client.decrypt().key_id(&self.key).ciphertext_blob(Blob::new(wrapped));
        let answer = match request.set_encryption_context(Some(context)).send().await {
            Ok(answer) => answer,
            Err(error) if matches!(error.code(), Some("InvalidCiphertextException" | "IncorrectKeyException")) => {
                return Err(foreign());
            }
            Err(error) => return Err(failed("open a data key", error)),
        };
        let key = Arc::new(DataKey::new(of_length(answer.plaintext)?, wrapped.to_vec()));
        self.opened.put(of, key.clone());
        Ok(key)
    }
}

fn foreign() -> PortError {
    PortError::permanent("open a sealed value: it was changed, or sealed for another organization or key")
}

fn of_length(clear: Option<Blob>) -> Result<[u8; KEY], PortError> {
    let clear = Zeroizing::new(clear.map(Blob::into_inner).unwrap_or_default());
    <[u8; KEY]>::try_from(clear.as_slice()).map_err(|_| PortError::permanent("open a data key: it is not of 32 bytes"))
}

#[async_trait]
impl SecretBox for KmsSecretBox {
    async fn seal(&self, organization: &OrganizationId, text: &str) -> Result<String, PortError> {
        self.key_for(organization).await?.seal(organization, text)
    }

    async fn open(&self, organization: &OrganizationId, sealed: &str) -> Result<String, PortError> {
        let sealed = Sealed::read(sealed).ok_or_else(foreign)?;
        let key = self.unwrap(organization, &sealed.wrapped).await?;
        key.open(organization, &sealed).ok_or_else(foreign)
    }
}
