//! Which processes live: each that opens the store holds an operating-system lock on a file of its own. The lock goes
//! with the process, however it ends; a process id would not do, since it comes again.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aes_gcm::aead::OsRng;
use aes_gcm::aead::rand_core::RngCore as _;
use assay_app::ports::PortError;

use crate::private_file::{file_error, make_file, make_folder};

/// A name that is being made: not looked at by anybody.
const NEW: &str = "new";

/// The owners' folder of a store, and this process's place in it.
pub(super) struct Owners {
    folder: PathBuf,
    name: String,
    /// Holds the lock as long as it is open; none: it only looks.
    lock: Option<File>,
    gone: Mutex<HashSet<String>>,
}

impl Owners {
    /// Enters this opening of the store, under a name that no other has ever had.
    pub(super) fn enter(store: &Path) -> Result<Self, PortError> {
        let folder = store.join("owners");
        make_folder(&folder).map_err(|error| file_error("make the folder", &folder, error))?;
        let name = format!("{}-{:016x}", std::process::id(), OsRng.next_u64());
        // locked first and named then, so that nobody sees it unlocked
        let unnamed = folder.join(&name).with_extension(NEW);
        let failed = |error| file_error("enter this process as an owner in", &folder, error);
        let file = make_file(&unnamed).map_err(failed)?;
        file.lock().map_err(failed)?;
        std::fs::rename(&unnamed, folder.join(&name)).map_err(failed)?;
        let owners = Self { folder, name, lock: Some(file), gone: Mutex::default() };
        owners.sweep();
        Ok(owners)
    }

    /// Only looks who lives: an opening that cannot write owns nothing.
    pub(super) fn watch(store: &Path) -> Self {
        Self { folder: store.join("owners"), name: String::new(), lock: None, gone: Mutex::default() }
    }

    /// The name of this opening.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the opening with this name still lives.
    pub(super) fn lives(&self, name: &str) -> bool {
        if name == self.name && self.lock.is_some() {
            return true;
        }
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if gone.contains(name) {
            return false;
        }
        let lives = self.holds_its_lock(name);
        if !lives {
            gone.insert(name.to_owned());
        }
        lives
    }

    /// Removes the file of a name whose lock nobody holds.
    fn holds_its_lock(&self, name: &str) -> bool {
        // a name comes from the database: only what could be one of ours becomes a path
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return false;
        }
        let path = self.folder.join(name);
        let Ok(file) = File::open(&path) else { return false };
        // shared, so that two who look at once do not take each other for the owner
        match file.try_lock_shared() {
            Ok(()) => {
                // somebody else may have removed it, or will
                let _ = std::fs::remove_file(&path);
                false
            }
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) => {
                tracing::warn!(%error, owner = name, "cannot tell whether this process lives: taken for alive");
                true
            }
        }
    }

    /// Removes what dead processes have left.
    fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            if let Some(name) = entry.file_name().to_str() {
                self.lives(name);
            }
        }
    }
}

impl Drop for Owners {
    fn drop(&mut self) {
        if self.lock.is_none() {
            return;
        }
        // one who cannot remove it leaves an unlocked file, which means the same
        let _ = std::fs::remove_file(self.folder.join(&self.name));
    }
}
