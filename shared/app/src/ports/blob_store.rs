//! Artifacts and large outputs.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::PortError;

/// Blobs by key. Keys are `organization/execution/...`, of `[A-Za-z0-9._-]` segments that are neither `.` nor `..`.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Stores; a key is written once, writing the same again changes nothing.
    async fn put(&self, key: &str, media_type: &str, bytes: Bytes) -> Result<(), PortError>;
    /// The blob; none: no such key.
    async fn get(&self, key: &str) -> Result<Option<Blob>, PortError>;
    /// Removes everything whose key begins with the prefix, which ends with `/`.
    async fn remove_below(&self, prefix: &str) -> Result<(), PortError>;

    /// Stores what is read, which must be of this size. A store that can keeps only a piece of it in memory.
    async fn put_from(&self, key: &str, media_type: &str, size: u64, from: BlobBytes) -> Result<(), PortError> {
        let bytes = read_whole(key, size, from).await?;
        self.put(key, media_type, bytes).await
    }

    /// The blob, to be read piece by piece; none: no such key.
    async fn open(&self, key: &str) -> Result<Option<OpenBlob>, PortError> {
        let Some(blob) = self.get(key).await? else { return Ok(None) };
        let size = blob.bytes.len() as u64;
        let bytes = Box::pin(std::io::Cursor::new(blob.bytes));
        Ok(Some(OpenBlob { media_type: blob.media_type, size, bytes }))
    }

    /// An address under which whoever has it can download the blob for so long, as a file of this name and never as a
    /// page. Whether there is such a blob is found out there. None: this store has no addresses, serve it yourself.
    async fn link(&self, _key: &str, _file_name: &str, _lasting: Duration) -> Result<Option<String>, PortError> {
        Ok(None)
    }

    /// An address to which whoever has it can send exactly this for so long, once. None: this store has none.
    async fn upload_link(
        &self,
        _key: &str,
        _upload: &Upload,
        _lasting: Duration,
    ) -> Result<Option<UploadLink>, PortError> {
        Ok(None)
    }
}

/// Bytes that come piece by piece.
pub type BlobBytes = Pin<Box<dyn AsyncRead + Send>>;

/// A stored blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A stored blob that is read piece by piece.
pub struct OpenBlob {
    /// Its media type.
    pub media_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// Its bytes.
    pub bytes: BlobBytes,
}

/// What somebody is to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its media type.
    pub media_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

/// Where and how to send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadLink {
    /// The address, for `PUT`.
    pub url: String,
    /// Headers that must be sent along as they are, the size aside, which every client sends.
    pub headers: Vec<(String, String)>,
}

/// Reads it into memory; a permanent error when it is not of this size.
async fn read_whole(key: &str, size: u64, from: BlobBytes) -> Result<Bytes, PortError> {
    let mut bytes = Vec::new();
    // one byte more, to see that there is none
    let read = from.take(size.saturating_add(1)).read_to_end(&mut bytes).await;
    read.map_err(|error| PortError::retry(format!("read what is to be the blob `{key}`")).because(error))?;
    if bytes.len() as u64 != size {
        return Err(PortError::permanent(format!("store the blob `{key}`: it is not of {size} bytes as was said")));
    }
    Ok(bytes.into())
}
