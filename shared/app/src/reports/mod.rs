//! Reports for other programs, made of an [`crate::view::ExecutionView`].

mod junit;
#[cfg(test)]
mod tests;

pub use junit::{JunitError, junit};
