//! Sealing with AES-256-GCM, and secrets that were given.

pub(crate) mod envelope;
mod given;
mod key_file;
mod stored;

pub use given::GivenSecrets;
pub use key_file::{KeyFileSecretBox, MemorySecretBox};
pub use stored::StoredSecrets;
