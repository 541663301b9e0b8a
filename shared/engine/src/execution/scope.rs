//! What expressions see: the values they name and nothing else, so that no transition reads more than it must.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::draft::{At, Draft, Draw, Missing};
use super::standing::Standing;
use crate::compile::path_text;
use crate::expr::{Evaluation, JsonTemplate, PathPart, Reference, References, Scope, Template, Value};
use crate::job::{Captured, Deferred, LateTemplate, ScopeValue};

/// A path that an expression names, as far as the state knows it: `["steps", "order", "output", "body.items[0]"]`.
pub(super) type Wanted = Vec<String>;

/// The values that were asked for.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By root; null where a value was not delivered or is not for the engine to see.
    pub(super) values: Map<String, Json>,
    /// Values that only a step function opens, by pointer into `values`.
    pub(super) deferred: Vec<ScopeValue>,
    /// What was asked for and lies in `deferred`.
    pub(super) opaque: BTreeSet<Wanted>,
    /// Captures that were never made: `steps.order.id`.
    pub(super) undelivered: Vec<String>,
}

impl Seen {
    pub(super) fn scope(&self) -> impl Scope + use<> {
        let value = |(name, json): (&String, &Json)| (name.clone(), Value::json(Arc::new(json.clone())));
        self.values.iter().map(value).collect::<BTreeMap<_, _>>()
    }

    fn put(&mut self, path: &[String], captured: Captured) {
        match captured {
            Captured::Clear(value) => set(&mut self.values, path, value),
            value => {
                set(&mut self.values, path, Json::Null);
                self.opaque.insert(path.to_vec());
                self.deferred.push(ScopeValue { at: pointer(path), value });
            }
        }
    }

    /// Whether a template names something that the engine may not see.
    pub(super) fn hides(&self, references: &References) -> bool {
        references.names_root("secrets") || references.roots.iter().any(|one| self.hides_one(one))
    }

    fn hides_one(&self, reference: &Reference) -> bool {
        let Some(asked) = wanted(reference) else { return false };
        // Either is the beginning of the other.
        self.opaque.iter().any(|hidden| asked.iter().zip(hidden).all(|(a, b)| a == b))
    }
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect()
}

fn set(values: &mut Map<String, Json>, path: &[String], value: Json) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut map = values;
    for name in parents {
        let slot = map.entry(name.clone()).or_insert_with(|| json!({}));
        if !slot.is_object() {
            *slot = json!({});
        }
        let Json::Object(inner) = slot else { return };
        map = inner;
    }
    map.insert(last.clone(), value);
}

/// What the state must know for a reference; none when it is not of the state (a secret, an output field).
pub(super) fn wanted(reference: &Reference) -> Option<Wanted> {
    let names = reference.names();
    let path = |count: usize| names.iter().take(count).map(|name| (*name).to_owned()).collect::<Wanted>();
    match names.first().copied() {
        Some("inputs" | "vars") => Some(path(2)),
        Some("item" | "index" | "execution") => Some(path(1)),
        Some("steps") if names.get(2).copied() == Some("output") => {
            let mut wanted = path(3);
            wanted.push(path_text(&reference.path[2..]));
            Some(wanted)
        }
        Some("steps") => Some(path(3)),
        _ => None,
    }
}

/// Puts `value` where an expression finds it below `steps.<id>.output`.
fn nest(output: &mut Json, reference_path: &[PathPart], value: Json) {
    let mut place = output;
    for part in reference_path {
        match part {
            PathPart::Field(name) => {
                if !place.is_object() {
                    *place = json!({});
                }
                let Json::Object(map) = place else { return };
                place = map.entry(name.to_string()).or_insert(Json::Null);
            }
            PathPart::Index(index) => {
                let Ok(index @ 0..=10_000) = usize::try_from(*index) else { return };
                if !place.is_array() {
                    *place = json!([]);
                }
                let Json::Array(list) = place else { return };
                if list.len() <= index {
                    list.resize(index + 1, Json::Null);
                }
                place = &mut list[index];
            }
        }
    }
    *place = value;
}

