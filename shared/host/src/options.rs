//! How one process that runs everything is set up.

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use assay_adapters::Durability;
pub use assay_adapters::sqlite::Access;

/// Where state is kept.
#[derive(Debug, Clone)]
pub enum State {
    /// In memory: gone with the process.
    Memory,
    /// In this folder.
    Folder {
        /// The folder.
        path: PathBuf,
        /// What a save survives.
        durability: Durability,
        /// What it is opened for.
        access: Access,
    },
}

/// How the process is set up.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Where state is kept.
    pub state: State,
    /// The values of secrets, by name.
    pub secrets: BTreeMap<String, String>,
    /// Jobs carried out at once.
    pub parallel: usize,
}
