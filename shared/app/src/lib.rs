//! Assay's app.
