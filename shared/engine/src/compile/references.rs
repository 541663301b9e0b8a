//! Checks what an expression names against what it may name where it stands.

use std::sync::Arc;

use super::context::Shared;
use super::fields::cut;
use super::names::{Names, Outputs, Site, Uses};
use super::path::path_text;
use super::words::EXECUTION_FIELDS;
use crate::diagnostics::Code;
use crate::expr::{PathPart, Reference, References};
use crate::source::{Node, Problem, Span};

/// An expression's surroundings while it is checked.
pub(super) struct Check<'a, 'n> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) names: &'a Names,
    pub(super) site: &'a Site<'a>,
    /// The text that the expression is, or is part of.
    pub(super) node: &'n Node,
}

impl Check<'_, '_> {
    /// Reports what may not be named, and notes the rest in `uses`.
    pub(super) fn run(&self, references: &References, uses: &mut Uses) {
        for reference in &references.roots {
            self.root(reference, uses);
        }
        for call in &references.functions {
            self.function(call.name, call.literal.as_ref(), || self.shared.locate(self.node, &call.range), uses);
        }
    }

    fn span(&self, reference: &Reference) -> Span {
        self.shared.locate(self.node, &reference.range)
    }

    fn root(&self, reference: &Reference, uses: &mut Uses) {
        match &*reference.root {
            "inputs" => self.input(reference),
            "vars" => self.var(reference, uses),
            "secrets" => self.secret(reference, uses),
            "steps" if self.site.step.is_some() => self.step(reference),
            "execution" => self.execution(reference),
            "item" | "index" if self.has_item() => {}
            name => return self.other(name, reference),
        }
        let known = |other: &Reference| other.root == reference.root && other.path == reference.path;
        if &*reference.root != "secrets" && !uses.scope.iter().any(known) {
            uses.scope.push(reference.clone());
        }
    }

    fn has_item(&self) -> bool {
        let foreach = |step: usize| self.names.steps.get(step).is_some_and(|step| step.foreach);
        self.site.item && self.site.step.is_some_and(foreach)
    }

    fn other(&self, name: &str, reference: &Reference) {
        let declared: &[String] = match (self.site.outputs, self.site.step) {
            (Outputs::Open, _) if !matches!(name, "steps" | "item" | "index") => return,
            (Outputs::Declared, Some(step)) if self.names.steps[step].outputs.is_none() => return,
            (Outputs::Declared, Some(step)) => self.names.steps[step].outputs(),
            _ => &[],
        };
        if declared.iter().any(|output| output == name) {
            return;
        }
        let span = self.span(reference);
        let what = self.site.what;
        if let (Some(step), Outputs::Absent) = (self.site.step, self.site.outputs)
            && self.names.steps[step].outputs().iter().any(|output| output == name)
        {
            let hint = "the output is known in `assert`, `capture` and `retry.on`";
            return self.shared.error_hint(
                Code::UnknownName,
                span,
                format!("`{name}` is the step's own output, which {what} does not know yet"),
                hint,
            );
        }
        let mut problem = Problem::new(Code::UnknownName, span, format!("`{}` has no meaning in {what}", cut(name)));
        problem.hint = match name {
            "item" | "index" => Some("only a step with `foreach` has items".into()),
            "steps" => Some("steps run later; name inputs, vars or secrets".into()),
            "env" => Some("write `env('NAME')`".into()),
            name if self.names.by_id.contains_key(name) => Some(format!("write `steps.{name}`")),
            name => {
                let roots = ["inputs", "vars", "secrets", "steps", "execution"];
                self.shared.suggest(name, declared.iter().map(String::as_str).chain(roots))
            }
        };
        self.shared.report(problem);
    }

    fn input(&self, reference: &Reference) {
        let mut found = self.names.found.borrow_mut();
        let Some(PathPart::Field(name)) = reference.path.first() else {
            for name in &self.names.inputs {
                found.inputs.insert(name.clone());
            }
            return;
        };
        if !self.names.inputs.iter().any(|input| **input == **name) {
            let problem =
                Problem::new(Code::UnknownInput, self.span(reference), format!("there is no input `{}`", cut(name)));
            let hint = self.shared.suggest(name, self.names.inputs.iter().map(String::as_str));
            let hint = hint.or_else(|| Some(format!("declare it: `inputs: {{{name}: {{type: string}}}}`")));
            return self.shared.report(Problem { hint, ..problem });
        }
        found.inputs.insert(name.to_string());
    }

