//! Where state is kept.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use assay_host::Environment;

use crate::error::CommandError;
use crate::project::Project;

/// What a folder is called that state is kept in.
const NAME: &str = ".assay";

/// The folder: what is asked for, else `ASSAY_STORE`, else what the nearest `assay.yaml` above says, else `.assay`
/// beside it, else here.
pub(crate) fn folder(asked: Option<&Path>, environment: &Environment) -> Result<PathBuf, CommandError> {
    if let Some(asked) = asked.or(environment.store.as_deref()) {
        return Ok(asked.to_owned());
    }
    let project = Project::nearest()?;
    if let Some(store) = &project.file.store {
        return Ok(project.path(store));
    }
    let here = std::env::current_dir().map_err(|error| CommandError::fault("find the current folder", error))?;
    Ok(project.folder.unwrap_or(here).join(NAME))
}

/// A folder that state is kept in.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    folder: PathBuf,
}

impl Home {
    /// The folder, made when it is not there.
    pub(crate) fn open_or_make(folder: PathBuf) -> Result<Self, CommandError> {
        let home = Self { folder };
        if !home.folder.is_dir() {
            make_folder(&home.folder).map_err(|error| {
                CommandError::fault(format!("make the folder {} for state", home.folder.display()), error)
            })?;
            // State is of this machine: it is not for version control.
            let ignore = home.folder.join(".gitignore");
            make_file(&ignore)
                .and_then(|mut file| file.write_all(b"*\n"))
                .map_err(|error| CommandError::fault(format!("write {}", ignore.display()), error))?;
        }
        Ok(home)
    }

    /// The folder, which must be there.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, CommandError> {
        if folder.is_dir() {
            return Ok(Self { folder });
        }
        Err(CommandError::wrong(format!(
            "there is no state in {}: nothing was run from here yet (--store DIR or ASSAY_STORE names another folder)",
            folder.display()
        )))
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A folder within it, made when it is not there.
    pub(super) fn below(&self, name: &str) -> Result<PathBuf, CommandError> {
        let folder = self.folder.join(name);
        make_folder(&folder)
            .map_err(|error| CommandError::fault(format!("make the folder {}", folder.display()), error))?;
        Ok(folder)
    }
}

/// Makes a folder that only its user enters, and those above it; one that is there stays as it is.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a file that only its user reads, and that is not there yet.
pub(super) fn make_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
