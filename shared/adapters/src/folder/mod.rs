//! Blobs as files in a folder, under their own names, so that people can open them.

mod blob_store;

pub use blob_store::FolderBlobStore;
