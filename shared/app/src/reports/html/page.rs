//! The page: policy, verdict, what to look at first, the flows.

use std::sync::LazyLock;

use assay_engine::status::ExecutionStatus;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

use super::super::case::{Case, Suite};
use super::super::report::Report;
use super::super::text::{counted, cut, duration};
use super::detail::assertion;
use super::flow::{counts, said, said_counts, section, verdict};
use super::markup::Markup;
use super::row::{Rows, class, sign};
use crate::view::ExecutionView;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// What the page may do: its own style and script, and nothing else.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

/// So many flows that did not pass are named at the top.
const FIRST: usize = 5;
/// Flows that all passed are open when they have no more steps together.
const FEW: usize = 60;
/// So many more of a flow's steps that did not pass.
const OTHERS: usize = 8;

pub(in super::super) fn html(report: &Report) -> String {
    let mut out = Markup::default();
    let rows = Rows::new(report);
    head(&mut out, report);
    banner(&mut out, report);
    out.raw("<main>");
    first(&mut out, &rows);
    if report.executions.len() > 1 {
        overview(&mut out, report);
    }
    bar(&mut out);
    out.raw("<div id=\"flows\" tabindex=\"-1\">");
    let few = Suite::all(report).iter().map(|suite| suite.view.steps.len()).sum::<usize>() <= FEW;
    let fine = report.verdict() == ExecutionStatus::Passed;
    let open = report.executions.len() == 1 || (fine && few);
    for (number, view) in (1..).zip(&report.executions) {
        section(&mut out, &rows, view, number, open || view.status != ExecutionStatus::Passed);
    }
    if report.executions.is_empty() {
        out.element("p", "about", "Nothing ran.");
    }
    out.raw("</div><p id=\"none\" hidden>No step fits the filter.</p></main>");
    keys(&mut out);
    out.raw("<script>").raw(SCRIPT).raw("</script></body></html>\n");
    out.into_string()
}

fn head(out: &mut Markup, report: &Report) {
    out.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"").text(&POLICY).raw("\">");
    out.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    out.raw("<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\">");
    out.raw("<meta name=\"generator\" content=\"assay ").raw(env!("CARGO_PKG_VERSION")).raw("\"><title>");
    out.text(&title(report)).raw("</title><style>").raw(STYLE).raw("</style></head>");
}

fn title(report: &Report) -> String {
    let what = match report.executions.as_slice() {
        [only] => only.flow.clone(),
        all => counted(all.len(), "flow"),
    };
    format!("{}: {what}", said(report.verdict()))
}

fn banner(out: &mut Markup, report: &Report) {
    let status = report.verdict();
    let came = verdict(status);
    let flows = &report.executions;
    let passed = flows.iter().filter(|flow| flow.status == ExecutionStatus::Passed).count();
    out.raw("<body class=\"").raw(class(came)).raw("\"><a class=\"skip\" href=\"#flows\">To the steps</a><header>");
    out.raw("<span class=\"sign\" aria-hidden=\"true\">").raw(sign(came)).raw("</span><div><h1>");
    out.text(&headline(status)).raw(" <span class=\"of\">");
    match flows.as_slice() {
        [only] => out.text(&only.flow),
        all if status == ExecutionStatus::Passed => out.text(&format!("all {} flows", all.len())),
        all => out.text(&format!("{} of {} flows did not pass", all.len() - passed, all.len())),
    };
    out.raw("</span></h1><p>");
    let suites = Suite::all(report);
    let cases: Vec<Case<'_>> = suites.iter().flat_map(Suite::cases).collect();
    let mut about = vec![format!("{}: {}", counted(cases.len(), "step"), said_counts(&cases))];
    let began = flows.iter().filter_map(|flow| flow.started_at.or(flow.queued_at)).min();
    let ended = flows.iter().filter_map(|flow| flow.ended_at).max();
    if let (Some(began), Some(ended)) = (began, ended) {
        about.push(duration(super::super::text::between(began, ended)));
    }
    about.extend(began.map(when));
    out.text(&about.join(" · ")).raw("</p></div>");
    out.raw("<div class=\"tools\"><button id=\"theme\" type=\"button\" title=\"Light, dark or as the system (t)\">");
    out.raw("◐ <span>auto</span></button><button id=\"help\" type=\"button\" title=\"Keys (?)\">? <span>keys</span>");
    out.raw("</button></div></header>");
}

