//! The master key in a file beside the store, or given.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use assay_app::ports::{PortError, SecretBox};
use assay_engine::id::OrganizationId;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::envelope::{Envelope, KEY, random};
use crate::Durability;
use crate::private_file::{file_error, make_folder, write_file};

/// Seals under a master key that lies in a file: 32 bytes in base64, on one line, readable by its user alone.
pub struct KeyFileSecretBox {
    path: PathBuf,
    /// None before the first value, when there was no file.
    envelope: Mutex<Option<Arc<Envelope>>>,
}

impl KeyFileSecretBox {
    /// Reads the key. When there is no such file, one is made with the first value, which waits for the disk.
    ///
    /// # Errors
    /// When the file cannot be read, holds no key, or may be read by others.
    pub fn open(path: &Path) -> Result<Self, PortError> {
        let envelope = read(path)?.map(|key| Arc::new(Envelope::new(&key)));
        Ok(Self { path: path.to_owned(), envelope: Mutex::new(envelope) })
    }

    fn envelope(&self) -> Result<Arc<Envelope>, PortError> {
        let mut envelope = self.envelope.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(envelope) = &*envelope {
            return Ok(envelope.clone());
        }
        let key = match read(&self.path)? {
            Some(key) => key,
            None => make(&self.path)?,
        };
        Ok(envelope.insert(Arc::new(Envelope::new(&key))).clone())
    }
}

fn read(path: &Path) -> Result<Option<[u8; KEY]>, PortError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file_error("read the key file", path, error)),
    };
    refuse_if_others_read(path)?;
    let key = STANDARD.decode(text.trim()).ok().and_then(|bytes| <[u8; KEY]>::try_from(bytes).ok());
    let fault = || PortError::permanent(format!("read the key file `{}`: it holds no key of 32 bytes", path.display()));
    key.ok_or_else(fault).map(Some)
}

#[cfg(unix)]
fn refuse_if_others_read(path: &Path) -> Result<(), PortError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).map_err(|error| file_error("read the key file", path, error))?;
    let open = metadata.permissions().mode() & 0o077 != 0;
    let fault = || {
        let path = path.display();
        PortError::permanent(format!("use the key file `{path}`: others may read it; `chmod 600 {path}` ends that"))
    };
    (!open).then_some(()).ok_or_else(fault)
}

#[cfg(not(unix))]
fn refuse_if_others_read(_path: &Path) -> Result<(), PortError> {
    Ok(())
}

/// Makes the key file, unless another process has just made it: then that one counts.
fn make(path: &Path) -> Result<[u8; KEY], PortError> {
    let failed = |error| file_error("make the key file", path, error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_folder(folder).map_err(failed)?;
    }
    let (mut key, mut name) = ([0; KEY], [0; 8]);
    random(&mut key)?;
    random(&mut name)?;
    // written apart and linked: nobody reads half a key, and nobody's key is replaced
    let unnamed = path.with_extension(format!("{:016x}", u64::from_be_bytes(name)));
    let text = format!("{}\n", STANDARD.encode(key));
    write_file(&unnamed, text.as_bytes(), Durability::Full).map_err(failed)?;
    let linked = std::fs::hard_link(&unnamed, path);
    std::fs::remove_file(&unnamed).map_err(failed)?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))
        }
        Err(error) => Err(failed(error)),
    }
}

#[async_trait]
impl SecretBox for KeyFileSecretBox {
    async fn seal(&self, organization: &OrganizationId, text: &str) -> Result<String, PortError> {
        self.envelope()?.seal(organization, text)
    }

    async fn open(&self, organization: &OrganizationId, sealed: &str) -> Result<String, PortError> {
        self.envelope()?.open(organization, sealed)
    }
}

/// Seals under a master key that was given and lies nowhere: what it sealed nobody opens after it.
pub struct MemorySecretBox {
    envelope: Envelope,
}

impl MemorySecretBox {
    /// Under this key.
    #[must_use]
    pub fn new(key: &[u8; KEY]) -> Self {
        Self { envelope: Envelope::new(key) }
    }

    /// Under a key of its own.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random() -> Result<Self, PortError> {
        let mut key = [0; KEY];
        random(&mut key)?;
        Ok(Self::new(&key))
    }
}

#[async_trait]
impl SecretBox for MemorySecretBox {
    async fn seal(&self, organization: &OrganizationId, text: &str) -> Result<String, PortError> {
        self.envelope.seal(organization, text)
    }

    async fn open(&self, organization: &OrganizationId, sealed: &str) -> Result<String, PortError> {
        self.envelope.open(organization, sealed)
    }
}
