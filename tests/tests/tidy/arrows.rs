//! Who may depend on whom.

use crate::none;
use crate::tree::{Package, packages, read, rust_files};

/// What each folder may depend on, inside the repository. Nothing else is allowed. `functions/local` shows what the engine
/// says and so may name it; the other functions know only how they are hosted.
const ARROWS: [(&str, &[&str]); 9] = [
    ("shared/engine", &[]),
    ("shared/egress", &[]),
    ("shared/steps", &["engine", "egress"]),
    ("shared/app", &["engine"]),
    ("shared/adapters", &["app", "engine", "egress"]),
    ("shared/web", &["app", "engine"]),
    ("shared/host", &["app", "adapters", "steps", "engine", "egress"]),
    ("functions/local", &["host", "web", "steps", "app", "engine"]),
    ("functions/", &["host", "web", "steps"]),
];

/// Crates with one place: a name or its beginning, and the folders that may use it.
const PLACES: [(&str, &[&str]); 8] = [
    ("lambda_", &["shared/host"]),
    ("aws_lambda", &["shared/host"]),
    ("aws-sdk-", &["shared/adapters", "shared/steps", "tests"]),
    ("aws-config", &["shared/adapters", "shared/steps", "tests"]),
    ("rusqlite", &["shared/adapters", "shared/steps", "functions/local", "tests"]),
    ("clap", &["functions/local", "tests"]),
    ("anyhow", &["shared/host", "functions/", "tests"]),
    ("tracing-subscriber", &["shared/host", "functions/local"]),
];

/// What can do I/O, read a clock, draw a random number or wait.
const NEVER_IN_ENGINE: [&str; 10] = [
    "tokio",
    "tokio-util",
    "hyper",
    "axum",
    "rusqlite",
    "async-trait",
    "futures-util",
    "tracing",
    "tempfile",
    "getrandom",
];
const NEVER_SAID_IN_ENGINE: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "async fn",
];

fn allowed(folder: &str, name: &str) -> bool {
    let short = name.strip_prefix("assay-").unwrap_or(name);
    let here = |prefix: &str| folder == prefix || (prefix.ends_with('/') && folder.starts_with(prefix));
    let row = ARROWS.iter().find(|(prefix, _)| here(prefix));
    folder == "tests" || row.is_some_and(|(_, names)| names.contains(&short))
}

#[test]
fn every_crate_depends_only_along_the_arrows() {
    let packages = packages();
    let internal: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for Package { folder, dependencies, .. } in &packages {
        for (name, for_tests) in dependencies {
            let for_services = *for_tests && name == "assay-services"; // every crate may test against real systems
            if internal.contains(&name.as_str()) && !for_services && !allowed(folder, name) {
                let how = if *for_tests { "for its tests" } else { "in its code" };
                findings.push(format!("{folder} must not depend on {name} {how}"));
            }
        }
    }
    none("the arrows of docs/architecture.md", &findings);
}

#[test]
fn steps_never_sees_app_nor_app_or_web_the_adapters() {
    let forbidden =
        [("shared/steps", "app"), ("shared/app", "adapters"), ("shared/web", "adapters"), ("shared/app", "steps")];
    for (folder, name) in forbidden {
        assert!(!allowed(folder, &format!("assay-{name}")), "{folder} -> {name}");
    }
    assert!(allowed("shared/app", "assay-engine") && allowed("functions/step-http", "assay-host"));
    assert!(!allowed("functions/step-http", "assay-engine"));
}

#[test]
fn a_crate_with_one_place_stays_there() {
    let mut findings = Vec::new();
    for Package { folder, dependencies, .. } in packages() {
        for (name, _) in dependencies.iter().filter(|(_, for_tests)| !for_tests) {
            for (prefix, folders) in PLACES {
                if name.starts_with(prefix) && !folders.iter().any(|place| folder.starts_with(place)) {
                    findings.push(format!("{folder} must not use {name}: it belongs to {}", folders.join(", ")));
                }
            }
        }
    }
    none("crates with one place", &findings);
}

#[test]
fn the_engine_cannot_do_io_read_a_clock_or_wait() {
    let packages = packages();
    let engine = packages.iter().find(|package| package.folder == "shared/engine").unwrap();
    let mut findings: Vec<String> = engine
        .dependencies
        .iter()
        .filter(|(name, for_tests)| !for_tests && NEVER_IN_ENGINE.contains(&name.as_str()))
        .map(|(name, _)| format!("shared/engine/Cargo.toml: {name}"))
        .collect();
    for file in rust_files().iter().filter(|file| file.starts_with("shared/engine/src/")) {
        for (number, line) in code_lines(&read(file)) {
            let said = NEVER_SAID_IN_ENGINE.iter().find(|word| line.contains(**word));
            findings.extend(said.map(|word| format!("{file}:{number}: {word}")));
        }
    }
    none("the engine is pure", &findings);
}

#[test]
fn versions_stand_in_the_root_only() {
    let mut findings = Vec::new();
    for Package { folder, dependencies, .. } in packages() {
        let manifest = format!("{folder}/Cargo.toml");
        for (index, line) in read(&manifest).lines().enumerate() {
            let name = line.split('=').next().unwrap_or(line).trim();
            let named = dependencies.iter().any(|(dependency, _)| dependency == name);
            if named && !line.contains("workspace = true") {
                findings.push(format!("{manifest}:{}: {line}", index + 1));
            }
        }
    }
    none("versions stand in [workspace.dependencies]", &findings);
}

/// Lines with their numbers, without comments and without the tests at the end of a file.
fn code_lines(text: &str) -> Vec<(usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
        .collect()
}
