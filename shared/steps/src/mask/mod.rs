//! Masking by value: wherever a secret's value occurs, in clear or in a usual encoding, `***` stands instead.

mod masker;
mod needles;
mod stream;
#[cfg(test)]
mod tests;

pub use masker::{MASK, Masker, SHORTEST};
pub use stream::MaskStream;
