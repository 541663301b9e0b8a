//! Assay's adapters.
