//! What the schema of `with` cannot say. Strings with `${` are templates, whose value is not known yet.

use assay_engine::types::Problem;
use serde_json::Value as Json;

use super::address::Address;
use super::config::{MOST_BYTES, MOST_ROWS, MOST_STATEMENTS};
use super::words;
use crate::http::Size;
use crate::tls;

pub(super) fn check(with: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    match (with.get("query").is_some(), with.get("statements").is_some()) {
        (false, false) => problem(&mut problems, "", "there is neither `query` nor `statements`", "write one of them"),
        (true, true) => problem(&mut problems, "/statements", "there is a `query` too", "keep one of them"),
        (false, true) if with.get("params").is_some() => {
            let hint = "write them beside each statement: {query: ..., params: [...]}";
            problem(&mut problems, "/params", "`params` belong to `query`", hint);
        }
        _ => {}
    }
    if let Some(url) = literal(with, "/url")
        && let Err(message) = Address::read(url)
    {
        let hint = "write postgres://user@host:5432/database, mysql://..., or sqlite:path";
        problem(&mut problems, "/url", format!("this is no URL of a database: {message}"), hint);
    }
    check_statements(with, &mut problems);
    check_limits(with, &mut problems);
    problems.extend(tls::halves(with));
    problems
}

fn check_statements(with: &Json, problems: &mut Vec<Problem>) {
    if let Some(query) = literal(with, "/query")
        && words::words(query).is_empty()
    {
        problem(problems, "/query", "there is no statement in it", "write one statement of SQL");
    }
    let Some(statements) = with.get("statements").and_then(Json::as_array) else { return };
    if statements.is_empty() {
        problem(problems, "/statements", "there is no statement in it", "write at least one");
    }
    if statements.len() > MOST_STATEMENTS {
        let message = format!("{} statements are too many", statements.len());
        problem(problems, "/statements", message, "1,000 at most");
    }
    for (index, statement) in statements.iter().enumerate() {
        let text = statement.as_str().or_else(|| statement.get("query")?.as_str()).filter(|text| !is_template(text));
        let Some(text) = text else { continue };
        let first = words::words(text).into_iter().next();
        match first.as_deref() {
            None => problem(problems, &format!("/statements/{index}"), "there is no statement in it", "remove it"),
            Some("begin" | "commit" | "rollback" | "start" | "end" | "abort") => problem(
                problems,
                &format!("/statements/{index}"),
                "the statements are one transaction already",
                "remove it; for another transaction write another step",
            ),
            Some(_) => {}
        }
    }
}

fn check_limits(with: &Json, problems: &mut Vec<Problem>) {
    if let Some(count) = with.get("maxRows").and_then(Json::as_u64)
        && count > MOST_ROWS
    {
        problem(problems, "/maxRows", format!("{count} rows are more than one answer may have"), "1,000,000 at most");
    }
    let size = match with.get("maxBytes") {
        Some(Json::String(text)) if !is_template(text) => Some(Size::parse(text)),
        Some(Json::Number(number)) => Some(number.as_u64().map(Size)),
        _ => None,
    };
    match size {
        Some(None) => problem(problems, "/maxBytes", "not a size", "write 10MB, 16MiB or a number of bytes"),
        Some(Some(size)) if size > MOST_BYTES => {
            problem(problems, "/maxBytes", format!("{size} are more than one answer may have"), "256 MiB at most");
        }
        _ => {}
    }
}

/// Only a query that reads; statements run in a transaction, and whether it was committed is not known afterwards.
pub(super) fn repeatable(with: &Json) -> bool {
    let query = with.get("query").and_then(Json::as_str);
    let statements = with.get("statements").and_then(Json::as_array);
    let all_read = statements.is_none_or(|statements| {
        statements
            .iter()
            .all(|each| each.as_str().or_else(|| each.get("query")?.as_str()).is_some_and(words::only_reads))
    });
    (query.is_some() || statements.is_some()) && query.is_none_or(words::only_reads) && all_read
}

pub(super) fn files(with: &Json) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in tls::named_files(with) {
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

fn is_template(text: &str) -> bool {
    text.contains("${")
}

fn literal<'a>(with: &'a Json, pointer: &str) -> Option<&'a str> {
    with.pointer(pointer).and_then(Json::as_str).filter(|text| !is_template(text))
}

fn problem(problems: &mut Vec<Problem>, at: &str, message: impl Into<String>, hint: &str) {
    problems.push(Problem { at: at.to_owned(), message: message.into(), hint: Some(hint.to_owned()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_right_has_no_problem() {
        for with in [
            json!({"url": "postgres://u:p@h/d", "query": "select $1", "params": [1]}),
            json!({"url": "${inputs.db}", "query": "${inputs.sql}"}),
            json!({"url": "sqlite:a.db", "statements": ["delete from t", {"query": "insert into t values (?)", "params": [1]}]}),
            json!({"url": "mysql://h/d", "query": "select 1", "maxRows": 5, "maxBytes": "1MB", "tls": {"verify": false}}),
        ] {
            assert!(check(&with).is_empty(), "{with}: {:?}", check(&with));
        }
    }

    #[test]
    fn each_problem_points_to_its_key() {
        let url = "postgres://h/d";
        for (with, expected) in [
            (json!({"url": url}), ""),
            (json!({"url": url, "query": "select 1", "statements": ["select 1"]}), "/statements"),
            (json!({"url": url, "params": [1], "statements": ["select 1"]}), "/params"),
            (json!({"url": "ftp://h", "query": "select 1"}), "/url"),
            (json!({"url": url, "query": " -- nothing"}), "/query"),
            (json!({"url": url, "statements": []}), "/statements"),
            (json!({"url": url, "statements": ["select 1", "COMMIT"]}), "/statements/1"),
            (json!({"url": url, "query": "select 1", "maxRows": 1_000_001}), "/maxRows"),
            (json!({"url": url, "query": "select 1", "maxBytes": "1GiB"}), "/maxBytes"),
            (json!({"url": url, "query": "select 1", "maxBytes": "much"}), "/maxBytes"),
            (json!({"url": url, "query": "select 1", "tls": {"cert": "a"}}), "/tls/cert"),
        ] {
            let at: Vec<_> = check(&with).into_iter().map(|problem| problem.at).collect();
            assert_eq!(at, [expected], "{with}");
        }
    }

    #[test]
    fn only_what_reads_is_repeatable() {
        for (with, expected) in [
            (json!({"query": "select 1"}), true),
            (json!({"query": "insert into t values (1)"}), false),
            (json!({"statements": ["select 1", {"query": "select 2"}]}), true),
            (json!({"statements": ["select 1", {"query": "delete from t"}]}), false),
            (json!({}), false),
        ] {
            assert_eq!(repeatable(&with), expected, "{with}");
        }
    }

    #[test]
    fn files_are_certificates_that_are_no_text() {
        let with = json!({"tls": {"ca": "ca.pem", "cert": "-----BEGIN CERTIFICATE-----", "key": "${secrets.KEY}"}});
        assert_eq!(files(&with), ["ca.pem"]);
    }
}
