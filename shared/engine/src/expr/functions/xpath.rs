//! `xpath`: XPath 1.0 over XML.

use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::super::xpath;
use super::registry::{Function, Outcome, global, string};

pub(super) const FUNCTIONS: &[Function] = &[global("xpath", (2, 2), evaluate)];

fn evaluate(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    xpath::evaluate(cx, string(args, 0)?, string(args, 1)?)
}
