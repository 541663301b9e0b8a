//! What helps before anything runs: `doctor`, completions, and the commands that the docs show.

use std::path::Path;

use serde_json::Value as Json;

use crate::typed::Place;

fn checks(out: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let json: Json = serde_json::from_str(line).unwrap();
        (json["check"].as_str().unwrap().to_owned(), json["state"].as_str().unwrap().to_owned())
    };
    out.lines().map(line).collect()
}

fn state<'a>(found: &'a [(String, String)], check: &str) -> Option<&'a str> {
    found.iter().find(|(name, _)| name == check).map(|(_, state)| state.as_str())
}

#[test]
fn doctor_finds_nothing_wrong_in_an_empty_folder_and_leaves_nothing_there() {
    let place = Place::new(&[]);
    let came = place.assay(&["doctor"]).ends_with(0);
    assert!(came.out.contains("nothing is in the way"), "{}", came.out);
    assert!(place.contents("").is_empty());
    let found = checks(&place.assay(&["doctor", "--json"]).ends_with(0).out);
    assert_eq!(state(&found, "version"), Some("ok"));
    assert_eq!(state(&found, "clock"), Some("ok"));
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    let place = Place::new(&[("assay.yaml", "jobs: many\n"), ("store", "a file")]);
    let came = place.assay(&["doctor", "--store", "store/below"]).ends_with(3);
    assert!(came.out.contains("assay.yaml is wrong"), "{}", came.out);
    let place = Place::new(&[
        ("assay.yaml", "{}\n"),
        ("environments/good.yaml", "resources: {shop: {type: http, baseUrl: 'http://127.0.0.1:1'}}\n"),
        ("environments/bad.yaml", "input: {}\n"),
    ]);
    let came = place.assay(&["doctor"]).ends_with(3);
    assert!(came.out.contains("environments/bad.yaml") && came.out.contains("`input`"), "{}", came.out);
    place.write("environments/bad.yaml", "inputs: {}\n");
    place.assay(&["doctor"]).ends_with(0);
    let came = place.assay(&["doctor", "--env", "good"]).ends_with(3);
    assert!(came.out.contains("shop: ") && came.out.contains("assay explain http.refused"), "{}", came.out);
    assert!(place.assay(&["doctor", "--env", "goood"]).ends_with(2).err.contains("did you mean `good`?"));
}

#[test]
fn doctor_tells_of_a_store_that_is_none_and_of_what_was_interrupted() {
    let flow = "steps:\n  - {id: hang, type: http, with: {url: URL/hang}, assert: status == 200}\n";
    let place = Place::new(&[("flow.yaml", flow), ("other/assay.db", "this is no database, whatever it is called")]);
    let mut child = place.start(&["run", "flow.yaml"]);
    place.server.wait_for("GET /hang", 1);
    let found = checks(&place.assay(&["doctor", "--json"]).ends_with(0).out);
    assert_eq!(state(&found, "executions"), Some("ok"), "another process runs it: {found:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    let came = place.assay(&["doctor"]).ends_with(0);
    assert!(came.out.contains("was interrupted") && came.out.contains("assay resume"), "{}", came.out);
    let came = place.assay(&["doctor", "--store", "other"]).ends_with(3);
    assert!(came.out.contains("other/assay.db"), "{}", came.out);
}

#[test]
fn doctor_knows_proxies_and_half_of_the_credentials() {
    let place = Place::new(&[]);
    let mut command = place.command(&["doctor"]);
    command.env("HTTPS_PROXY", "http://user:hidden@proxy:3128").env("AWS_ACCESS_KEY_ID", "AKIAHIDDEN");
    let came = crate::typed::Came::of(command.output().unwrap()).ends_with(0);
    assert!(came.out.contains("HTTPS_PROXY set, and no step reads it"), "{}", came.out);
    assert!(came.out.contains("half of the credentials"), "{}", came.out);
    assert!(!came.out.contains("hidden") && !came.out.contains("AKIA"), "{}", came.out);
}

#[test]
fn each_shell_has_its_completions() {
    let place = Place::new(&[]);
    for (shell, part) in [
        ("bash", "complete -F _assay"),
        ("zsh", "#compdef assay"),
        ("fish", "complete -c assay"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[assay]"),
    ] {
        let script = place.assay(&["completions", shell]).ends_with(0).out;
        assert!(script.contains(part) && script.contains("doctor") && script.contains("base-url"), "{shell}");
    }
}

/// The words of a command as a shell would split them; none for what only a shell can do.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (Some(open), c) if open == c => quote = None,
            (None, '|' | '>' | ';' | '&' | '#') => break,
            (None, ' ') => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (_, c) => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    let at = words.iter().position(|word| word == "assay")?;
    words[..at].iter().all(|word| word.contains('=')).then(|| words[at + 1..].to_vec())
}

/// Every command of a page that is typed: in blocks for a shell, and in backticks.
fn commands(page: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut block: Option<bool> = None;
    for line in page.lines() {
        match (&block, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => block = Some(info.starts_with("sh") || info == "yaml ci"),
            (Some(_), Some(_)) => block = None,
            (Some(true), None) => {
                let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ");
                found.extend(
                    split(line)
                        .filter(|_| line.starts_with("assay ") || line.contains("=") && line.contains(" assay ")),
                );
            }
            (None, None) => {
                let spans = line.split('`').skip(1).step_by(2);
                found.extend(spans.filter(|span| span.starts_with("assay ")).filter_map(split));
            }
            (Some(false), None) => {}
        }
    }
    found
}

#[test]
fn commands_and_options_that_the_docs_show_exist() {
    let place = Place::new(&[]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![root.join("README.md"), root.join("examples/README.md")];
    for folder in ["docs", "docs/coming-from", "docs/steps", "docs/errors"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        pages.extend(
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "md")),
        );
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut helped: std::collections::BTreeMap<Vec<String>, Option<String>> = std::collections::BTreeMap::new();
    for page in pages {
        for words in commands(&std::fs::read_to_string(&page).unwrap()) {
            count += 1;
            let is_word =
                |word: &&String| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
            let command: Vec<String> =
                words.iter().take_while(is_word).take(if words[0] == "resources" { 2 } else { 1 }).cloned().collect();
            if command.is_empty() || command[0] == "help" {
                continue;
            }
            let help = helped.entry(command.clone()).or_insert_with(|| {
                let mut typed: Vec<&str> = vec!["help"];
                typed.extend(command.iter().map(String::as_str));
                let came = place.assay(&typed);
                (came.code == Some(0)).then_some(came.out)
            });
            let shown = format!("{}: assay {}", page.display(), words.join(" "));
            match help {
                None => wrong.push(shown),
                Some(help) => {
                    let from_curl = words.iter().position(|word| word == "curl").unwrap_or(words.len());
                    let options = words[..from_curl].iter().filter(|word| word.starts_with("--"));
                    let names =
                        options.map(|word| word.split('=').next().unwrap_or(word).trim_end_matches([',', '.', ']']));
                    let unknown = names.filter(|name| !help.contains(*name)).map(|name| format!("{shown}: {name}"));
                    wrong.extend(unknown);
                }
            }
        }
    }
    assert!(count > 60, "only {count} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
