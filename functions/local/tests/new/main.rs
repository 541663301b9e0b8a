//! `assay new`: what it writes runs, and says what it left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod curl;
mod folder;
mod hostile;
mod mock;
mod openapi;
mod specification;
