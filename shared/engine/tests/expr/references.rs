//! What an expression names.

use assay_engine::expr::{Limits, PathPart, Program, Programs, Template};

fn program(text: &str) -> Program {
    Program::compile(text, Limits::default()).unwrap()
}

/// The names of each reference, with `*` for what is dynamic, and the text it stands for.
fn roots(text: &str) -> Vec<(String, String)> {
    let program = program(text);
    let roots = program.references().roots.iter();
    roots
        .map(|reference| {
            let mut names = reference.root.to_string();
            for part in &reference.path {
                match part {
                    PathPart::Field(name) => names.push_str(&format!("/{name}")),
                    PathPart::Index(index) => names.push_str(&format!("/{index}")),
                }
            }
            let dynamic = if reference.dynamic { "*" } else { "" };
            (names + dynamic, text[reference.range.clone()].to_owned())
        })
        .collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn static_paths_are_named_whole() {
    assert_eq!(
        roots("steps.order.id == inputs['base Url'] + vars.a.?b"),
        owned(&[
            ("steps/order/id", "steps.order.id"),
            ("inputs/base Url", "inputs['base Url']"),
            ("vars/a/b", "vars.a.?b"),
        ])
    );
    assert_eq!(
        roots("steps.x.output.rows[0].`a-b`.size() > index"),
        owned(&[("steps/x/output/rows/0/a-b", "steps.x.output.rows[0].`a-b`"), ("index", "index")])
    );
    assert_eq!(roots("has(steps.x.id)"), owned(&[("steps/x/id", "steps.x.id")]));
    assert_eq!(roots("has(steps.x)"), owned(&[("steps/x", "steps.x")]));
}

#[test]
fn a_dynamic_part_ends_the_path() {
    assert_eq!(roots("inputs[item].x"), owned(&[("inputs*", "inputs"), ("item", "item")]));
    assert_eq!(roots("steps.a[vars.b].c"), owned(&[("steps/a*", "steps.a"), ("vars/b", "vars.b")]));
}

#[test]
fn variables_of_macros_are_no_references() {
    assert_eq!(
        roots("inputs.list.all(item, item > index)"),
        owned(&[("inputs/list", "inputs.list"), ("index", "index")])
    );
    assert_eq!(roots("cel.bind(steps, vars.a, steps.x)"), owned(&[("vars/a", "vars.a")]));
    assert_eq!(roots("[1].map(x, x.y.z)"), owned(&[]));
    assert_eq!(roots("body.?a.optMap(v, v + w)"), owned(&[("body/a", "body.?a"), ("w", "w")]));
    assert_eq!(roots("[1].map(x, .x)"), owned(&[("x", ".x")]));
    assert_eq!(roots("type(int) == math.abs(google.protobuf.Timestamp)"), owned(&[]));
}

#[test]
fn functions_are_named_with_their_literals() {
    let program =
        program("success() && env('HOME') == env('USER') && matchesSchema(body, 'a.json') && fake.name() != ''");
    let references = program.references();
    let names: Vec<&str> = references.functions.iter().map(|call| call.name).collect();
    assert_eq!(names, ["success", "env", "env", "matchesSchema", "fake.name"]);
    assert_eq!(references.env_names().collect::<Vec<_>>(), ["HOME", "USER"]);
    assert_eq!(references.schema_files().collect::<Vec<_>>(), ["a.json"]);
    assert!(references.asks_status() && references.calls("success") && !references.calls("failed"));
    assert!(references.names_root("body") && !references.names_root("env"));
}

#[test]
fn a_template_tells_places_in_its_whole_text() {
    let text = "é ${inputs.a} and ${ steps.b.c }";
    let template = Template::compile(text).unwrap();
    let places = template.references().roots.iter();
    let texts: Vec<&str> = places.map(|reference| &text[reference.range.clone()]).collect();
    assert_eq!(texts, ["inputs.a", "steps.b.c"]);
}

#[test]
fn errors_tell_their_place() {
    let text = "1 + siez(body)";
    let error = Program::compile(text, Limits::default()).unwrap_err();
    assert_eq!(&text[error.range.clone()], "siez");
    assert_eq!(error.hint.as_deref(), Some("did you mean `size`?"));
    let text = "ab ${1 + } ${2 +* 3}";
    let errors = Template::compile(text).unwrap_err();
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0].range, 9..9);
    assert_eq!(&text[errors[1].range.clone()], "*");
}

#[test]
fn programs_are_compiled_once() {
    let programs = Programs::new(4, Limits::default());
    let first = programs.get("1 + 1").unwrap();
    let second = programs.get("1 + 1").unwrap();
    assert!(std::ptr::eq(first.text(), second.text()));
    for number in 0..100 {
        programs.get(&format!("1 + {number}")).unwrap();
    }
    assert!(!std::ptr::eq(first.text(), programs.get("1 + 1").unwrap().text()));
    assert!(programs.get("1 +").is_err());
}
