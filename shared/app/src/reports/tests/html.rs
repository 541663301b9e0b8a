//! The page: what it says, and that no data is ever markup.

use assay_engine::job::Evidence;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Kind, attempts, every_status, execution, hostile, nested, report, result, step, write};
use crate::reports::{Body, Report};

fn page(report: &Report) -> String {
    write(Kind::Html, report).unwrap()
}

/// What stands between two marks, the first time.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let begin = text.find(from).unwrap() + from.len();
    &text[begin..begin + text[begin..].find(to).unwrap()]
}

#[test]
fn the_page_lets_in_its_own_style_and_script_and_nothing_else() {
    let text = page(&every_status());
    let policy = between(&text, "Content-Security-Policy\" content=\"", "\"").replace("&#39;", "'");
    let hash = |inner: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(inner)));
    let (style, script) = (between(&text, "<style>", "</style>"), between(&text, "<script>", "</script>"));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            hash(style),
            hash(script)
        )
    );
    // an inline style or handler would be refused, so there is none
    let body = between(&text, "<body", "<script>");
    for attribute in [" style=", " onclick=", " src=", "http:", "https:", "javascript:"] {
        assert!(!body.contains(attribute), "{attribute}");
    }
}

/// The names of all elements, in order.
fn elements(text: &str) -> Vec<&str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '>' | '/');
    text.split('<').skip(1).map(|rest| rest.split(ends).next().unwrap()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn no_data_is_markup_and_none_of_it_is_lost() {
    let text = page(&hostile());
    assert_eq!(text.matches("<script").count(), 1);
    assert_eq!(text.matches("</script").count(), 1);
    let body = between(&text, "<body", "<script>");
    assert!(!body.contains("<!--") && !body.contains("<b onclick"), "{body}");
    assert!(!body.contains(['\u{2028}', '\u{202e}', '\u{1}']), "what misleads is written out");
    assert!(body.contains("&lt;/script&gt;&lt;!--&lt;b onclick=&quot;x&quot;&gt;&#39;`|`` # \\ ::error::%0A"));
    assert!(body.contains("\\u{2028}\\u{202e}gnp\\u{1}]]&gt;&amp;amp;"));
    let known = [
        "a", "header", "span", "div", "h1", "h2", "h3", "h4", "p", "button", "main", "section", "ol", "ul", "li",
        "code", "table", "tbody", "thead", "tr", "th", "td", "details", "summary", "svg", "rect", "title", "line",
        "text", "circle", "pre", "b", "br", "label", "input", "kbd", "dialog",
    ];
    for element in elements(body) {
        assert!(known.contains(&element), "<{element}>");
    }
    // the attributes of every element are ours
    assert!(!body.contains("onclick=\"x\""));
}

#[test]
fn the_verdict_comes_first_and_says_what_to_look_at() {
    let text = page(&every_status());
    assert!(text.contains("<title>errored: check &lt;out&gt;</title>"));
    assert!(text.contains("<h1>Errored <span class=\"of\">check &lt;out&gt;</span></h1>"));
    let first = between(&text, "<section class=\"first\">", "</section>");
    // the first that explains the verdict, which is an error, and not the failed step before it
    assert!(first.contains("<b>errored</b>") && first.contains("nobody listens"), "{first}");
    assert!(first.contains("flows/pay,ments/flow.yaml:50"), "{first}");
    let link = between(first, "href=\"#", "\"");
    assert!(text.contains(&format!("<li class=\"step errored\" id=\"{link}\"><details open>")), "{link}");
}

#[test]
fn the_cause_of_a_failed_sub_flow_is_the_step_within_it() {
    let text = page(&nested());
    let first = between(&text, "<section class=\"first\">", "</section>");
    assert!(first.contains("<b>charge</b></a> of check &lt;out&gt; / call: pay"), "{first}");
    assert!(first.contains("<code>status == 200</code>") && first.contains("<code>500</code>"), "{first}");
}

#[test]
fn several_flows_begin_with_an_overview_and_passed_ones_are_folded() {
    let passed = execution("passed", vec![step("a", "passed", json!({}))], json!({"id": "exe_b", "flow": "fine"}));
    let mut report = every_status();
    report.executions.push(passed);
    let text = page(&report);
    assert!(text.contains("1 of 2 flows did not pass"));
    assert!(text.find("class=\"overview\"").unwrap() < text.find("id=\"f1\"").unwrap());
    assert!(text.contains("id=\"f1\"><details open>") && text.contains("id=\"f2\"><details>"));
}

fn with_blob(key: &str, size: u64) -> Evidence {
    serde_json::from_value(json!({"preview": "{\"rows\":[{\"a\":", "blob": {"key": key, "size": size, "sha256": "00"}}))
        .unwrap()
}

#[test]
fn what_lies_in_the_blob_store_is_shown_whole_or_said_to_be_left_out() {
    let seen = |key: &str| json!({"evidence": with_blob(key, 9000)});
    let steps = vec![
        step("whole", "passed", attempts(vec![result("passed", seen("k1"))])),
        step("large", "passed", attempts(vec![result("passed", seen("k2"))])),
    ];
    let mut report = report(vec![execution("passed", steps, json!({}))]);
    report.bodies.insert("k1".into(), Body::Whole(json!({"rows": [{"needle": "found it"}]})));
    report.bodies.insert("k2".into(), Body::LeftOut("it is larger than 1 MiB".into()));
    let text = page(&report);
    assert!(text.contains("<code>found it</code>"));
    assert!(text.contains("this is the beginning of 8.7 KiB; the rest is left out: it is larger than 1 MiB (k2)"));
    assert!(text.contains("{&quot;rows&quot;:[{&quot;a&quot;:"), "the beginning is shown");
}

#[test]
fn rows_beyond_a_table_stand_below_it() {
    let rows: Vec<_> = (0..300).map(|number| json!({"n": format!("row{number}")})).collect();
    let steps =
        vec![step("q", "passed", attempts(vec![result("passed", json!({"evidence": {"preview": {"rows": rows}}}))]))];
    let text = page(&report(vec![execution("passed", steps, json!({}))]));
    assert!(text.contains("the first 200 of 300; all of them:") && text.contains("row299"));
}

#[test]
fn the_same_execution_gives_the_same_page() {
    assert_eq!(page(&every_status()), page(&every_status()));
}
