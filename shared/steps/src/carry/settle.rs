//! From what an attempt saw to the result that leaves the step function.

use std::sync::{Arc, PoisonError};

use assay_engine::job::{AssertionResult, Captured, Cookie, ErrorClass, JobError, JobResult, LookSummary, Outcome};
use serde_json::Value as Json;

use super::attempt::Attempt;
use super::evaluate::Look;
use super::evidence::{Exhibit, evidence, size_within};
use super::looks::Seen;
use super::open::Envelope;
use super::path::value_at;
use crate::contract::{Secrets, StepError};
use crate::mask::Masker;

/// Bytes of captures, hidden ones included, of one step or instance.
const CAPTURES: usize = 64 * 1024;
/// Bytes of cookies that one attempt may add.
const COOKIES: usize = 64 * 1024;
/// Bytes of the values of failed assertions' parts.
const PARTS: usize = 48 * 1024;

/// What the step keeps for its own next job: sealed when a secret's value occurs in it.
pub(super) async fn protected(value: Json, masker: &Masker, secrets: &dyn Secrets) -> Result<Json, StepError> {
    let captured = keep(value, false, masker, secrets).await?;
    serde_json::to_value(captured).map_err(|error| StepError::bug(format!("cannot write a kept value: {error}")))
}

/// The value as it may be stored.
async fn keep(value: Json, secret: bool, masker: &Masker, secrets: &dyn Secrets) -> Result<Captured, StepError> {
    let within = masker.secrets_in(&value);
    if (!secret || value.is_null()) && within.is_empty() {
        return Ok(Captured::Clear(value));
    }
    let envelope = Envelope { value, secrets: within, whole: secret };
    let text = serde_json::to_string(&envelope)
        .map_err(|error| StepError::bug(format!("cannot write a value to seal: {error}")))?;
    secrets.seal(&text).await.map(Captured::Sealed)
}

/// An attempt that has ended, on its way to a result.
pub(super) struct Settling<'a> {
    attempt: Attempt<'a>,
    masker: Masker,
    outcome: Outcome,
    error: Option<JobError>,
}

impl<'a> Settling<'a> {
    pub(super) fn new(attempt: Attempt<'a>, outcome: Outcome, error: Option<JobError>) -> Self {
        Self { masker: attempt.opened.masker.clone(), attempt, outcome, error }
    }

    pub(super) async fn result(mut self, mut seen: Seen) -> JobResult {
        let looks: Option<LookSummary> = self.attempt.job.looks.and_then(|_| seen.summary());
        let (started_at, ended_at) = (self.attempt.started_at, self.attempt.cx.clock.now());
        let mut result = JobResult::of(self.outcome, started_at, ended_at);
        if let Some(look) = seen.last {
            self.masker = look.masker.clone();
            self.take_look(look, &mut result).await;
        }
        result.cookies = self.cookies().await;
        result.looks = looks;
        result.artifacts = self.attempt.artifacts.take();
        // What the last look captured as a secret may stand in what was written before.
        let masker = &self.masker;
        for note in result.looks.iter_mut().flat_map(|looks| &mut looks.kept).filter_map(|look| look.note.as_mut()) {
            *note = masker.cut_text(note).into_owned();
        }
        for artifact in &mut result.artifacts {
            artifact.name = masker.text(&artifact.name).into_owned();
        }
        result.outcome = self.outcome;
        result.error = self.error.map(|error| {
            let message = masker.cut_text(&error.message).into_owned();
            JobError { message, ..error }
        });
        result
    }

    async fn take_look(&mut self, mut look: Look, result: &mut JobResult) {
        self.captures(&mut look, result).await;
        // What a stop cut short was not there to be judged.
        if self.outcome != Outcome::Cancelled {
            result.assertions = std::mem::take(&mut look.assertions);
            bound_parts(&mut result.assertions);
            result.failed_captures = std::mem::take(&mut look.failed_captures);
            result.retry_on = look.retry_on;
        }
        let output = Arc::try_unwrap(look.output).unwrap_or_else(|shared| (*shared).clone());
        let fields = match output {
            Json::Object(fields) => fields,
            _ => serde_json::Map::new(),
        };
        let exhibit = Exhibit { fields, sent: look.sent, note: look.note };
        let name = format!("{}.{}.json", self.attempt.job.fence.place(), self.attempt.job.fence.attempt);
        result.evidence = Some(evidence(exhibit, &name, &self.masker, self.attempt.artifacts.as_ref()).await);
    }

