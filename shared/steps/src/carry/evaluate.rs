//! Evaluating a step's expressions over an output.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_engine::expr::{EvalError, Evaluation, Program, Programs, References, Scope as _, Seen, Value};
use assay_engine::job::{
    AssertionResult, AssertionSpec, CaptureSpec, ErrorClass, FailedCapture, Job, JobError, Outcome, Part,
};
use jiff::Timestamp;
use serde_json::Value as Json;

use super::open::{Opened, SecretPaths, leaves};
use super::scope::StepScope;
use crate::contract::{Expectation, Files as FilesPort, Output, StepError, StepErrorClass};
use crate::mask::{MASK, Masker, SHORTEST};

/// What a look saw, and what the expressions say of it. Texts in it are masked, values are not.
pub(super) struct Look {
    /// Finds the job's secrets, and those that this look has captured.
    pub(super) masker: Masker,
    /// The fields of the output, an object.
    pub(super) output: Arc<Json>,
    pub(super) sent: Option<Json>,
    pub(super) note: Option<String>,
    pub(super) retry_on: Vec<u32>,
    pub(super) assertions: Vec<AssertionResult>,
    /// In the order of the job; none where the output has no answer.
    pub(super) captures: Vec<Option<CapturedNow>>,
    pub(super) failed_captures: Vec<FailedCapture>,
    /// An expression could not be decided.
    pub(super) error: Option<JobError>,
}

/// A captured value in clear.
pub(super) struct CapturedNow {
    pub(super) value: Json,
    /// It is a secret as a whole.
    pub(super) secret: bool,
}

impl Look {
    /// What it comes to.
    pub(super) fn outcome(&self) -> Outcome {
        if self.error.is_some() {
            Outcome::Errored
        } else if self.failed_captures.is_empty() && self.assertions.iter().all(|assertion| assertion.passed) {
            Outcome::Passed
        } else {
            Outcome::Failed
        }
    }

    /// The first thing that did not hold, with its values.
    pub(super) fn first_failure(&self) -> Option<String> {
        if let Some(error) = &self.error {
            return Some(error.message.clone());
        }
        let assertion = self.assertions.iter().find(|assertion| !assertion.passed).map(assertion_line);
        let capture = || {
            let capture = self.failed_captures.first()?;
            Some(format!("capture {}: {}", capture.name, capture.reason))
        };
        assertion.or_else(capture)
    }
}

fn assertion_line(assertion: &AssertionResult) -> String {
    if let Some(reason) = &assertion.reason {
        return format!("{}: {reason}", assertion.that);
    }
    let values = assertion.parts.iter().filter_map(|part| Some(format!("{} = {}", part.text, part.value.as_ref()?)));
    let values: Vec<_> = values.take(4).collect();
    if values.is_empty() { assertion.that.clone() } else { format!("{} with {}", assertion.that, values.join(", ")) }
}

/// What evaluating needs besides the output.
pub(super) struct Evaluator<'a> {
    job: &'a Job,
    programs: &'a Programs,
    schemas: BTreeMap<String, Json>,
    seed: u64,
    salt: String,
    scope: &'a StepScope,
    masker: &'a Masker,
    secret_paths: &'a SecretPaths,
}

impl<'a> Evaluator<'a> {
    /// Compiles what is not known yet, and reads the schemas that the expressions name.
    pub(super) async fn new(
        job: &'a Job,
        opened: &'a Opened,
        programs: &'a Programs,
        files: &Files,
    ) -> Result<Self, StepError> {
        let mut schemas = BTreeMap::new();
        let assertions = job.assertions.iter().map(|assertion| assertion.that.as_str());
        let captures = job.captures.iter().map(|capture| capture.value.as_str());
        for text in assertions.chain(captures).chain(job.retry_on.iter().map(String::as_str)) {
            let program = programs.get(text).map_err(|error| {
                let message = format!("`{text}` is no expression: {error}");
                StepError::new(StepErrorClass::Permanent, "expression.invalid", message)
            })?;
            schemas.append(&mut files.schemas(program.references()).await?);
        }
        Ok(Self {
            job,
            programs,
            schemas,
            seed: job.seed,
            salt: job.fence.place(),
            scope: &opened.scope,
            masker: &opened.masker,
            secret_paths: &opened.secret_paths,
        })
    }

