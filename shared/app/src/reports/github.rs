//! GitHub annotations: workflow commands that the runner reads from the log and shows at the failing line.

use super::case::{Came, Case, Suite};
use super::report::Report;
use super::text::{cut, details, details_of, visible};

/// The runner shows so many of each level for a step of a job.
const SHOWN: usize = 10;
/// Characters of one message; the runner's own limit is higher.
const LONGEST: usize = 4000;

/// An annotation.
struct Note {
    level: &'static str,
    place: Option<(String, usize)>,
    title: String,
    message: String,
}

pub(super) fn github(report: &Report) -> String {
    let mut notes = Vec::new();
    for suite in Suite::all(report) {
        notes.extend(suite.cases().iter().filter_map(|case| of_case(&suite, case)));
        if let Some((_, why)) = suite.unexplained() {
            let place = suite.facts.map(|facts| (facts.file.clone(), 1));
            let title = format!("{}: {}", suite.name(), suite.view.status.word());
            notes.push(Note { level: "error", place, title, message: why });
        }
    }
    let mut out = String::new();
    for level in ["error", "warning", "notice"] {
        let of_level: Vec<&Note> = notes.iter().filter(|note| note.level == level).collect();
        let fit = if of_level.len() > SHOWN { SHOWN - 1 } else { SHOWN };
        of_level.iter().take(fit).for_each(|note| out.push_str(&command(note)));
        if of_level.len() > fit {
            // What comes after the tenth is not shown; that there is more must be.
            let rest: Vec<&str> = of_level.iter().skip(fit).map(|note| note.title.as_str()).collect();
            let title = format!("and {} more", rest.len());
            out.push_str(&command(&Note { level: of_level[0].level, place: None, title, message: rest.join("\n") }));
        }
    }
    out
}

fn of_case(suite: &Suite<'_>, case: &Case<'_>) -> Option<Note> {
    let level = match case.came {
        Came::Failed | Came::Errored | Came::TimedOut => "error",
        Came::Allowed => "warning",
        Came::Passed if case.flaky() => "notice",
        _ => return None,
    };
    let lines = match case.flaky() {
        true => case
            .earlier()
            .iter()
            .filter_map(|attempt| {
                let result = attempt.result.as_deref()?;
                Some(format!("attempt {}: {}", attempt.number, details(result).join("; ")))
            })
            .collect(),
        false => details_of(case.place),
    };
    let attempts = match case.earlier().len() {
        0 => String::new(),
        more if case.flaky() => format!(" at attempt {}", more + 1),
        more => format!(" after {} attempts", more + 1),
    };
    let title = format!("{} › {} {}{attempts}", suite.name(), case.name(), case.place.status.word());
    let message = if lines.is_empty() { case.reason() } else { lines.join("\n") };
    let place = suite.facts.and_then(|facts| Some((facts.file.clone(), case.line()?)));
    Some(Note { level, place, title, message })
}

/// `::error file=flows/checkout.yaml,line=12,title=checkout › order failed::status == 201 (status = 500)`
fn command(note: &Note) -> String {
    let mut properties = Vec::new();
    if let Some((file, line)) = &note.place {
        properties.push(format!("file={}", property(file)));
        properties.push(format!("line={line}"));
    }
    properties.push(format!("title={}", property(&cut(&visible(&note.title), 250))));
    format!("::{} {}::{}\n", note.level, properties.join(","), data(&cut(&visible(&note.message), LONGEST)))
}

/// A message: one line of the log.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, which must not end before its end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
