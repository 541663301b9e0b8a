//! `data/<key>` holds the bytes, `types/<key>` the media type, `incoming/` what is being written.

use std::io::{ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aes_gcm::aead::OsRng;
use aes_gcm::aead::rand_core::RngCore as _;
use assay_app::ports::{Blob, BlobStore, PortError};
use async_trait::async_trait;
use bytes::Bytes;

use crate::private_file::{file_error, make_folder, write_file};
use crate::{Durability, blob_key};

const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Blobs as files in a folder. A reader sees a blob whole or not at all.
pub struct FolderBlobStore {
    folder: Arc<Folder>,
}

struct Folder {
    root: PathBuf,
    durability: Durability,
}

impl FolderBlobStore {
    /// Opens the store in this folder, and makes it, for this user alone.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(root: &Path, durability: Durability) -> Result<Self, PortError> {
        let folder = Folder { root: root.to_owned(), durability };
        for place in [folder.data(), folder.types(), folder.incoming()] {
            make_folder(&place).map_err(|error| file_error("make the folder", &place, error))?;
        }
        Ok(Self { folder: Arc::new(folder) })
    }

    /// Files are waited for on a thread that may wait.
    async fn apart<T: Send + 'static>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Folder) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let folder = Arc::clone(&self.folder);
        let done = tokio::task::spawn_blocking(move || act(&folder)).await;
        done.map_err(|error| PortError::bug(doing).because(error))?
    }
}

impl Folder {
    fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    fn types(&self) -> PathBuf {
        self.root.join("types")
    }

    fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    /// Writes the file apart and puts it in its place at once.
    fn place(&self, at: &Path, bytes: &[u8]) -> IoResult<()> {
        if let Some(parent) = at.parent() {
            make_folder(parent)?;
        }
        let incoming = self.incoming().join(format!("{:016x}", OsRng.next_u64()));
        let placed = write_file(&incoming, bytes, self.durability).and_then(|()| std::fs::rename(&incoming, at));
        if placed.is_err() {
            // the first error says more than this one
            let _ = std::fs::remove_file(&incoming);
        }
        placed
    }

    fn put(&self, key: &str, media_type: &str, bytes: &[u8]) -> Result<(), PortError> {
        let at = self.data().join(key);
        let failed = |error| file_error("store the blob", &at, error);
        if let Some(stored) = self.get(key)? {
            let same = stored.bytes == bytes && stored.media_type == media_type;
            return same.then_some(()).ok_or_else(|| blob_key::taken(key));
        }
        // the type first: the blob is there as soon as its bytes are
        self.place(&self.types().join(key), media_type.as_bytes()).map_err(failed)?;
        self.place(&at, bytes).map_err(failed)
    }

    fn get(&self, key: &str) -> Result<Option<Blob>, PortError> {
        let at = self.data().join(key);
        let Some(bytes) = read(&at).map_err(|error| file_error("read the blob", &at, error))? else { return Ok(None) };
        let at = self.types().join(key);
        let media_type = read(&at).map_err(|error| file_error("read the media type", &at, error))?;
        let media_type = media_type.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(Some(Blob { media_type: media_type.unwrap_or_else(|| UNKNOWN_TYPE.into()), bytes: bytes.into() }))
    }

    fn remove_below(&self, prefix: &str) -> Result<(), PortError> {
        // the bytes first: what is half removed is no blob any more
        for place in [self.data(), self.types()] {
            let below = place.join(prefix);
            match std::fs::remove_dir_all(&below) {
                Err(error) if !absent(&error) => return Err(file_error("remove the blobs below", &below, error)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether there is no such file: also when the path goes on behind a file, or ends at a folder.
fn absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
}

fn read(path: &Path) -> IoResult<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl BlobStore for FolderBlobStore {
    async fn put(&self, key: &str, media_type: &str, bytes: Bytes) -> Result<(), PortError> {
        blob_key::check(key)?;
        let (key, media_type) = (key.to_owned(), media_type.to_owned());
        self.apart("store a blob", move |folder| folder.put(&key, &media_type, &bytes)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Blob>, PortError> {
        blob_key::check(key)?;
        let key = key.to_owned();
        self.apart("read a blob", move |folder| folder.get(&key)).await
    }

    async fn remove_below(&self, prefix: &str) -> Result<(), PortError> {
        blob_key::check_prefix(prefix)?;
        let prefix = prefix.to_owned();
        self.apart("remove blobs", move |folder| folder.remove_below(&prefix)).await
    }
}
