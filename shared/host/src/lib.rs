//! Assay's host.
