//! `assay explain`: the pages of `docs/errors`, which travel inside the binary.

use assay_engine::diagnostics::codes;

use crate::args::ExplainArgs;
use crate::error::CommandError;
use crate::out::Out;

// `PAGES`: every page by its code, sorted.
include!(concat!(env!("OUT_DIR"), "/error_pages.rs"));

pub(super) fn explain(args: &ExplainArgs, out: &Out) -> Result<u8, CommandError> {
    let Some(asked) = &args.code else {
        out.print(&listed());
        return Ok(0);
    };
    let asked = asked.trim().trim_matches(['[', ']']).to_lowercase();
    if let Some((_, page)) = PAGES.iter().find(|(code, _)| *code == asked) {
        out.print(&format!("{}\n", page.trim_end()));
        return Ok(0);
    }
    if let Some((code, summary)) = codes().find(|(code, _)| *code == asked) {
        out.print(&format!("{code}: {summary}\n"));
        return Ok(0);
    }
    let known = PAGES.iter().map(|(code, _)| *code).chain(codes().map(|(code, _)| code));
    let near = known.max_by(|a, b| strsim::jaro_winkler(a, &asked).total_cmp(&strsim::jaro_winkler(b, &asked)));
    Err(CommandError::wrong(match near.filter(|near| strsim::jaro_winkler(near, &asked) > 0.75) {
        Some(near) => format!("there is no code `{asked}`; did you mean `{near}`? (assay explain lists all)"),
        None => format!("there is no code `{asked}`; assay explain lists all"),
    }))
}

fn listed() -> String {
    let mut lines: Vec<(&str, &str)> = codes().collect();
    let of_flows: Vec<&str> = lines.iter().map(|(code, _)| *code).collect();
    lines.extend(PAGES.iter().filter(|(code, _)| !of_flows.contains(code)).map(|(code, page)| (*code, title(page))));
    let width = lines.iter().map(|(code, _)| code.len()).max().unwrap_or(0);
    lines.iter().map(|(code, summary)| format!("{code:<width$}  {summary}\n")).collect()
}

/// The first line below the heading.
fn title(page: &str) -> &str {
    page.lines().skip(1).map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}
