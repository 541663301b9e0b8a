//! Step types for tests of the compiler, the machine and the simulator: the shapes that real ones have, without any
//! of their code.

mod types;

pub use types::TestTypes;
