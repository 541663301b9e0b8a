//! What a step function does around a runner, shown with a runner that follows a script.

mod canaries;
mod endings;
mod looks;
mod opening;
mod phases;
mod script;
mod verdicts;
