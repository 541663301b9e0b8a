//! TAP, Markdown, GitHub annotations: texts that are read line by line.

use assay_engine::status::ExecutionStatus;
use serde_json::json;

use super::{Kind, attempts, every_status, execution, failed_assertion, hostile, nested, report, result, step, write};

/// What a TAP harness sees of a stream at one depth: whether its plan fits, and each point without its number.
fn points(text: &str, depth: usize) -> Vec<String> {
    let indent = "    ".repeat(depth);
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(&indent)).collect();
    let plan = lines.iter().find_map(|line| line.strip_prefix("1..")).unwrap();
    let is_point = |line: &&&str| line.starts_with("ok ") || line.starts_with("not ok ");
    let points: Vec<&str> = lines.iter().filter(is_point).copied().collect();
    assert_eq!(plan, points.len().to_string(), "{text}");
    let numbered = points.iter().zip(1..).map(|(point, number)| point.replacen(&format!(" {number} -"), "", 1));
    numbered.collect()
}

#[test]
fn tap_has_a_point_for_each_flow_and_a_subtest_of_its_steps() {
    let text = write(Kind::Tap, &every_status()).unwrap();
    assert!(text.starts_with("TAP version 14\n1..1\n# Subtest: check <out>\n    1..13\n    ok 1 - passed\n"), "{text}");
    assert_eq!(points(&text, 0), ["not ok check <out>"]);
    let words: Vec<String> = points(&text, 1).iter().map(|point| point.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(
        words,
        [
            "ok passed",
            "ok flaky",
            "not ok failed",
            "not ok soft",
            "not ok errored",
            "not ok late",
            "not ok allowed # TODO failed, which the flow allows (continueOnError)",
            "ok blocked # SKIP blocked",
            "ok condition # SKIP its condition is false",
            "ok stopped # SKIP it was stopped",
            "ok each[0]",
            "ok each[1]",
            "ok clean",
        ]
    );
    assert!(text.contains("\n      message: \"status == 200 (status = 500)\"\n      status: \"failed\"\n"), "{text}");
    assert!(text.contains("\n        - \"attempt 1: nobody listens (http.refused)\"\n"), "{text}");
}

#[test]
fn a_sub_flow_is_a_subtest_before_its_step() {
    let text = write(Kind::Tap, &nested()).unwrap();
    assert!(text.contains("\n    # Subtest: pay\n        1..1\n        not ok 1 - charge\n"), "{text}");
    assert_eq!(points(&text, 1), ["not ok call"]);
    assert_eq!(points(&text, 2), ["not ok charge"]);
}

#[test]
fn nothing_in_a_text_is_a_line_of_tap_or_a_directive() {
    let text = write(Kind::Tap, &hostile()).unwrap();
    assert_eq!(points(&text, 0).len(), 1);
    assert_eq!(points(&text, 1).len(), 3);
    let named = text.lines().filter(|line| line.contains("- </script>") && line.trim_start().starts_with("not ok"));
    for line in named {
        assert!(line.contains("\\# \\\\\\\\") || line.contains("\\# \\\\"), "{line}");
    }
    for line in text.lines() {
        let known = [
            "TAP version",
            "1..",
            "ok ",
            "not ok ",
            "# Subtest: ",
            "---",
            "...",
            "- \"",
            "message: ",
            "status: ",
            "duration_ms: ",
            "file: ",
            "line: ",
            "code: ",
            "details:",
            "earlier_attempts:",
            "execution: ",
        ];
        assert!(known.iter().any(|begin| line.trim_start().starts_with(begin)), "{line}");
    }
}

#[test]
fn nothing_to_report_is_a_plan_of_nothing() {
    assert_eq!(write(Kind::Tap, &report(Vec::new())).unwrap(), "TAP version 14\n1..0\n");
}

#[test]
fn annotations_stand_at_the_line_of_the_assertion() {
    let text = write(Kind::Github, &every_status()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "::error file=flows/pay%2Cments/flow.yaml,line=32,title=check <out> › failed failed::status == 200 (status = 500)"
    );
    let levels: Vec<&str> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(levels, ["::error", "::error", "::error", "::error", "::warning", "::notice"]);
    assert!(lines[5].contains("flaky passed at attempt 2::attempt 1: nobody listens"), "{text}");
}

#[test]
fn an_annotation_is_one_command_whatever_its_text_holds() {
    let text = write(Kind::Github, &hostile()).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    for line in text.lines() {
        let (head, message) = line.strip_prefix("::error ").unwrap().split_once("::").unwrap();
        let keys: Vec<&str> = head.split(',').map(|pair| pair.split_once('=').unwrap().0).collect();
        assert_eq!(keys, ["file", "line", "title"]);
        assert!(message.contains("%250A"), "{message}");
    }
}

#[test]
fn more_annotations_than_are_shown_are_counted_in_the_last() {
    let failed =
        |number: usize| step(&format!("s{number}"), "failed", attempts(vec![result("failed", failed_assertion())]));
    let text =
        write(Kind::Github, &report(vec![execution("failed", (0..30).map(failed).collect(), json!({}))])).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 10);
    assert!(lines[9].starts_with("::error title=and 21 more::check <out> › s9 failed%0A"), "{}", lines[9]);
}