impl Draft<'_> {
    /// The values that these references name, for the step or instance at this place.
    pub(super) fn see(&self, references: &References, at: At) -> Draw<Seen> {
        let mut seen = Seen::default();
        let mut missing = BTreeSet::new();
        for reference in &references.roots {
            let Some(wanted) = wanted(reference) else { continue };
            if let Err(Missing(parts)) = self.see_one(&mut seen, &wanted, reference, at) {
                missing.extend(parts);
            }
        }
        if missing.is_empty() { Ok(seen) } else { Err(Missing(missing)) }
    }

    fn see_one(&self, seen: &mut Seen, wanted: &Wanted, reference: &Reference, at: At) -> Draw<()> {
        match (wanted[0].as_str(), &wanted[1..]) {
            ("execution", _) => seen.put(wanted, Captured::Clear(self.execution_facts()?)),
            ("index", _) => seen.put(wanted, Captured::Clear(json!(at.instance))),
            ("item", _) => {
                let items = self.items(at.step)?;
                let item = at.instance.and_then(|index| items.get(index as usize)).cloned();
                seen.put(wanted, Captured::Clear(item.unwrap_or(Json::Null)));
            }
            ("inputs", names) => {
                let all = &self.start()?.inputs;
                put_named(seen, "inputs", names, all);
            }
            ("vars", names) => {
                let all = &self.start()?.vars;
                put_named(seen, "vars", names, all);
            }
            ("steps", [id, rest @ ..]) => self.see_step(seen, wanted, id, rest, reference)?,
            _ => {}
        }
        Ok(())
    }

    fn see_step(&self, seen: &mut Seen, wanted: &Wanted, id: &str, rest: &[String], reference: &Reference) -> Draw<()> {
        let Some(step) = self.plan.step_index(id) else { return Ok(()) };
        match rest {
            [] => {
                for capture in &self.plan.steps[step].captures {
                    let path = [wanted.as_slice(), std::slice::from_ref(&capture.name)].concat();
                    let value = self.captured(step, |values| values.captures.get(&capture.name).cloned())?;
                    seen.put(&path, value.unwrap_or(Captured::NULL));
                }
            }
            [word] if word == "status" => {
                seen.put(wanted, Captured::Clear(json!(self.standing(step).status().word())));
            }
            [word, path] if word == "output" => {
                let value = self.captured(step, |values| values.hidden.get(path).cloned())?;
                self.put_output(seen, wanted, reference, value.unwrap_or(Captured::NULL));
            }
            [name, ..] => {
                let value = self.captured(step, |values| values.captures.get(name).cloned())?;
                if value.is_none() {
                    seen.undelivered.push(format!("steps.{id}.{name}"));
                }
                seen.put(wanted, value.unwrap_or(Captured::NULL));
            }
        }
        Ok(())
    }

    fn put_output(&self, seen: &mut Seen, wanted: &Wanted, reference: &Reference, value: Captured) {
        let output = &wanted[..3];
        let hidden = value.clear().is_none();
        let mut tree = seen.values.get("steps").and_then(|steps| steps.get(&wanted[1])?.get("output")).cloned();
        let tree = tree.get_or_insert(Json::Null);
        nest(tree, &reference.path[2..], value.clear().cloned().unwrap_or(Json::Null));
        set(&mut seen.values, output, tree.clone());
        if hidden {
            seen.opaque.insert(wanted.clone());
            let below = reference.path[2..].iter().map(|part| match part {
                PathPart::Field(name) => name.to_string(),
                PathPart::Index(index) => index.to_string(),
            });
            let path = output.iter().cloned().chain(below).collect::<Vec<_>>();
            seen.deferred.push(ScopeValue { at: pointer(&path), value });
        }
    }

    /// A value of a step; of a `foreach` step the list of its instances' values, null where there is none.
    fn captured(
        &self,
        step: usize,
        pick: impl Fn(&super::parts::Values) -> Option<Captured>,
    ) -> Draw<Option<Captured>> {
        if self.plan.steps[step].foreach.is_none() {
            return Ok(pick(self.values(At::step(step))?));
        }
        let Some(expansion) = self.foreach(step)? else { return Ok(None) };
        let (mut list, mut missing) = (Vec::new(), BTreeSet::new());
        for index in 0..expansion.count {
            match self.values(At { step, instance: Some(index) }) {
                Ok(values) => list.push(pick(values).unwrap_or(Captured::NULL)),
                Err(Missing(parts)) => missing.extend(parts),
            }
        }
        if !missing.is_empty() {
            return Err(Missing(missing));
        }
        Ok(Some(list_of(list)))
    }

    fn execution_facts(&self) -> Draw<Json> {
        let head = &self.head;
        Ok(json!({
            "id": head.id, "flow": head.flow, "version": head.flow_version, "attempt": head.attempt,
            "environment": self.start()?.environment, "startedAt": head.started_at.unwrap_or(head.created_at),
        }))
    }

    pub(super) fn evaluation(&self, salt: String, now: jiff::Timestamp) -> Evaluation<'_> {
        let schemas = &*self.plan.schemas;
        Evaluation::new(now, self.head.seed).salted(salt).with_env(&self.plan.env).with_schemas(schemas)
    }

    /// Renders what names no secret, and says what is left for the step function.
    pub(super) fn render(
        &self,
        template: &JsonTemplate,
        seen: &Seen,
        cx: &mut Evaluation<'_>,
    ) -> Result<(Json, Vec<LateTemplate>), String> {
        let leave = |one: &Template| seen.hides(one.references());
        let (value, left) = template.render_partial(&seen.scope(), cx, &leave).map_err(|error| {
            let place = if error.pointer.is_empty() { String::new() } else { format!("{}: ", error.pointer) };
            format!("{place}{}", error.error)
        })?;
        let late = left.into_iter().map(|(at, text)| LateTemplate { at, template: text.to_string() }).collect();
        Ok((value, late))
    }

    /// A value that names secrets is not made here: what could be rendered, with the rest left.
    pub(super) fn captured_of(
        &self,
        template: &JsonTemplate,
        seen: Seen,
        salt: String,
        now: jiff::Timestamp,
    ) -> Result<Captured, String> {
        let mut cx = self.evaluation(salt.clone(), now);
        let (value, late) = self.render(template, &seen, &mut cx)?;
        if late.is_empty() {
            return Ok(Captured::Clear(value));
        }
        let (scope, deferred) = (seen.values, seen.deferred);
        Ok(Captured::Deferred(Box::new(Deferred { value, late, scope, deferred, salt, now })))
    }

    /// Answers to `success() failed() cancelled()` for a step.
    pub(super) fn status_functions(&self, step: usize) -> crate::expr::Status {
        let plan_step = self.plan_step(step);
        let finally = step >= self.plan.main_steps;
        let success = plan_step.needs.iter().all(|need| self.satisfies(*need));
        let watched: Vec<usize> =
            if finally { (0..self.plan.main_steps).collect() } else { plan_step.transitive.clone() };
        let failed = watched.iter().any(|one| self.went_wrong(*one));
        let cancelled = finally.then(|| self.head.stop.is_some());
        crate::expr::Status { success: Some(success), failed: Some(failed), always: Some(true), cancelled }
    }

    pub(super) fn satisfies(&self, step: usize) -> bool {
        match self.standing(step) {
            Standing::Passed
            | Standing::FailedSoftly
            | Standing::SkippedByCondition
            | Standing::SkippedEmpty
            | Standing::SkippedMissingValue => true,
            Standing::Failed | Standing::Errored | Standing::TimedOut => self.plan.steps[step].continue_on_error,
            _ => false,
        }
    }

    fn went_wrong(&self, step: usize) -> bool {
        let wrong = matches!(
            self.standing(step),
            Standing::Failed | Standing::FailedSoftly | Standing::Errored | Standing::TimedOut
        );
        wrong && !self.plan.steps[step].continue_on_error
    }
}

