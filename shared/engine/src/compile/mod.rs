//! From the texts of a flow version to a plan, or to everything that is wrong with them.
//!
//! A flow's keys are read, then its steps' order is settled, then every expression is checked against what it may name.
//! Nothing stops at the first problem.

mod arming;
mod attempts;
mod captures;
mod children;
mod context;
mod data;
mod dump;
mod engine_words;
mod entry;
mod environment;
mod expressions;
mod fields;
mod flow;
mod foreach;
mod graph;
mod headings;
mod inputs;
mod locate;
mod merge;
mod names;
mod needed;
mod path;
mod project;
mod references;
mod resources;
mod schema;
mod schema_steps;
mod secrets;
mod shape;
mod step;
mod suggest;
mod vars;
mod warnings;
mod with;
mod words;

pub use entry::{Compiled, compile};
pub use environment::check_environment;
pub use needed::{Needed, flow_candidates, needed};
pub use path::path_text;
pub use project::{ProjectFile, read_project};
pub use schema::{environment_schema, flow_schema, project_schema};
