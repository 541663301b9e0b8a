//! Secrets under a key of KMS.
//!
//! KMS gives a data key for an organization, named in the encryption context; values are sealed here, with AES-256-GCM. A
//! data key serves an organization for five minutes or 10,000 values, whichever is over first, and what was opened is known
//! for five minutes: within them a key that was disabled still opens what this process has opened before.

mod cache;
mod data_key;
mod secret_box;

pub use secret_box::KmsSecretBox;