    /// Captures and hidden captures, sealed where they must be, within the limit.
    async fn captures(&mut self, look: &mut Look, result: &mut JobResult) {
        let specs = std::mem::take(&mut self.attempt.job.captures);
        for (spec, captured) in specs.into_iter().zip(std::mem::take(&mut look.captures)) {
            let captured = match captured {
                Some(now) => self.kept(now.value, now.secret).await,
                None => Captured::NULL,
            };
            result.captures.insert(spec.name, captured);
        }
        for path in std::mem::take(&mut self.attempt.job.hidden) {
            let captured = match value_at(&look.output, &path) {
                Some(value) if size_within(value, CAPTURES).is_none() => {
                    self.over(&format!("`output.{path}`"));
                    Captured::NULL
                }
                Some(value) => self.kept(value.clone(), false).await,
                None => Captured::NULL,
            };
            result.hidden.insert(path, captured);
        }
        self.bound_captures(result);
    }

    async fn kept(&mut self, value: Json, secret: bool) -> Captured {
        let kept = keep(value, secret, &self.masker, self.attempt.cx.secrets.as_ref()).await;
        match kept {
            Ok(captured) => captured,
            Err(error) => {
                self.errored(error.into_job_error());
                Captured::NULL
            }
        }
    }

    /// Past the limit the largest ones are given up until the rest fits, and the step has errored.
    fn bound_captures(&mut self, result: &mut JobResult) {
        let size = |(name, captured): (&String, &Captured)| name.len() + captured_size(captured);
        let mut total: usize =
            result.captures.iter().map(size).sum::<usize>() + result.hidden.iter().map(size).sum::<usize>();
        while total > CAPTURES {
            let visible = result.captures.iter_mut().map(|(name, captured)| (format!("`{name}`"), captured));
            let hidden = result.hidden.iter_mut().map(|(path, captured)| (format!("`output.{path}`"), captured));
            let Some((name, largest)) = visible.chain(hidden).max_by_key(|(_, captured)| captured_size(captured))
            else {
                return;
            };
            let freed = captured_size(largest);
            if freed <= captured_size(&Captured::NULL) {
                return;
            }
            *largest = Captured::NULL;
            total -= freed - captured_size(&Captured::NULL);
            self.over(&name);
        }
    }

    fn over(&mut self, name: &str) {
        let message = format!(
            "the captures are over {} KiB; the largest, {name}, is left out: capture only what later steps need",
            CAPTURES / 1024
        );
        self.errored(JobError { class: ErrorClass::Error, code: "step.captures".into(), message });
    }

    /// The attempt errored, unless it has come to something worse to tell already.
    fn errored(&mut self, error: JobError) {
        if matches!(self.outcome, Outcome::Passed | Outcome::Failed) {
            self.outcome = Outcome::Errored;
        }
        self.error.get_or_insert(error);
    }

    async fn cookies(&mut self) -> Vec<Cookie> {
        let added = {
            let mut cookies = self.attempt.context.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut cookies.added)
        };
        let size: usize = added.iter().map(|(line, url, _)| line.len() + url.len()).sum();
        if size > COOKIES {
            let message = format!("the target set {size} bytes of cookies, more than {} KiB", COOKIES / 1024);
            self.errored(JobError { class: ErrorClass::Error, code: "step.cookies".into(), message });
            return Vec::new();
        }
        let mut kept = Vec::with_capacity(added.len());
        for (line, url, at) in added {
            let set_cookie = self.kept(Json::String(line), false).await;
            let url = self.masker.text(&url).into_owned();
            kept.push(Cookie { set_cookie, url, at });
        }
        kept
    }
}

fn captured_size(captured: &Captured) -> usize {
    match captured {
        Captured::Clear(value) => size_within(value, usize::MAX).unwrap_or(usize::MAX),
        Captured::Sealed(text) => text.len(),
        Captured::Deferred(_) => 0,
    }
}

/// Keeps the values of parts within their limit; what is left out says so.
fn bound_parts(assertions: &mut [AssertionResult]) {
    let mut left = PARTS;
    for part in assertions.iter_mut().flat_map(|assertion| &mut assertion.parts) {
        let Some(value) = &part.value else { continue };
        match size_within(value, left) {
            Some(size) => left -= size,
            None => {
                part.value = None;
                part.note = Some(format!("not shown: the values of all parts are over {} KiB", PARTS / 1024));
            }
        }
    }
}
