//! What a repository says about itself: `assay.yaml` and the environments beside it.

mod environment;
mod file;

pub(crate) use environment::environment;
pub(crate) use file::{MARKER, Project};