    fn var(&self, reference: &Reference, uses: &mut Uses) {
        let Some(PathPart::Field(name)) = reference.path.first() else {
            for secrets in self.names.vars.values() {
                self.uses_secrets(secrets.iter(), reference, "vars", uses);
            }
            return;
        };
        let Some(secrets) = self.names.vars.get(&**name) else {
            let problem =
                Problem::new(Code::UnknownVar, self.span(reference), format!("there is no var `{}`", cut(name)));
            let hint = self.shared.suggest(name, self.names.vars.keys().map(String::as_str));
            return self.shared.report(Problem { hint, ..problem });
        };
        self.uses_secrets(secrets.iter(), reference, &format!("vars.{name}"), uses);
    }

    fn secret(&self, reference: &Reference, uses: &mut Uses) {
        let Some(PathPart::Field(name)) = reference.path.first() else {
            let hint = "name one secret: `secrets.NAME`";
            let message = "which secret is meant must be written out";
            return self.shared.error_hint(Code::DynamicPath, self.span(reference), message, hint);
        };
        if !self.names.secrets.contains(&**name) {
            let message = format!("there is no secret `{}`", cut(name));
            let problem = Problem::new(Code::UnknownSecret, self.span(reference), message);
            let hint = self.shared.suggest(name, self.names.secrets.iter().map(String::as_str));
            let hint = hint.or_else(|| Some(format!("declare it: `secrets: [{name}]`")));
            return self.shared.report(Problem { hint, ..problem });
        }
        self.uses_secrets([&name.to_string()].into_iter(), reference, &format!("secrets.{name}"), uses);
    }

