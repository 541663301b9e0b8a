//! The documentation's flows do what the pages say.

use std::fs;
use std::path::{Path, PathBuf};

use assay_engine::bundle::{Bundle, RunsAt};
use assay_engine::compile::compile;
use assay_engine::diagnostics::{Code, Diagnostics, Style};
use assay_engine::expr::Programs;
use assay_engine::testing::TestTypes;

fn docs(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(path)
}

/// A fenced block: what follows the fence, and its text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (inside, line.strip_prefix("```")) {
            (false, Some(info)) => {
                inside = true;
                blocks.push((info.trim().to_owned(), String::new()));
            }
            (true, Some(_)) => inside = false,
            (true, None) => {
                let (_, text) = blocks.last_mut().unwrap();
                text.push_str(line);
                text.push('\n');
            }
            (false, None) => {}
        }
    }
    blocks
}

/// The bundle that a page's blocks make: the first `yaml flow` block and those with `file=NAME` beside it.
fn page_bundle(main: &str, info: &str, others: &[(String, String)]) -> Bundle {
    let mut bundle = Bundle::of_text("flow.yaml", main);
    if info.contains("server") {
        bundle.runs_at = RunsAt::Server;
    }
    for (info, text) in others {
        if let Some(name) = info.split(' ').find_map(|word| word.strip_prefix("file=")) {
            bundle.files.insert(name.to_owned(), text.as_bytes().into());
        }
    }
    bundle
}

fn all_problems(bundle: &Bundle) -> Diagnostics {
    match compile(bundle, &TestTypes, &Programs::default()) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    }
}

/// Texts that cannot be shown on a page.
fn unshowable(code: Code) -> Option<Bundle> {
    let step = "steps: [{type: http, with: {url: x, json: {file: big.json}}, foreach: {json: many.json}}]";
    let text = match code {
        Code::NotUtf8 => b"name: caf\xe9\n".to_vec(),
        Code::TooLarge => vec![b'#'; 2_000_000],
        Code::TooDeep => "[".repeat(101).into_bytes(),
        Code::ControlCharacter => b"name: a\x07\n".to_vec(),
        Code::TabIndent => b"steps:\n\t- type: http\n".to_vec(),
        Code::TooManyAliases => {
            let many = vec!["*a"; 100].join(", ");
            format!("a: &a [{}]\nb: &b [{many}]\nc: [{}]\n", "x, ".repeat(100), many.replace("*a", "*b")).into_bytes()
        }
        Code::TooManySteps => format!("steps:\n{}", "  - {type: delay, with: {for: 1s}}\n".repeat(1001)).into_bytes(),
        Code::TooManyItems | Code::FileTooLarge => {
            let mut bundle = Bundle::of_text("flow.yaml", step);
            let list = format!("[{}1]", "1,".repeat(100_000));
            bundle.files.insert("many.json".into(), list.as_bytes().into());
            bundle.files.insert("big.json".into(), list.into_bytes().into());
            return Some(bundle);
        }
        Code::FlowsTooDeep => {
            let child = |to: usize| format!("steps: [{{type: flow, with: {{flow: f{to}}}}}]");
            let mut bundle = Bundle::of_text("f0.yaml", child(1));
            for at in 1..13 {
                bundle.files.insert(format!("f{at}.yaml"), child(at + 1).into_bytes().into());
            }
            return Some(bundle);
        }
        _ => return None,
    };
    Some(Bundle::of_text("flow.yaml", text))
}

#[test]
fn every_code_has_a_page_whose_example_yields_it() {
    let mut wrong = Vec::new();
    for code in Code::ALL.iter() {
        let path = docs(&format!("errors/{code}.md"));
        let Ok(page) = fs::read_to_string(&path) else {
            wrong.push(format!("{} is missing: {}", path.display(), code.summary()));
            continue;
        };
        if !page.starts_with(&format!("# {code}\n\n{}\n", code.summary())) {
            wrong.push(format!("{code}: the page does not begin with the code and its summary"));
        }
        let blocks = blocks(&page);
        let shown = blocks.first().map(|(info, text)| page_bundle(text, info, &blocks));
        let Some(bundle) = unshowable(*code).or(shown) else {
            wrong.push(format!("{code}: the page has no example"));
            continue;
        };
        let found = all_problems(&bundle);
        if !found.iter().any(|one| one.code == *code) {
            wrong.push(format!("{code}: the example yields instead:\n{}", found.render(Style::Plain)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_flow_of_the_language_reference_compiles() {
    let page = fs::read_to_string(docs("language.md")).unwrap();
    let blocks = blocks(&page);
    let flows: Vec<_> = blocks.iter().filter(|(info, _)| info.starts_with("yaml flow")).collect();
    assert!(flows.len() >= 10, "only {} flows are marked", flows.len());
    for (info, text) in flows {
        let found = compile(&page_bundle(text, info, &blocks), &TestTypes, &Programs::default()).err();
        assert!(found.is_none(), "{text}\n{}", found.unwrap_or_default().render(Style::Plain));
    }
}
