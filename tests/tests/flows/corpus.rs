//! The flow corpus: what compiles has a plan as golden file, what does not has its exact diagnostics.
//!
//! `UPDATE=1 cargo test -p assay-tests --test flows` writes the golden files anew; look at the difference.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_engine::bundle::{Bundle, RunsAt};
use assay_engine::compile::{check_environment, compile};
use assay_engine::diagnostics::{Diagnostics, Style};
use assay_engine::expr::Programs;
use assay_engine::testing::TestTypes;

pub(crate) fn corpus(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("flows").join(part)
}

/// The flows of a part: files directly in it, by name.
pub(crate) fn flows(part: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(corpus(part)).unwrap().map(|entry| entry.unwrap().path());
    let is_flow = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        matches!(ending, "yaml" | "json" | "bytes")
    };
    let mut flows: Vec<PathBuf> = entries.filter(is_flow).collect();
    flows.sort();
    flows
}

/// The bundle of a flow: its text, everything in the folder `beside` next to it, and `NAME.env.yaml` as environment
/// when it is there. A comment `# runs on a server` says where; `# env: NAME=value` sets a variable.
pub(crate) fn bundle(path: &Path) -> Result<Bundle, Diagnostics> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let bytes = fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut bundle = Bundle::of_text(name, &bytes);
    add_folder(&path.parent().unwrap().join("beside"), "", &mut bundle.files);
    for line in text.lines().filter_map(|line| line.strip_prefix("# ")) {
        if line == "runs on a server" {
            bundle.runs_at = RunsAt::Server;
        }
        if let Some((name, value)) = line.strip_prefix("env: ").and_then(|line| line.split_once('=')) {
            bundle.env.insert(name.to_owned(), value.to_owned());
        }
    }
    let stem = path.file_stem().unwrap().to_str().unwrap();
    if let Ok(environment) = fs::read(path.with_file_name(format!("environments/{stem}.yaml"))) {
        bundle.environment = Some(check_environment("environment.yaml", &environment)?);
    }
    Ok(bundle)
}

fn add_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Arc<[u8]>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true => add_folder(&entry.path(), &format!("{name}/"), files),
            false => {
                files.insert(name, fs::read(entry.path()).unwrap().into());
            }
        }
    }
}

/// What compiling comes to, as text.
fn outcome(path: &Path) -> (bool, String) {
    let programs = Programs::default();
    match bundle(path).and_then(|bundle| compile(&bundle, &TestTypes, &programs)) {
        Ok(compiled) => {
            let warnings = compiled.warnings.render(Style::Plain);
            let gap = if warnings.is_empty() { "" } else { "\n" };
            (true, format!("{}{gap}{warnings}", compiled.plan.dump()))
        }
        Err(found) => (false, found.render(Style::Plain)),
    }
}

/// Compares with the golden file, or writes it.
fn golden(path: &Path, text: &str, wrong: &mut Vec<String>) {
    #[expect(clippy::disallowed_methods, reason = "the one switch of this test")]
    let update = std::env::var_os("UPDATE").is_some();
    if update {
        fs::write(path, text).unwrap();
    }
    let wanted = fs::read_to_string(path).unwrap_or_default();
    if wanted != text {
        wrong.push(format!("{}:\n{text}", path.display()));
    }
}

fn check(part: &str, compiles: bool) {
    let mut wrong = Vec::new();
    let flows = flows(part);
    assert!(!flows.is_empty(), "no flows in {part}");
    for flow in flows {
        let (compiled, text) = outcome(&flow);
        if compiled != compiles {
            wrong.push(format!("{} was expected to compile: {compiles}\n{text}", flow.display()));
        } else {
            golden(&flow.with_extension("txt"), &text, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{} differ (UPDATE=1 writes them anew):\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn flows_that_are_right_come_to_the_plan_that_is_written_down() {
    check("ok", true);
}

#[test]
fn flows_that_are_wrong_get_the_diagnostics_that_are_written_down() {
    check("bad", false);
}

#[test]
fn every_sentence_has_its_case_and_every_scenario_its_sentence() {
    let list = fs::read_to_string(corpus("sentences.txt")).unwrap();
    let mut slugs = std::collections::BTreeSet::new();
    for line in list.lines().filter(|line| !line.trim().is_empty()) {
        let (slug, rest) = line.split_once(": ").unwrap();
        let (wording, case) = rest.rsplit_once(": ").unwrap();
        assert!(slugs.insert(slug.to_owned()), "`{slug}` stands twice");
        assert!(corpus(case).is_file(), "`{slug}` ({wording}) has no case: {case}");
        let text = fs::read_to_string(corpus(case)).unwrap();
        // JSON has no comments: there the sentence is the flow's name.
        // A scenario begins with the bare sentence.
        let begins = [format!("# {wording}\n"), format!("{{\n  \"name\": \"{wording}\",\n"), format!("{wording}.\n")];
        let told = begins.iter().any(|begin| text.starts_with(begin));
        assert!(told, "{case} does not begin with its sentence: {wording}");
    }
    for entry in fs::read_dir(corpus("run")).unwrap() {
        let case = format!("run/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(list.contains(&format!(": {case}\n")), "{case} is not listed in sentences.txt");
    }
}

#[test]
fn what_a_loader_must_read_is_told_until_nothing_is_missing() {
    let main = "steps:\n  - {type: flow, with: {flow: sub/child}}\n  - {type: http, foreach: {csv: users.csv}, \
                with: {url: \"${env('BASE')}\", file: body.bin}, assert: \"matchesSchema(body, 'order.json')\"}\n";
    let mut bundle = Bundle::of_text("main.yaml", main);
    let needed = assay_engine::compile::needed(&bundle);
    assert_eq!(needed.files.iter().collect::<Vec<_>>(), ["body.bin", "order.json", "users.csv"]);
    assert_eq!(needed.flows.iter().collect::<Vec<_>>(), ["sub/child"]);
    assert_eq!(needed.env.iter().collect::<Vec<_>>(), ["BASE"]);
    let child: &[u8] = b"steps:\n  - {type: http, with: {url: x, json: {file: data.json}}}\n";
    bundle.files.insert("sub/child.yaml".into(), child.into());
    let needed = assay_engine::compile::needed(&bundle);
    assert!(needed.flows.is_empty());
    assert!(needed.files.contains("sub/data.json"), "a child's files lie beside the child: {needed:?}");
    assert_eq!(assay_engine::compile::needed(&Bundle::of_text("main.yaml", "a: [")), Default::default());
}
