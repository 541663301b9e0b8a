//! A plan as text, for golden files and for people who wonder what a flow came to.

use std::fmt::Write;

use serde_json::Value as Json;

use super::path::path_text;
use crate::duration;
use crate::expr::{JsonTemplate, Reference};
use crate::job::Looks;
use crate::plan::{ForeachSource, Plan, Resource, RetryOn, SecretReference, Section, Step, StepKind};

impl Plan {
    /// The plan in lines, everything that is not a default; sub-flows are named, not shown.
    #[must_use]
    pub fn dump(&self) -> String {
        let mut out = Lines::default();
        out.line(0, "flow", &self.name);
        out.line(1, "kind", format!("{:?}", self.kind).to_lowercase());
        out.line(1, "priority", format!("{:?}", self.priority).to_lowercase());
        out.line(1, "timeout", duration::text(self.timeout));
        out.line(1, "finallyTimeout", duration::text(self.finally_timeout));
        out.some(1, "queueTimeout", self.queue_timeout.map(duration::text));
        out.some(1, "description", self.description.as_ref());
        out.some(1, "environment", self.environment.as_ref());
        for (name, value) in &self.labels {
            out.line(1, &format!("label {name}"), value);
        }
        if let Some(group) = &self.concurrency {
            out.line(1, "concurrency", format!("{} max {} {:?}", group.group.text(), group.max, group.on_conflict));
        }
        for input in &self.inputs {
            let mut text = input.kind.word().to_owned();
            if input.required {
                text.push_str(" required");
            }
            if let Some(default) = &input.default {
                let _ = write!(text, " = {default}");
            }
            out.line(1, &format!("input {}", input.name), text);
        }
        out.list(1, "secrets", &self.secrets);
        let from = |(name, reference): (&String, &SecretReference)| format!("{name}: {:?}", reference.from);
        out.list(1, "secret references", &self.secret_references.iter().map(from).collect::<Vec<_>>());
        let resource = |resource: &Resource| {
            format!("{} ({}) {}", resource.name, resource.kind, resource.secrets.join(" ")).trim_end().to_owned()
        };
        out.list(1, "resources", &self.resources.iter().map(resource).collect::<Vec<_>>());
        for var in &self.vars {
            let secret = if var.secret { " (secret)" } else { "" };
            out.line(1, &format!("var {}{secret}", var.name), template(&var.value));
        }
        out.list(1, "env", &self.env.keys().cloned().collect::<Vec<_>>());
        out.list(1, "schemas", &self.schemas.keys().cloned().collect::<Vec<_>>());
        for step in &self.steps {
            self.step(&mut out, step);
        }
        out.0
    }

    fn ids(&self, steps: &[usize]) -> Vec<String> {
        steps.iter().filter_map(|step| self.steps.get(*step)).map(|step| step.id.to_string()).collect()
    }

