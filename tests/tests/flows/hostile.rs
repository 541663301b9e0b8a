//! Texts made to break the compiler: each is answered, and nothing panics, hangs or eats the memory.

use assay_engine::bundle::Bundle;
use assay_engine::compile::compile;
use assay_engine::diagnostics::{Diagnostics, Style};
use assay_engine::expr::Programs;
use assay_engine::testing::TestTypes;

fn problems(text: impl AsRef<[u8]>) -> Diagnostics {
    compile(&Bundle::of_text("flow.yaml", text), &TestTypes, &Programs::default()).err().unwrap_or_default()
}

/// That the first problem has this code, and that all can be shown.
fn told(text: impl AsRef<[u8]>, code: &str) -> Diagnostics {
    let found = problems(text);
    let first = found.iter().map(|one| one.code.as_str()).collect::<Vec<_>>();
    assert!(first.contains(&code), "{code} is not among {first:?}");
    let shown = found.render(Style::Plain);
    assert!(shown.len() < 200_000, "{} bytes of diagnostics", shown.len());
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "control characters are shown");
    found
}

const STEP: &str = "steps:\n  - {type: http, with: {url: x}, assert: status == 200}\n";

#[test]
fn a_billion_laughs_are_not_expanded() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", ")));
    }
    told(text, "too-many-aliases");
}

#[test]
fn aliases_of_a_long_text_are_bounded_too() {
    let text = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(500_000), vec!["*a"; 2000].join(", "));
    told(text, "too-many-aliases");
}

#[test]
fn nested_anchors_are_bounded_too() {
    let open: String = (0..90).map(|level| format!("[&b{level} ")).collect();
    told(format!("a: {open}[{}]{}", "x, ".repeat(200_000), "]".repeat(90)), "unknown-key");
}

#[test]
fn an_alias_of_what_contains_it_is_told() {
    told("a: &a [*a]\n", "unknown-alias");
    told("a: *nowhere\n", "unknown-alias");
}

#[test]
fn ten_megabytes_are_too_large() {
    told(vec![b'a'; 10_000_000], "too-large");
    told(format!("name: {}\n", "a".repeat(1_000_000)), "no-steps");
}

#[test]
fn nesting_is_bounded_in_every_style() {
    told("[".repeat(100_000), "too-deep");
    told("{\"a\":".repeat(100_000), "too-deep");
    told("{a: ".repeat(100_000), "too-deep");
    told("- ".repeat(100_000), "too-deep");
    told((0..700).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>(), "too-deep");
    told("? ".repeat(100_000), "bad-key");
    problems("&a ".repeat(100_000));
    problems("!a ".repeat(100_000));
}

#[test]
fn long_runs_of_one_character_are_answered() {
    for piece in [
        "'", "\"", "[,", "{,", "}", "|", ">", "-", ":", "%", "#", "\\", "\r", "\r\n", "\t", "---\n", "...\n", "a: ",
        "\u{85}", "ü",
    ] {
        problems(piece.repeat(60_000));
    }
}

#[test]
fn bytes_that_are_no_text_are_told_with_their_place() {
    let found = told(b"name: a\nx: \xff\n", "not-utf8");
    let place = found.iter().next().unwrap().place.as_ref().unwrap();
    assert_eq!((place.line, place.column), (2, 4));
    told(b"name: a\0b\n", "control-character");
    told("name: \u{1b}[31m\n", "control-character");
    told("", "empty-file");
    told("# nothing\n", "empty-file");
}

#[test]
fn a_mark_at_the_beginning_and_any_line_end_are_fine() {
    assert!(problems(format!("\u{feff}{STEP}")).is_empty());
    assert!(problems(STEP.replace('\n', "\r\n")).is_empty());
    assert!(problems("\u{feff}{\"steps\": [{\"type\": \"delay\", \"with\": {\"for\": \"1s\"}}]}").is_empty());
    let found = told(format!("\u{feff}x: 1\r\n{STEP}y: 2\n"), "unknown-key");
    let lines: Vec<_> = found.iter().map(|one| one.place.as_ref().unwrap()).map(|at| (at.line, at.column)).collect();
    assert_eq!(lines, [(1, 1), (4, 1)]);
}