    fn uses_secrets<'s>(
        &self,
        secrets: impl Iterator<Item = &'s String>,
        reference: &Reference,
        through: &str,
        uses: &mut Uses,
    ) {
        for secret in secrets {
            if !self.site.secrets {
                self.secret_here(reference, through);
            }
            self.names.found.borrow_mut().secrets.insert(secret.clone());
            uses.secrets.insert(secret.clone());
        }
    }

    fn secret_here(&self, reference: &Reference, through: &str) {
        let message = format!("{} cannot name `{through}`: it is secret", self.site.what);
        let hint = "only step functions see secrets; capture what decides, and name the capture";
        self.shared.error_hint(Code::SecretHere, self.span(reference), message, hint);
    }

    fn execution(&self, reference: &Reference) {
        if let Some(PathPart::Field(name)) = reference.path.first()
            && !EXECUTION_FIELDS.contains(&&**name)
        {
            let message = format!("`execution` has no `{}`", cut(name));
            let problem = Problem::new(Code::UnknownName, self.span(reference), message);
            self.shared.report(Problem { hint: self.shared.suggest(name, EXECUTION_FIELDS), ..problem });
        }
    }

    fn step(&self, reference: &Reference) {
        let Some(PathPart::Field(id)) = reference.path.first() else {
            let message = "which step is meant must be written out";
            let hint = "write `steps.` and the step's id";
            return self.shared.error_hint(Code::DynamicPath, self.span(reference), message, hint);
        };
        let Some(other) = self.names.by_id.get(&**id).copied() else {
            let message = format!("there is no step `{}`", cut(id));
            let problem = Problem::new(Code::UnknownStep, self.span(reference), message);
            let ids = self.names.steps.iter().map(|step| &*step.id);
            return self.shared.report(Problem { hint: self.shared.suggest(id, ids), ..problem });
        };
        if self.may_name(other, id, reference) {
            self.value_of(other, id, reference);
        }
    }

    /// Whether the step has ended for sure when this expression is evaluated.
    fn may_name(&self, other: usize, id: &Arc<str>, reference: &Reference) -> bool {
        let Some(step) = self.site.step else { return false };
        let graph = &self.names.graph;
        let (code, message, hint) = match self.site.armed {
            Some(before) if graph.reaches(step, other) && !graph.reaches(before, other) => {
                let message =
                    format!("`{id}` has not run when this step is armed, before `{}`", self.names.steps[before].id);
                (Code::ArmNamesLater, message, "name it in `match`, `assert` or `capture`".to_owned())
            }
            _ if graph.reaches(step, other) => return true,
            _ if other == step => {
                let message = format!("`{id}` is this step itself");
                (Code::NotANeed, message, "name the field of the output alone, as in `status`".to_owned())
            }
            _ if graph.is_finally(other) && !graph.is_finally(step) => {
                (Code::NotANeed, format!("`{id}` runs in `finally`, after this step"), "name a main step".to_owned())
            }
            _ if graph.reaches(other, step) => {
                let message = format!("`{id}` runs after this step");
                (Code::NotANeed, message, "name a step that runs before".to_owned())
            }
            _ => {
                let message = format!("`{id}` may not have run yet: this step does not need it");
                (Code::NotANeed, message, format!("add `needs: [{id}]`"))
            }
        };
        self.shared.error_hint(code, self.span(reference), message, hint);
        false
    }

    fn value_of(&self, other: usize, id: &Arc<str>, reference: &Reference) {
        let step = &self.names.steps[other];
        match reference.path.get(1) {
            Some(PathPart::Field(name)) if &**name == "output" => self.output_of(other, reference),
            Some(PathPart::Field(name)) if &**name == "status" => {}
            Some(PathPart::Field(name)) if step.captures.contains_key(&**name) => {
                if step.captures.get(&**name) == Some(&true) && !self.site.secrets {
                    self.secret_here(reference, &format!("steps.{id}.{name}"));
                }
            }
            Some(PathPart::Field(name)) => {
                let message = format!("`{id}` captures no `{}`", cut(name));
                let problem = Problem::new(Code::UnknownCapture, self.span(reference), message);
                let hint = match step.outputs().iter().any(|output| **output == **name) {
                    true => {
                        Some(format!("write `steps.{id}.output.{name}`, or capture it: `capture: {{{name}: {name}}}`"))
                    }
                    false => {
                        let known = step.captures.keys().map(String::as_str).chain(["output", "status"]);
                        self.shared.suggest(name, known)
                    }
                };
                self.shared.report(Problem { hint, ..problem });
            }
            _ => {
                let message = format!("what of `{id}` is meant must be written out");
                let hint = format!("write `steps.{id}.` and a capture, `output` or `status`");
                self.shared.error_hint(Code::DynamicPath, self.span(reference), message, hint);
            }
        }
    }

    fn output_of(&self, other: usize, reference: &Reference) {
        let step = &self.names.steps[other];
        let id = &step.id;
        let below = reference.path.get(2..).unwrap_or_default();
        let Some(PathPart::Field(field)) = below.first() else {
            let message = format!("`steps.{id}.output` must be followed by the path of one value");
            let hint = format!("write `steps.{id}.output.` and a field, or capture what you need");
            return self.shared.error_hint(Code::DynamicPath, self.span(reference), message, hint);
        };
        if !step.may_output(field) {
            let message = format!("the output of `{id}` has no `{}`", cut(field));
            let problem = Problem::new(Code::UnknownOutput, self.span(reference), message);
            let hint = self.shared.suggest(field, step.outputs().iter().map(String::as_str));
            return self.shared.report(Problem { hint, ..problem });
        }
        if reference.dynamic {
            let message = format!("the path below `steps.{id}.output` is only known at run time");
            let hint = format!("capture the list or map in `{id}`, and index the capture");
            return self.shared.error_hint(Code::DynamicPath, self.span(reference), message, hint);
        }
        let text = path_text(below);
        self.names.found.borrow_mut().hidden.entry(other).or_default().insert(text);
    }

    fn function(&self, name: &str, literal: Option<&Arc<str>>, span: impl Fn() -> Span, uses: &mut Uses) {
        match name {
            "success" | "failed" | "always" | "cancelled" if !self.site.status => {
                let message = format!("`{name}()` has no meaning in {}", self.site.what);
                self.shared.error_hint(
                    Code::StatusFunction,
                    span(),
                    message,
                    "only `if` asks it; `steps.x.status` is a text",
                );
            }
            "cancelled" if !self.site.step.is_some_and(|step| self.names.graph.is_finally(step)) => {
                let message = "`cancelled()` is always false here: a cancel ends the main steps";
                self.shared.error_hint(Code::StatusFunction, span(), message, "ask it in `finally`");
            }
            "env" => self.env(literal, span()),
            "matchesSchema" => {
                if let Some(file) = literal {
                    self.schema(file, span(), uses);
                }
            }
            _ => {}
        }
    }

    fn env(&self, literal: Option<&Arc<str>>, span: Span) {
        if self.shared.on_server() {
            let hint = "use an input, an environment or a secret";
            return self.shared.error_hint(Code::ServerOnly, span, "a server gives flows no `env()`", hint);
        }
        let Some(name) = literal else { return };
        match self.shared.bundle.env.get(&**name) {
            Some(value) => {
                self.names.found.borrow_mut().env.insert(name.to_string(), value.clone());
            }
            None => {
                let message = format!("the environment variable `{}` is not set", cut(name));
                self.shared.error_hint(Code::MissingEnv, span, message, "set it, or use an input with a default");
            }
        }
    }

    fn schema(&self, file: &str, span: Span, uses: &mut Uses) {
        let Some((path, bytes)) = self.shared.file(&self.names.folder, file, span) else { return };
        uses.files.insert(file.to_owned(), path.clone());
        if self.names.found.borrow().schemas.contains_key(file) {
            return;
        }
        let Some(schema) = self.shared.data(&path, &bytes, span) else { return };
        if let Err(error) = jsonschema::validator_for(&schema) {
            let message = format!("`{}` is no JSON Schema: {}", cut(file), cut(&error.to_string()));
            return self.shared.error(Code::BadData, span, message);
        }
        self.names.found.borrow_mut().schemas.insert(file.to_owned(), schema);
    }
}
