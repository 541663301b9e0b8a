//! Blobs on S3.
//!
//! A key is written once: every write is on condition that nothing lies there (`If-None-Match: *`). Large ones go in parts,
//! a few at a time. How they are encrypted, for how long they are kept, and that nobody outside reads them is the bucket's to
//! say: no request names a key or a right.

mod blob_store;
mod compare;
mod links;
mod parts;

pub use blob_store::S3BlobStore;