fn headline(status: ExecutionStatus) -> String {
    let word = said(status);
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn when(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// What to look at first: of each flow that did not pass the step that explains it.
fn first(out: &mut Markup, rows: &Rows<'_>) {
    let report = rows.report;
    let mut troubled: Vec<&ExecutionView> =
        report.executions.iter().filter(|flow| flow.status != ExecutionStatus::Passed).collect();
    if troubled.is_empty() {
        return;
    }
    let verdict = report.verdict();
    troubled.sort_by_key(|flow| flow.status != verdict);
    out.raw("<section class=\"first\"><h2>Look at this first</h2><ol>");
    for view in troubled.iter().take(FIRST) {
        let suite = Suite::top(report, view);
        out.raw("<li>");
        match suite.first(report) {
            Some((suite, case)) => cause(out, rows, &suite, &case),
            None => {
                let why = suite.unexplained().map(|(_, why)| why).unwrap_or_default();
                out.element("b", "", &view.flow).raw(" <span class=\"pill state\">").text(said(view.status));
                out.raw("</span><p>").text(&why).raw("</p>");
            }
        }
        out.raw("</li>");
    }
    out.raw("</ol>");
    if troubled.len() > FIRST {
        out.element("p", "faint", &format!("and {} more", counted(troubled.len() - FIRST, "flow")));
    }
    out.raw("</section>");
}

/// The other steps of a flow that did not pass.
fn others(out: &mut Markup, rows: &Rows<'_>, suite: &Suite<'_>, told: &Case<'_>) {
    let is_told = |case: &Case<'_>| case.step.id == told.step.id && case.index == told.index;
    let cases = suite.cases();
    let others: Vec<&Case<'_>> = cases.iter().filter(|case| case.came.counts() && !is_told(case)).collect();
    if others.is_empty() {
        return;
    }
    out.raw("<p class=\"then\">then ");
    for (at, case) in others.iter().take(OTHERS).enumerate() {
        out.raw(if at > 0 { ", <a href=\"#s" } else { "<a href=\"#s" }).number(rows.number(suite, case)).raw("\">");
        out.text(&case.name()).raw("</a>");
    }
    if others.len() > OTHERS {
        out.text(&format!(" and {} more", others.len() - OTHERS));
    }
    out.raw("</p>");
}

fn cause(out: &mut Markup, rows: &Rows<'_>, suite: &Suite<'_>, case: &Case<'_>) {
    out.raw("<p><a href=\"#s").number(rows.number(suite, case)).raw("\"><b>").text(&case.name()).raw("</b></a>");
    out.raw(" of ")
        .text(&suite.name())
        .raw(" <span class=\"pill state\">")
        .text(case.place.status.word())
        .raw("</span>");
    if let (Some(facts), Some(line)) = (suite.facts, case.line()) {
        out.raw(" <code class=\"faint\">").text(&format!("{}:{line}", facts.file)).raw("</code>");
    }
    out.raw("</p>");
    let failed = case.place.all_assertions().iter().find(|assertion| !assertion.passed);
    match failed.filter(|_| case.place.error.is_none()) {
        Some(failed) => {
            out.raw("<ul class=\"assertions\">");
            assertion(out, failed);
            out.raw("</ul>");
        }
        None => {
            out.element("p", "", &cut(&case.reason(), 600));
        }
    }
    others(out, rows, suite, case);
}

fn overview(out: &mut Markup, report: &Report) {
    out.raw(
        "<section class=\"overview\"><h2>Flows</h2><div class=\"scroll\" tabindex=\"0\"><table class=\"grid\"><thead>",
    );
    out.raw("<tr><th scope=\"col\">Verdict</th><th scope=\"col\">Flow</th><th scope=\"col\">Steps</th>");
    out.raw("<th scope=\"col\" class=\"end\">Time</th></tr></thead><tbody>");
    for (number, view) in (1..).zip(&report.executions) {
        let suite = Suite::top(report, view);
        let came = verdict(view.status);
        out.raw("<tr class=\"").raw(class(came)).raw("\"><td><span class=\"sign\" aria-hidden=\"true\">");
        out.raw(sign(came)).raw("</span> ").text(said(view.status)).raw("</td><td><a href=\"#f").number(number);
        out.raw("\">").text(&view.flow).raw("</a>");
        if let Some(facts) = suite.facts {
            out.raw(" ").element("span", "faint", &facts.file);
        }
        out.raw("</td><td>").text(&counts(report, &suite)).raw("</td><td class=\"end\">");
        out.text(&duration(view.duration_ms.unwrap_or(0))).raw("</td></tr>");
    }
    out.raw("</tbody></table></div></section>");
}

/// What filters and folds; it shows only where scripts run.
fn bar(out: &mut Markup) {
    out.raw("<div class=\"bar\" role=\"search\"><label class=\"hidden\" for=\"find\">Find in steps and in what they saw</label>");
    out.raw("<input id=\"find\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" ");
    out.raw("placeholder=\"Find in steps and what they saw\"><kbd aria-hidden=\"true\">/</kbd>");
    out.raw("<div class=\"chips\" role=\"group\" aria-label=\"Which steps\">");
    out.raw("<button type=\"button\" data-show=\"all\" aria-pressed=\"true\">all <b></b></button>");
    out.raw("<button type=\"button\" data-show=\"trouble\" aria-pressed=\"false\">not passed <b></b></button>");
    out.raw("<button type=\"button\" data-show=\"flaky\" aria-pressed=\"false\">flaky <b></b></button>");
    out.raw("<button type=\"button\" data-show=\"skipped\" aria-pressed=\"false\">skipped <b></b></button></div>");
    out.raw("<div class=\"folds\"><button type=\"button\" id=\"expand\">expand all</button>");
    out.raw("<button type=\"button\" id=\"collapse\">collapse all</button></div>");
    out.raw("<span id=\"found\" class=\"faint\" role=\"status\"></span></div>");
}

fn keys(out: &mut Markup) {
    out.raw("<dialog id=\"keys\" aria-labelledby=\"keys-title\"><h2 id=\"keys-title\">Keys</h2><table class=\"pairs\"><tbody>");
    for (key, what) in [
        ("j / k", "next, previous step"),
        ("n / p", "next, previous step that did not pass"),
        ("Enter or o", "open or close the step"),
        ("/", "find; Esc leaves and clears"),
        ("e / c", "expand, collapse everything"),
        ("a / f", "show all steps, only those that did not pass"),
        ("g / G", "to the top, to the last step"),
        ("t", "light, dark, as the system"),
        ("?", "this list"),
    ] {
        out.raw("<tr><th scope=\"row\"><kbd>").raw(key).raw("</kbd></th><td>").raw(what).raw("</td></tr>");
    }
    out.raw("</tbody></table><button type=\"button\" id=\"close\">Close</button></dialog>");
}
