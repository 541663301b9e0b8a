//! Reports for other programs, made of an [`crate::view::ExecutionView`].

mod junit;

pub use junit::{JunitError, junit};
