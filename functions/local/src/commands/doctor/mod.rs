//! `assay doctor`: what stands in the way of running flows here, and what to do about it. It changes nothing.

mod ask;
mod finding;
mod machine;
mod project;
mod store;

pub(super) use ask::doctor;
