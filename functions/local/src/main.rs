//! The `assay` binary.
mod demo;

fn main() {}
