//! Artifacts and large outputs.

use async_trait::async_trait;
use bytes::Bytes;

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
}

/// A stored blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}
