//! Assay's egress.
