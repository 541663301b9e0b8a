//! Blobs in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Mutex;

use assay_app::ports::{Blob, BlobStore, PortError};
use async_trait::async_trait;
use bytes::Bytes;

use super::lock;
use crate::blob_key;

/// Blobs in memory.
#[derive(Default)]
pub struct MemoryBlobStore {
    blobs: Mutex<BTreeMap<String, Blob>>,
}

#[async_trait]
impl BlobStore for MemoryBlobStore {
    async fn put(&self, key: &str, media_type: &str, bytes: Bytes) -> Result<(), PortError> {
        blob_key::check(key)?;
        let blob = Blob { media_type: media_type.to_owned(), bytes };
        match lock(&self.blobs).entry(key.to_owned()) {
            Entry::Vacant(place) => drop(place.insert(blob)),
            Entry::Occupied(stored) if *stored.get() == blob => {}
            Entry::Occupied(_) => return Err(blob_key::taken(key)),
        }
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Blob>, PortError> {
        blob_key::check(key)?;
        Ok(lock(&self.blobs).get(key).cloned())
    }

    async fn remove_below(&self, prefix: &str) -> Result<(), PortError> {
        blob_key::check_prefix(prefix)?;
        lock(&self.blobs).retain(|key, _| !key.starts_with(prefix));
        Ok(())
    }
}
