//! Vars are kept, so that an order reference stays what it was, unless what they are made of has changed.

use std::collections::{BTreeMap, BTreeSet};

use super::carried::RenewedVar;
use super::trial::Trial;
use crate::execution::draft::{At, Draft, Draw};
use crate::execution::parts::Start;
use crate::job::Captured;
use crate::plan::{Plan, Var};

type Vars = (BTreeMap<String, Captured>, Vec<RenewedVar>);

/// The vars of the later execution, and which of them are computed again. Inner error: the name of one that cannot be
/// computed, and why.
pub(super) fn kept(old: &Draft<'_>, trial: &mut Trial<'_>) -> Draw<Result<Vars, (String, String)>> {
    let before = old.start()?;
    let mut renewed: Vec<RenewedVar> = Vec::new();
    for var in &trial.plan.vars {
        let again: BTreeSet<&str> = renewed.iter().map(|one| one.name.as_str()).collect();
        let why = match before.vars.get(&var.name) {
            Some(_) => changed(var, old.plan, before, trial.plan, trial.start(), &again),
            None => Some("it is new".to_owned()),
        };
        let value = match (why, before.vars.get(&var.name)) {
            (None, Some(value)) => value.clone(),
            (why, _) => {
                renewed.push(RenewedVar { name: var.name.clone(), why: why.unwrap_or_default() });
                let draft = trial.draft();
                let seen = draft.see(var.value.references(), At::step(0))?;
                match draft.captured_of(&var.value, seen, format!("vars/{}", var.name), draft.now) {
                    Ok(value) => value,
                    Err(why) => return Ok(Err((var.name.clone(), why))),
                }
            }
        };
        trial.start_mut().vars.insert(var.name.clone(), value);
    }
    Ok(Ok((trial.start().vars.clone(), renewed)))
}

/// Why a var's value cannot be the one that it was.
fn changed(var: &Var, old: &Plan, before: &Start, new: &Plan, now: &Start, again: &BTreeSet<&str>) -> Option<String> {
    let same_text = old.vars.iter().any(|one| one.name == var.name && one.value.tree() == var.value.tree());
    if !same_text {
        return Some("its text has changed".to_owned());
    }
    let references = var.value.references();
    for reference in &references.roots {
        let names = reference.names();
        match (names.first().copied(), names.get(1).copied()) {
            (Some("inputs"), Some(name)) if before.inputs.get(name) != now.inputs.get(name) => {
                return Some(format!("inputs.{name} has changed"));
            }
            (Some("inputs"), None) if before.inputs != now.inputs => return Some("inputs have changed".to_owned()),
            (Some("vars"), Some(name)) if again.contains(name) => return Some(format!("vars.{name} has changed")),
            (Some("vars"), None) if !again.is_empty() => return Some("vars have changed".to_owned()),
            _ => {}
        }
    }
    let mut variables = references.env_names();
    variables.find(|name| old.env.get(*name) != new.env.get(*name)).map(|name| format!("env('{name}') has changed"))
}