    /// Everything the step asks of an output: `retry.on`, all captures, all assertions. Captures come before assertions,
    /// so that a captured secret is masked in their evidence.
    pub(super) fn look(&self, output: Output, now: Timestamp) -> Look {
        let fields = Arc::new(Json::Object(output.fields));
        let mut look = Look {
            sent: output.sent,
            note: output.note,
            retry_on: Vec::new(),
            assertions: Vec::with_capacity(self.job.assertions.len()),
            captures: Vec::with_capacity(self.job.captures.len()),
            failed_captures: Vec::new(),
            error: None,
            output: fields,
            masker: self.masker.clone(),
        };
        let scope = self.scope.with_output(&look.output);
        for (index, text) in self.job.retry_on.iter().enumerate() {
            match self.value(text, &scope, now, "retry", index) {
                Ok((_, Value::Bool(true))) => look.retry_on.push(u32::try_from(index).unwrap_or(u32::MAX)),
                Ok(_) => {}
                Err(error) => self.undecided(&mut look, "retry.on", text, &error),
            }
        }
        for (index, capture) in self.job.captures.iter().enumerate() {
            self.capture(&mut look, capture, &scope, now, index);
        }
        let secret = look.captures.iter().flatten().filter(|captured| captured.secret);
        look.masker = self.masker.and(secret.flat_map(|captured| leaves(&captured.value)).collect());
        look.assertions.extend(output.expectations.into_iter().map(|asked| expected(asked, &look.masker)));
        for (index, assertion) in self.job.assertions.iter().enumerate() {
            self.assertion(&mut look, assertion, &scope, now, index);
        }
        for failed in &mut look.failed_captures {
            failed.reason = look.masker.cut_text(&failed.reason).into_owned();
        }
        look
    }

    fn assertion(&self, look: &mut Look, spec: &AssertionSpec, scope: &StepScope, now: Timestamp, index: usize) {
        let mut result = AssertionResult {
            that: spec.that.clone(),
            passed: false,
            message: spec.message.clone(),
            soft: spec.soft,
            reason: None,
            parts: Vec::new(),
        };
        match self.value(&spec.that, scope, now, "assert", index) {
            Ok((_, Value::Bool(true))) => result.passed = true,
            Ok((program, value)) => {
                if value.as_bool().is_none() {
                    let reason = format!("it is of type {}, not true or false", value.kind().name());
                    result.reason = Some(reason);
                }
                let cx = self.evaluation(&program, now, "assert", index);
                result.parts = self.parts(&look.masker, &program, scope, cx);
            }
            Err(error) => {
                result.reason = Some(look.masker.cut_text(&error.to_string()).into_owned());
                if let Some(program) = self.program(&spec.that) {
                    let cx = self.evaluation(&program, now, "assert", index);
                    result.parts = self.parts(&look.masker, &program, scope, cx);
                }
                self.undecided(look, "assert", &spec.that, &error);
            }
        }
        look.assertions.push(result);
    }

    fn capture(&self, look: &mut Look, spec: &CaptureSpec, scope: &StepScope, now: Timestamp, index: usize) {
        let reason = match self.value(&spec.value, scope, now, "capture", index) {
            Ok((program, value)) => {
                let (value, secret) =
                    (value.to_json(), spec.secret || self.secret_paths.named_by(program.references()));
                if !(spec.secret && cannot_be_masked(&value)) {
                    look.captures.push(Some(CapturedNow { value, secret }));
                    return;
                }
                format!("a secret of fewer than {SHORTEST} bytes could not be masked")
            }
            Err(error) => {
                self.undecided(look, "capture", &spec.value, &error);
                error.to_string()
            }
        };
        look.captures.push(None);
        let (name, value) = (spec.name.clone(), spec.value.clone());
        look.failed_captures.push(FailedCapture { name, value, reason });
    }

    /// An expression past its budget leaves the step without an answer; every other error is the output's.
    fn undecided(&self, look: &mut Look, key: &str, text: &str, error: &EvalError) {
        if matches!(error, EvalError::Budget) && look.error.is_none() {
            let (code, message) = expression_error(error);
            let message = format!("{key}: `{}`: {message}", cut(text, 200));
            look.error = Some(JobError { class: ErrorClass::Error, code: code.to_owned(), message });
        }
    }

    fn program(&self, text: &str) -> Option<Program> {
        self.programs.get(text).ok()
    }