#[test]
fn columns_count_characters() {
    let found = told("steps:\n  - {name: \"äöü€😀\", tpye: http}\n", "unknown-key");
    let place = found.iter().find(|one| one.code.as_str() == "unknown-key").unwrap().place.as_ref().unwrap();
    assert_eq!((place.line, place.column), (2, 21));
}

#[test]
fn huge_numbers_are_told_and_never_rounded() {
    told(format!("{STEP}timeout: 99999999999999999999\n"), "number-range");
    told(format!("{STEP}timeout: 1e999\n"), "number-range");
    told(r#"{"steps": [{"type": "delay", "with": {"for": 123456789012345678901234567890}}]}"#, "number-range");
    told(format!("{STEP}timeout: 99999999999999d\n"), "bad-duration");
}

#[test]
fn ten_thousand_steps_are_too_many() {
    told(format!("steps:\n{}", "  - {type: delay, with: {for: 1s}}\n".repeat(10_000)), "too-many-steps");
}

#[test]
fn a_thousand_steps_with_a_mistake_each_are_counted() {
    let found = told(format!("steps:\n{}", "  - {type: htpp, needs: [nobody]}\n".repeat(1000)), "unknown-type");
    assert_eq!(found.total(), 2000);
    assert!(found.render(Style::Plain).contains("1900 more problems are not shown"));
}

#[test]
fn a_circle_of_a_thousand_steps_is_told_once() {
    let step =
        |at: usize| format!("  - {{id: s{at}, type: delay, with: {{for: 1s}}, needs: [s{}]}}\n", (at + 1) % 1000);
    let found = told(format!("steps:\n{}", (0..1000).map(step).collect::<String>()), "cycle");
    assert_eq!(found.total(), 1);
}

#[test]
fn everybody_needing_everybody_above_is_answered() {
    let mut text = String::from("steps:\n");
    for at in 0..300 {
        let needs: Vec<String> = (0..at).map(|need| format!("s{need}")).collect();
        text.push_str(&format!("  - {{id: s{at}, type: delay, with: {{for: 1s}}, needs: [{}]}}\n", needs.join(",")));
    }
    assert!(problems(text).is_empty());
}

#[test]
fn exploding_expressions_are_bounded() {
    let step = |assert: String| format!("steps:\n  - {{type: http, with: {{url: x}}, assert: \"{assert}\"}}\n");
    told(step(format!("{}1{}", "(".repeat(5000), ")".repeat(5000))), "bad-expression");
    told(step("!".repeat(20_000)), "bad-expression");
    told(step(format!("status{}", " + 1".repeat(10_000))), "bad-expression");
    problems(format!(
        "steps:\n  - {{type: http, with: {{url: \"{}\"}}, assert: status == 1}}\n",
        "${inputs.a}".repeat(5000)
    ));
    told(format!("steps:\n  - {{type: http, with: {{url: \"{}\"}}}}\n", "${".repeat(20_000)), "bad-expression");
}

#[test]
fn many_duplicate_keys_are_counted() {
    let found = told("a: 1\n".repeat(20_000), "duplicate-key");
    assert!(found.total() > 100);
}

#[test]
fn flows_that_start_many_flows_are_compiled_once_each() {
    let child = |to: usize| {
        let step = format!("  - {{type: flow, with: {{flow: f{to}}}}}\n");
        format!("steps:\n{}", step.repeat(20))
    };
    let mut bundle = Bundle::of_text("f0.yaml", child(1));
    for at in 1..9 {
        bundle.files.insert(format!("f{at}.yaml"), child(at + 1).into_bytes().into());
    }
    bundle.files.insert("f9.yaml".into(), STEP.as_bytes().into());
    assert!(compile(&bundle, &TestTypes, &Programs::default()).is_ok());
}
