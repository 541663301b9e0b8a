//! Problems of a text, as users and machines read them: a place, a stable code, what is wrong, what to do.

mod code;
mod list;
mod render;

pub use code::{Code, Severity, codes};
pub use list::{Diagnostic, Diagnostics, Place, SHOWN};
pub use render::Style;
