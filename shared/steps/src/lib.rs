//! Assay's steps.
