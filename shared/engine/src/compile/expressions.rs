//! Compiling the expressions and templates of a text, each mistake at its place.

use serde_json::Value as Json;

use super::context::Shared;
use crate::diagnostics::Code;
use crate::expr::{ExprError, JsonTemplate, Program, Template};
use crate::source::{Node, Problem, Value};

impl Shared<'_> {
    /// A bare expression. `if: false` is one too.
    pub(super) fn program(&self, node: &Node, what: &str) -> Option<Program> {
        let text = match &node.value {
            Value::Text(text) => text.clone(),
            Value::Bool(truth) => truth.to_string().into(),
            _ => {
                self.wrong_type(node, what, "an expression");
                return None;
            }
        };
        let trimmed = text.trim();
        if trimmed.starts_with("${") && trimmed.ends_with('}') {
            let message = format!("{what} is an expression already");
            self.error_hint(Code::BareExpression, node.span, message, "leave `${` and `}` away");
            return None;
        }
        self.programs.get(&text).map_err(|error| self.bad_expression(node, error)).ok()
    }

    pub(super) fn template(&self, node: &Node, what: &str) -> Option<Template> {
        let Some(text) = node.text() else {
            self.wrong_type(node, what, "a text");
            return None;
        };
        match Template::compile(text) {
            Ok(template) => Some(template),
            Err(errors) => {
                errors.into_iter().for_each(|error| self.bad_expression(node, error));
                None
            }
        }
    }

    /// The templates in a value that `node` was made into.
    pub(super) fn json_template(&self, node: &Node, json: &Json) -> Option<JsonTemplate> {
        match JsonTemplate::compile(json) {
            Ok(template) => Some(template),
            Err(errors) => {
                errors.into_iter().for_each(|placed| self.bad_expression(node.at(&placed.pointer).0, placed.error));
                None
            }
        }
    }

    fn bad_expression(&self, node: &Node, error: ExprError) {
        let problem = Problem::new(Code::BadExpression, self.locate(node, &error.range), error.message);
        self.report(Problem { hint: error.hint, ..problem });
    }
}
