//! The expression language: CEL, compiled into our own tree and evaluated with a budget of counted work.
//!
//! Pure: no clock, no randomness, no input or output. What an expression may learn from outside stands in its
//! [`Scope`] and its [`Evaluation`].
//!
//! - [`Program`] is one compiled expression, [`Programs`] a cache of them.
//! - [`Template`] is a text with `${...}`, [`JsonTemplate`] a JSON value whose texts are templates.
//! - [`References`] tells what a program names, without evaluating it.
//! - [`Explanation`] is a value together with the values of its parts: the evidence of an assertion.

mod compare;
mod error;
mod evaluation;
mod evidence;
mod functions;
mod json;
mod json_template;
mod literal;
mod lower;
mod lower_macro;
mod map;
mod meter;
mod operators;
mod parse;
mod parse_primary;
mod program;
mod references;
mod run;
mod run_loop;
mod run_path;
mod syntax;
mod template;
mod time;
mod token;
mod tree;
mod value;
mod xpath;

pub use error::{EvalError, ExprError, Limits};
pub use evaluation::{DEFAULT_BUDGET, Evaluation, Scope, Status};
pub use evidence::{Explanation, PREVIEW_BYTES, Part, Seen};
pub use json_template::{JsonTemplate, Partial, PlacedEvalError, PlacedExprError, fill};
pub use map::{Key, Map};
pub use program::{Program, Programs};
pub use references::{FunctionUse, PathPart, Reference, References};
pub use template::Template;
pub use value::{List, Type, Value};