#[test]
fn markdown_begins_with_the_verdict_and_what_to_look_at() {
    let text = write(Kind::Markdown, &every_status()).unwrap();
    assert!(text.starts_with("## 💥 Errored: `check <out>`\n\n**Look first at** `errored` of `check <out>`"), "{text}");
    assert!(text.contains("(`flows/pay,ments/flow.yaml:50`): `nobody listens`"), "{text}");
    assert!(
        text.contains(
            "| 💥 errored | `check <out>` | 5 passed, 1 flaky, 2 failed, 1 errored, 1 out of time, \
                           1 allowed to fail, 2 skipped, 1 not ended | 2.5 s | `exe_report` |"
        ),
        "{text}"
    );
    assert!(text.contains("- ❌ `status == 200`\n  - `status` is `500`\n"), "{text}");
    let passed = execution("passed", vec![step("a", "passed", json!({}))], json!({}));
    assert!(write(Kind::Markdown, &report(vec![passed])).unwrap().starts_with("## ✅ Passed: `check <out>`\n"));
}

/// The text without its code: what Markdown reads as Markdown.
fn outside_code(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        let ticks = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let after = &rest[at + ticks..];
        let mut from = 0;
        let end = loop {
            let Some(next) = after[from..].find('`').map(|next| from + next) else { break after.len() };
            let run = after[next..].len() - after[next..].trim_start_matches('`').len();
            if run == ticks {
                break next + run;
            }
            from = next + run;
        };
        rest = &after[end..];
    }
    out + rest
}

#[test]
fn data_is_never_read_as_markdown() {
    let text = write(Kind::Markdown, &hostile()).unwrap();
    let outside = outside_code(&text);
    for trace in ["script", "onclick", "::error", "gnp", "&amp;"] {
        assert!(!outside.contains(trace), "{trace} in {outside}");
    }
    // a bar would end the cell, also within code
    let row = text.lines().find(|line| line.starts_with("| ❌")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
    assert!(!text.contains('\u{202e}') && !text.contains('\u{2028}'));
}

#[test]
fn markdown_stays_below_what_a_job_page_takes_and_says_so() {
    let wide = json!({"evidence": {"preview": "x".repeat(4000)}});
    let failed = |number: usize| step(&format!("s{number}"), "failed", attempts(vec![result("failed", wide.clone())]));
    let many = execution("failed", (0..600).map(failed).collect(), json!({}));
    assert_eq!(many.status, ExecutionStatus::Failed);
    let text = write(Kind::Markdown, &report(vec![many])).unwrap();
    assert!(text.len() <= 1024 * 1024 && text.len() > 1_000_000, "{}", text.len());
    assert!(text.contains("**Cut:**") && text.contains("are left out"));
    assert!(!write(Kind::Markdown, &every_status()).unwrap().contains("**Cut:**"));
}
