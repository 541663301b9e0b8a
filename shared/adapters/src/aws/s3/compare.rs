//! Whether what lies under a key is what was to be written there.

use assay_app::ports::PortError;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::blob_store::S3BlobStore;
use crate::blob_key;

/// What identifies bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
}

impl Content {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }
    }
}

impl S3BlobStore {
    /// Fine when the same lies there; else the key is taken.
    pub(super) async fn compare(&self, key: &str, media_type: &str, content: &Content) -> Result<(), PortError> {
        let Some(found) = self.look_up(key).await? else {
            return Err(PortError::retry(format!("store the blob `{key}`: what lay there has just been removed")));
        };
        let size = u64::try_from(found.content_length().unwrap_or(-1)).ok();
        if found.content_type() != Some(media_type) || size != Some(content.size) {
            return Err(blob_key::taken(key));
        }
        let stored = hash(found.body.into_async_read()).await;
        let stored = stored.map_err(|error| PortError::retry(format!("read the blob `{key}`")).because(error))?;
        (stored == content.sha256).then_some(()).ok_or_else(|| blob_key::taken(key))
    }
}

async fn hash(bytes: impl AsyncRead) -> std::io::Result<[u8; 32]> {
    let mut bytes = std::pin::pin!(bytes);
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match bytes.read(&mut piece).await? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(&piece[..count]),
        }
    }
}