    fn step(&self, out: &mut Lines, step: &Step) {
        let section = if step.section == Section::Finally { "finally" } else { "step" };
        out.line(0, section, format!("{} {}", step.id, step.kind.type_name()));
        out.some(1, "name", step.name.as_ref());
        out.list(1, "needs", &self.ids(&step.needs));
        out.list(1, "transitive", &self.ids(&step.transitive));
        if let Some(program) = &step.condition.program {
            let implied = if step.condition.explicit { "" } else { "success() && " };
            out.line(1, "if", format!("{implied}{}", program.text()));
        }
        match &step.kind {
            StepKind::Flow { path, plan } => out.line(1, "starts", format!("{path} ({} steps)", plan.steps.len())),
            StepKind::Wait { within } => out.some(1, "within", within.map(duration::text)),
            StepKind::Job { .. } | StepKind::Delay => {}
        }
        if let Some(foreach) = &step.foreach {
            let source = match &foreach.source {
                ForeachSource::List(list) => template(list),
                ForeachSource::Expression(text) => text.text().to_string(),
                ForeachSource::Data(data) => format!("{} {}", data.name, Json::Array(data.items.to_vec())),
            };
            let parallel = foreach.max_parallel.map(|most| format!(" parallel {most}")).unwrap_or_default();
            let fast = if foreach.fail_fast { " failFast" } else { "" };
            out.line(1, "foreach", format!("{source}{parallel} least {}{fast}", foreach.min_items));
        }
        out.line(1, "with", template(&step.with));
        attempts(out, step);
        for assertion in &step.assertions {
            let soft = if assertion.soft { "soft assert" } else { "assert" };
            let message = assertion.message.as_ref().map(|message| format!(" -- {message}")).unwrap_or_default();
            out.line(1, soft, format!("{}{message}", assertion.that.text()));
        }
        for capture in &step.captures {
            let secret = if capture.secret { "secret capture" } else { "capture" };
            out.line(1, &format!("{secret} {}", capture.name), capture.value.text());
        }
        out.list(1, "hidden", &step.hidden);
        out.some(1, "armBefore", step.arm_before.and_then(|before| self.ids(&[before]).pop()));
        out.list(1, "arms", &self.ids(&step.arms));
        out.list(1, "scope", &step.scope.iter().map(reference).collect::<Vec<_>>());
        out.list(1, "secrets", &step.secrets);
        out.list(1, "files", &step.files.keys().cloned().collect::<Vec<_>>());
    }
}

fn attempts(out: &mut Lines, step: &Step) {
    let retry = &step.retry;
    if retry.max_attempts > 1 {
        let on: Vec<String> = retry.on.iter().map(retry_on).collect();
        let most = retry.max_interval.map(|most| format!(" at most {}", duration::text(most))).unwrap_or_default();
        let jitter = if retry.jitter { " jitter" } else { "" };
        let pause = duration::text(retry.interval);
        let text =
            format!("{} x{} after {pause}{most}{jitter} on {}", retry.max_attempts, retry.backoff, on.join(", "));
        out.line(1, "retry", text);
    }
    match step.looks {
        Some(Looks::Eventually { timeout_ms, interval_ms }) => {
            out.line(1, "eventually", format!("{timeout_ms}ms each {interval_ms}ms"));
        }
        Some(Looks::Throughout { window_ms, interval_ms }) => {
            out.line(1, "throughout", format!("{window_ms}ms each {interval_ms}ms"));
        }
        None => {}
    }
    out.line(1, "timeout", duration::text(step.timeout));
    let flags = [(step.continue_on_error, "continueOnError"), (step.rerun_always, "rerun always")];
    for (_, flag) in flags.iter().filter(|(set, _)| *set) {
        out.line(1, flag, "yes");
    }
    out.some(1, "runsOn", step.runs_on.as_ref());
    let lost = format!("{:?}", step.on_lost).to_lowercase();
    out.some(1, "onLost", Some(lost).filter(|lost| lost != "judge"));
}

fn retry_on(on: &RetryOn) -> String {
    match on {
        RetryOn::Expression(program) => format!("`{}`", program.text()),
        word => format!("{word:?}").to_lowercase(),
    }
}

fn reference(reference: &Reference) -> String {
    match path_text(&reference.path) {
        path if path.is_empty() => reference.root.to_string(),
        path => format!("{}.{path}", reference.root),
    }
}

/// The value with its templates where they were written.
fn template(template: &JsonTemplate) -> String {
    let mut value = template.tree().clone();
    super::with::escape(&mut value);
    for (pointer, text) in template.templates() {
        if let Some(place) = value.pointer_mut(pointer) {
            *place = Json::String(text.text().to_string());
        }
    }
    value.to_string()
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, depth: usize, key: &str, value: impl AsRef<str>) {
        let value = value.as_ref().replace('\n', "\\n");
        let _ = writeln!(self.0, "{}{key}: {value}", "  ".repeat(depth));
    }

    fn some(&mut self, depth: usize, key: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.line(depth, key, value);
        }
    }

    fn list(&mut self, depth: usize, key: &str, values: &[String]) {
        if !values.is_empty() {
            self.line(depth, key, values.join(", "));
        }
    }
}