fn put_named(seen: &mut Seen, root: &str, names: &[String], all: &BTreeMap<String, Captured>) {
    match names {
        [] => {
            for (name, value) in all {
                seen.put(&[root.to_owned(), name.clone()], value.clone());
            }
            seen.values.entry(root.to_owned()).or_insert_with(|| json!({}));
        }
        [name, ..] => {
            let value = all.get(name).cloned().unwrap_or(Captured::NULL);
            seen.put(&[root.to_owned(), name.clone()], value);
        }
    }
}

/// A list of values, itself hidden when one of them is: the step function opens it whole.
fn list_of(values: Vec<Captured>) -> Captured {
    if values.iter().all(|value| value.clear().is_some()) {
        let clear = values.into_iter().map(|value| match value {
            Captured::Clear(value) => value,
            _ => Json::Null,
        });
        return Captured::Clear(clear.collect());
    }
    let late = (0..values.len())
        .map(|index| LateTemplate { at: format!("/{index}"), template: format!("${{vars.v{index}}}") })
        .collect();
    let mut seen = Seen::default();
    let value = Json::Array(vec![Json::Null; values.len()]);
    for (index, value) in values.into_iter().enumerate() {
        seen.put(&["vars".to_owned(), format!("v{index}")], value);
    }
    let (scope, deferred, salt, now) = (seen.values, seen.deferred, String::new(), jiff::Timestamp::UNIX_EPOCH);
    Captured::Deferred(Box::new(Deferred { value, late, scope, deferred, salt, now }))
}
