//! What the schema of `with` cannot say. Strings with `${` are templates, whose value is not known yet.

use assay_engine::types::Problem;
use serde_json::Value as Json;

use super::command::Command;
use super::config::{LARGEST, MOST_COMMANDS};
use super::target::{Beside, Target};
use crate::http::Size;
use crate::tls;

pub(super) fn check(with: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    connection(with, &mut problems);
    size(with, &mut problems);
    match (with.get("command"), with.get("pipeline")) {
        (None, None) => {
            problem(&mut problems, "", "there is no `command`", "add `command`, or `pipeline` for several");
        }
        (Some(_), Some(_)) => {
            problem(&mut problems, "/pipeline", "there are both `command` and `pipeline`", "keep one of them");
        }
        (Some(value), None) => command(value, "/command", &mut problems),
        (None, Some(Json::Array(commands))) => {
            if commands.is_empty() || commands.len() > MOST_COMMANDS {
                let message = format!("a pipeline of {} commands", commands.len());
                problem(&mut problems, "/pipeline", message, "1 to 1,000 commands");
            }
            for (index, value) in commands.iter().enumerate() {
                command(value, &format!("/pipeline/{index}"), &mut problems);
            }
        }
        (None, Some(_)) => {}
    }
    problems
}

/// What is wrong with where to connect.
pub(super) fn connection(with: &Json, problems: &mut Vec<Problem>) {
    problems.extend(tls::halves(with));
    match with.get("url") {
        None => problem(problems, "", "there is no `url`", "add `url`, or `resource`"),
        Some(Json::String(url)) if !is_template(url) => match Target::read(url, Beside::default()) {
            Err(message) => problem(problems, "/url", message, "write redis://host:6379, or rediss:// for TLS"),
            Ok(target) if !target.tls && with.get("tls").is_some() => {
                problem(problems, "/tls", "`tls` has no meaning without TLS", "write rediss:// in `url`");
            }
            Ok(_) => {}
        },
        Some(_) => {}
    }
}

/// What is wrong with `maxBytes`.
pub(super) fn size(with: &Json, problems: &mut Vec<Problem>) {
    let size = match with.get("maxBytes") {
        Some(Json::String(text)) if !is_template(text) => Some(Size::parse(text)),
        Some(Json::Number(number)) => Some(number.as_u64().map(Size)),
        _ => None,
    };
    match size {
        Some(None) => problem(problems, "/maxBytes", "not a size", "write 10MB, 16MiB or a number of bytes"),
        Some(Some(size)) if size > LARGEST => {
            problem(problems, "/maxBytes", format!("{size} are more than replies may take"), "256 MiB at most");
        }
        _ => {}
    }
}

fn command(value: &Json, at: &str, problems: &mut Vec<Problem>) {
    let templated = |value: &Json| value.as_str().is_some_and(is_template);
    let judged = match value {
        // With templates, a text is split only once they are rendered; the name may be known all the same.
        Json::String(text) if is_template(text) => match text.split_ascii_whitespace().next() {
            Some(name) if !is_template(name) => Command::read(&Json::Array(vec![name.into()])),
            _ => return,
        },
        Json::Array(parts) if parts.first().is_some_and(templated) => return,
        Json::Array(parts) => {
            let known = parts.iter().map(|part| if templated(part) { Json::from("x") } else { part.clone() }).collect();
            Command::read(&Json::Array(known))
        }
        value => Command::read(value),
    };
    match judged {
        Err(message) => problem(problems, at, message, "write a list, [SET, key, value], or a text as for redis-cli"),
        Ok(command) => {
            if let Some((message, hint)) = command.refused() {
                problem(problems, at, message, hint);
            }
        }
    }
}

/// Judged on the rendered `with`: whether every command only reads.
pub(super) fn repeatable(with: &Json) -> bool {
    let reads = |value: &Json| Command::read(value).is_ok_and(|command| command.reads());
    match (with.get("command"), with.get("pipeline")) {
        (Some(command), None) => reads(command),
        (None, Some(Json::Array(commands))) => commands.iter().all(reads),
        _ => false,
    }
}

pub(super) fn is_template(text: &str) -> bool {
    text.contains("${")
}

pub(super) fn problem(problems: &mut Vec<Problem>, at: &str, message: impl Into<String>, hint: &str) {
    problems.push(Problem { at: at.to_owned(), message: message.into(), hint: Some(hint.to_owned()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn places(with: Json) -> Vec<String> {
        check(&with).into_iter().map(|problem| problem.at).collect()
    }

    #[test]
    fn what_can_be_sent_is_not_complained_about() {
        for command in [
            json!("GET k"),
            json!("SET k ${vars.v}"),
            json!("SET k '${vars.v}'"),
            json!("${vars.command}"),
            json!(["SET", "k", "${vars.v}", 7]),
            json!(["${vars.name}", "k"]),
            json!("BLPOP q 5"),
            json!("SUBSCRIPTIONS"),
        ] {
            let with = json!({"url": "redis://h", "command": command, "maxBytes": "1MiB"});
            assert_eq!(places(with.clone()), Vec::<String>::new(), "{with}");
        }
        assert!(places(json!({"url": "${vars.url}", "pipeline": [["MULTI"], "INCR a", ["EXEC"]]})).is_empty());
        assert!(places(json!({"url": "rediss://h/1", "tls": {"verify": false}, "pipeline": "${vars.all}"})).is_empty());
    }

    #[test]
    fn each_mistake_has_its_place() {
        let url = "redis://h";
        for (with, at) in [
            (json!({"command": "GET k"}), ""),
            (json!({"url": url}), ""),
            (json!({"url": url, "command": "GET k", "pipeline": ["GET k"]}), "/pipeline"),
            (json!({"url": url, "pipeline": []}), "/pipeline"),
            (json!({"url": url, "pipeline": ["GET k", "monitor"]}), "/pipeline/1"),
            (json!({"url": "http://h", "command": "GET k"}), "/url"),
            (json!({"url": url, "command": "GET k", "tls": {"verify": false}}), "/tls"),
            (json!({"url": "rediss://h", "command": "GET k", "tls": {"cert": "a"}}), "/tls/cert"),
            (json!({"url": url, "command": "GET k", "maxBytes": "1 GiB"}), "/maxBytes"),
            (json!({"url": url, "command": "GET k", "maxBytes": "many"}), "/maxBytes"),
            (json!({"url": url, "command": "SET 'k"}), "/command"),
            (json!({"url": url, "command": ["SET", "k", null]}), "/command"),
            (json!({"url": url, "command": "subscribe ${vars.c}"}), "/command"),
            (json!({"url": url, "command": ["auth", "x"]}), "/command"),
            (json!({"url": url, "command": "CLIENT reply off"}), "/command"),
        ] {
            assert_eq!(places(with.clone()), [at], "{with}");
        }
    }

    #[test]
    fn a_pipeline_is_repeatable_when_all_of_it_is() {
        assert!(repeatable(&json!({"pipeline": ["GET a", ["HGETALL", "h"]]})));
        assert!(!repeatable(&json!({"pipeline": ["GET a", "DEL a"]})) && !repeatable(&json!({"command": "INCR a"})));
    }
}
