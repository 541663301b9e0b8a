//! From an OpenAPI document (3.0 and 3.1) to flows: what is created is read, listed, changed and deleted again; every
//! answer is held against its documented status and schema. Nothing is fetched; what has no counterpart is listed.

mod body;
mod document;
mod flows;
mod identity;
mod notes;
mod operation;
mod order;
mod parameters;
mod pattern;
mod response;
mod sample;
mod schema;
mod schema_file;
mod security;
mod step;

pub(super) use document::{Document, LARGEST};
pub(super) use flows::flows;
