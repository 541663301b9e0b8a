//! The vars of a flow: ordered so that each names only those before it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::context::Shared;
use super::names::{Names, Site, Uses};
use super::references::Check;
use crate::diagnostics::Code;
use crate::expr::{JsonTemplate, PathPart, References};
use crate::plan::Var;
use crate::source::{Entry, Problem};

/// A var that has been read.
pub(super) struct Read<'n> {
    entry: &'n Entry,
    template: JsonTemplate,
}

/// Compiles the templates of `vars` and puts them in order.
pub(super) fn read<'n>(shared: &Shared<'_>, entries: &'n [Entry]) -> Vec<Read<'n>> {
    let mut vars: Vec<Read<'n>> = Vec::new();
    for entry in entries {
        shared.name(&entry.key, entry.key_span, "a var's name");
        if let Some(template) = shared.json_template(&entry.value, &entry.value.to_json()) {
            vars.push(Read { entry, template });
        }
    }
    let order = order(shared, &vars);
    let mut slots: Vec<Option<Read<'n>>> = vars.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots[at].take()).collect()
}

/// The names that follow a root.
fn named<'r>(references: &'r References, root: &'r str) -> impl Iterator<Item = &'r str> {
    references.roots.iter().filter(move |one| &*one.root == root).filter_map(|one| match one.path.first() {
        Some(PathPart::Field(name)) => Some(&**name),
        _ => None,
    })
}

fn order(shared: &Shared<'_>, vars: &[Read<'_>]) -> Vec<usize> {
    let at: HashMap<&str, usize> = vars.iter().enumerate().map(|(at, var)| (&*var.entry.key, at)).collect();
    let needs: Vec<BTreeSet<usize>> = vars
        .iter()
        .map(|var| named(var.template.references(), "vars").filter_map(|name| at.get(name).copied()).collect())
        .collect();
    let mut open: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
    let mut dependents = vec![Vec::new(); vars.len()];
    for (var, needs) in needs.iter().enumerate() {
        needs.iter().for_each(|need| dependents[*need].push(var));
    }
    let mut ready: BTreeSet<usize> = (0..vars.len()).filter(|var| open[*var] == 0).collect();
    let mut order = Vec::new();
    while let Some(var) = ready.pop_first() {
        order.push(var);
        for dependent in &dependents[var] {
            open[*dependent] -= 1;
            if open[*dependent] == 0 {
                ready.insert(*dependent);
            }
        }
    }
    let stuck: Vec<usize> = (0..vars.len()).filter(|var| open[*var] > 0).collect();
    if let Some(first) = stuck.first() {
        let names: Vec<&str> = stuck.iter().take(10).map(|var| &*vars[*var].entry.key).collect();
        let message = format!("these vars need each other, or one that does: {}", names.join(", "));
        let problem = Problem::new(Code::VarCycle, vars[*first].entry.key_span, message);
        shared.report(problem.hint("a var may name only vars that do not lead back to it"));
    }
    order.extend(stuck);
    order
}

/// The secrets that each var leads to.
pub(super) fn secrets(vars: &[Read<'_>]) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for var in vars {
        let references = var.template.references();
        let mut mine: BTreeSet<String> = named(references, "secrets").map(str::to_owned).collect();
        for other in named(references, "vars") {
            mine.extend(all.get(other).into_iter().flatten().cloned());
        }
        if references.roots.iter().any(|one| &*one.root == "vars" && one.path.is_empty()) {
            mine.extend(all.values().flatten().cloned());
        }
        all.insert(var.entry.key.to_string(), mine);
    }
    all
}

/// Checks what the vars name.
pub(super) fn check(shared: &Shared<'_>, names: &Names, vars: &[Read<'_>]) {
    let site = Site::outside("`vars`");
    for var in vars {
        for (pointer, template) in var.template.templates() {
            let node = var.entry.value.at(pointer).0;
            Check { shared, names, site: &site, node }.run(template.references(), &mut Uses::default());
        }
    }
}

/// The vars as a plan holds them.
pub(super) fn compiled(names: &Names, vars: Vec<Read<'_>>) -> Vec<Var> {
    let compile = |var: Read<'_>| {
        let name = var.entry.key.to_string();
        let secret = names.vars.get(&name).is_some_and(|secrets| !secrets.is_empty());
        Var { name, value: var.template, secret }
    };
    vars.into_iter().map(compile).collect()
}
