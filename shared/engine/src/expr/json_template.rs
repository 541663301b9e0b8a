//! JSON values whose texts are templates.

use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json};
use thiserror::Error;

use super::error::{EvalError, ExprError, Fault};
use super::evaluation::{Evaluation, Scope};
use super::references::References;
use super::template::Template;

/// A JSON value whose texts (not its keys) are templates, compiled once.
#[derive(Debug, Clone)]
pub struct JsonTemplate {
    /// The value with null in place of each template that has expressions.
    tree: Json,
    /// The templates with expressions, by their pointer, in document order.
    templates: Vec<(String, Template)>,
    references: References,
}

/// A partly rendered value, and the texts left out by JSON pointer.
pub type Partial = (Json, Vec<(String, Arc<str>)>);

/// A text within a JSON value that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{error}")]
pub struct PlacedExprError {
    /// The JSON pointer (RFC 6901) of the text.
    pub pointer: String,
    /// What is wrong with it.
    pub error: ExprError,
}

/// A text within a JSON value that cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{error}")]
pub struct PlacedEvalError {
    /// The JSON pointer (RFC 6901) of the text.
    pub pointer: String,
    /// Why it has no value.
    pub error: EvalError,
}

impl JsonTemplate {
    /// Compiles every text in `value`.
    ///
    /// # Errors
    ///
    /// All errors of all texts.
    pub fn compile(value: &Json) -> Result<Self, Vec<PlacedExprError>> {
        let mut templates = Vec::new();
        let mut errors = Vec::new();
        let tree = collect(value, &mut String::new(), &mut templates, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut references = References::default();
        for (_, template) in &templates {
            references.merge(template.references(), 0);
        }
        Ok(Self { tree, templates, references })
    }

    /// The value with null in place of each text that has expressions; other texts are as they render.
    pub fn tree(&self) -> &Json {
        &self.tree
    }

    /// What all its expressions name; each place is within its own text.
    pub fn references(&self) -> &References {
        &self.references
    }

    /// The templates that have expressions, by JSON pointer.
    pub fn templates(&self) -> impl Iterator<Item = (&str, &Template)> {
        self.templates.iter().map(|(pointer, template)| (pointer.as_str(), template))
    }

    /// The pointers of the texts that name a root.
    pub fn pointers_naming<'a>(&'a self, root: &'a str) -> impl Iterator<Item = &'a str> {
        let naming = self.templates.iter().filter(move |(_, template)| template.references().names_root(root));
        naming.map(|(pointer, _)| pointer.as_str())
    }

    /// Whether no text has an expression.
    pub fn is_literal(&self) -> bool {
        self.templates.is_empty()
    }

    /// The value with every text rendered.
    ///
    /// # Errors
    ///
    /// The first text, in document order, that cannot be rendered.
    pub fn render(&self, scope: &dyn Scope, cx: &mut Evaluation<'_>) -> Result<Json, PlacedEvalError> {
        self.render_partial(scope, cx, &|_| false).map(|(value, _)| value)
    }

    /// The value with every text rendered but those that `leave` chooses: null stands in their place, and they are
    /// returned by JSON pointer as they were written, to be finished with [`fill`].
    ///
    /// # Errors
    ///
    /// The first text, in document order, that cannot be rendered.
    pub fn render_partial(
        &self,
        scope: &dyn Scope,
        cx: &mut Evaluation<'_>,
        leave: &dyn Fn(&Template) -> bool,
    ) -> Result<Partial, PlacedEvalError> {
        let mut value = self.tree.clone();
        let mut left = Vec::new();
        for (pointer, template) in &self.templates {
            if leave(template) {
                left.push((pointer.clone(), template.text().clone()));
            } else {
                render_at(&mut value, pointer, template, scope, cx)?;
            }
        }
        Ok((value, left))
    }
}

/// Renders `template` into the place of `value` that `pointer` names, as [`JsonTemplate::render`] would have.
///
/// # Errors
///
/// When the template cannot be rendered, or there is no such place.
pub fn fill(
    value: &mut Json,
    pointer: &str,
    template: &Template,
    scope: &dyn Scope,
    cx: &mut Evaluation<'_>,
) -> Result<(), PlacedEvalError> {
    render_at(value, pointer, template, scope, cx)
}

fn render_at(
    value: &mut Json,
    pointer: &str,
    template: &Template,
    scope: &dyn Scope,
    cx: &mut Evaluation<'_>,
) -> Result<(), PlacedEvalError> {
    let placed = |error| PlacedEvalError { pointer: pointer.to_owned(), error };
    let outer = std::mem::replace(&mut cx.place, pointer.to_owned());
    let rendered = template.render(scope, cx);
    cx.place = outer;
    let rendered = rendered.map_err(placed)?;
    let place = value
        .pointer_mut(pointer)
        .ok_or_else(|| placed(*Fault::Key("there is no such place".to_owned()).at(pointer, "")))?;
    *place = rendered;
    Ok(())
}

fn collect(
    value: &Json,
    pointer: &mut String,
    templates: &mut Vec<(String, Template)>,
    errors: &mut Vec<PlacedExprError>,
) -> Json {
    match value {
        Json::String(text) => match Template::compile(text) {
            Ok(template) => match template.literal() {
                Some(literal) => Json::String(literal.to_owned()),
                None => {
                    templates.push((pointer.clone(), template));
                    Json::Null
                }
            },
            Err(wrong) => {
                let placed = wrong.into_iter().map(|error| PlacedExprError { pointer: pointer.clone(), error });
                errors.extend(placed);
                Json::Null
            }
        },
        Json::Array(items) => {
            let mut collected = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                collected.push(below(&index.to_string(), item, pointer, templates, errors));
            }
            Json::Array(collected)
        }
        Json::Object(fields) => {
            let mut collected = JsonMap::with_capacity(fields.len());
            for (name, field) in fields {
                let token = name.replace('~', "~0").replace('/', "~1");
                let value = below(&token, field, pointer, templates, errors);
                collected.insert(name.clone(), value);
            }
            Json::Object(collected)
        }
        other => other.clone(),
    }
}

fn below(
    token: &str,
    value: &Json,
    pointer: &mut String,
    templates: &mut Vec<(String, Template)>,
    errors: &mut Vec<PlacedExprError>,
) -> Json {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(token);
    let collected = collect(value, pointer, templates, errors);
    pointer.truncate(length);
    collected
}