    fn value(
        &self,
        text: &str,
        scope: &StepScope,
        now: Timestamp,
        key: &str,
        index: usize,
    ) -> Result<(Program, Value), EvalError> {
        // `new` has compiled every text; one that was dropped from the cache compiles again.
        let program = self.program(text).ok_or_else(|| EvalError::UnknownName { name: text.to_owned() })?;
        let value = program.evaluate(scope, &mut self.evaluation(&program, now, key, index));
        match value {
            Ok(value) => Ok((program, value)),
            Err(error) if self.secret_paths.touched_by(program.references()) => Err(error.without_values()),
            Err(error) => Err(error),
        }
    }

    /// Time is the look's; the place is only told to those who draw from it.
    fn evaluation(&self, program: &Program, now: Timestamp, key: &str, index: usize) -> Evaluation<'_> {
        let cx = Evaluation::new(now, self.seed).with_env(&self.job.env).with_schemas(&self.schemas);
        if program.references().functions.is_empty() {
            return cx;
        }
        let mut cx = cx.salted(self.salt.as_str());
        cx.set_place(format!("/{key}/{index}"));
        cx
    }

    /// The values of an expression's parts, masked. What is made from a secret is not shown at all, true and false apart.
    fn parts(&self, masker: &Masker, program: &Program, scope: &StepScope, mut cx: Evaluation<'_>) -> Vec<Part> {
        let explanation = program.explain(scope, &mut cx);
        let (secret, touched) =
            (self.secret_paths.named_by(program.references()), self.secret_paths.touched_by(program.references()));
        let part = |part: assay_engine::expr::Part| {
            let hidden = secret && self.may_be_secret(&part.text, scope);
            let (value, note) = match part.seen {
                Seen::Value(value) => (Some(shown_part(masker, hidden, value)), None),
                Seen::Error(_) if touched => (None, Some("it has no value".to_owned())),
                Seen::Error(reason) => (None, Some(masker.cut_text(&reason).into_owned())),
                Seen::NotEvaluated => (None, Some("not evaluated".to_owned())),
            };
            Part { text: part.text, value, note }
        };
        explanation.parts.into_iter().map(part).collect()
    }

    /// Whether a part of an expression that names a secret may be made from it: it names one itself, or something that
    /// the expression has given a name.
    fn may_be_secret(&self, text: &str, scope: &StepScope) -> bool {
        let Some(program) = self.program(text) else { return true };
        let references = program.references();
        let bound = references.roots.iter().any(|reference| scope.root(&reference.root).is_none());
        bound || self.secret_paths.named_by(references)
    }
}

fn shown_part(masker: &Masker, hidden: bool, mut value: Json) -> Json {
    if masker.is_empty() || value.is_boolean() || value.is_null() {
        return value;
    }
    if hidden {
        return Json::from(MASK);
    }
    masker.cut_json(&mut value);
    value
}

/// What the step's own words asked for, as an assertion.
fn expected(asked: Expectation, masker: &Masker) -> AssertionResult {
    let masked = |text: String| masker.cut_text(&text).into_owned();
    AssertionResult {
        that: masked(asked.that),
        passed: asked.passed,
        message: None,
        soft: false,
        reason: asked.reason.map(masked),
        parts: Vec::new(),
    }
}

/// A text or number that is too short for the masker.
fn cannot_be_masked(value: &Json) -> bool {
    !value.is_array() && !value.is_object() && leaves(value).iter().any(|leaf| leaf.len() < SHORTEST)
}

/// A stable code and a message for an expression without a value.
pub(super) fn expression_error(error: &EvalError) -> (&'static str, String) {
    let code = match error {
        EvalError::Budget => "expression.budget",
        EvalError::NullInText { .. } => "expression.null",
        _ => "expression.value",
    };
    (code, error.to_string())
}

/// The first `bytes` bytes of the text, about, with an ellipsis where something is missing.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)])
}

/// The files beside the flow, for schemas.
pub(super) struct Files(pub(super) Arc<dyn FilesPort>);

impl Files {
    /// The schemas that expressions name, read and parsed.
    pub(super) async fn schemas(&self, references: &References) -> Result<BTreeMap<String, Json>, StepError> {
        let mut schemas = BTreeMap::new();
        for name in references.schema_files() {
            let bytes = self.0.read(name).await?;
            let schema = serde_json::from_slice(&bytes).map_err(|error| {
                let message = format!("the schema {name} is not JSON: {error}");
                StepError::new(StepErrorClass::Permanent, "step.schema", message)
            })?;
            schemas.insert(name.to_owned(), schema);
        }
        Ok(schemas)
    }
}
