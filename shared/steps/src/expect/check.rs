//! What the schema of `with` cannot say of a wait. Texts with `${` are templates and not judged.

use std::time::Duration;

use assay_engine::duration;
use assay_engine::types::Problem;
use serde_json::Value as Json;

use super::count::{Count, CountError};
use super::rules::{DEFAULT_COLLECT, LARGEST_COLLECT};

/// What is wrong with `count`, `within`, `settle` and `collect`, if anything.
#[must_use]
pub fn check(with: &Json) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |at: &str, message: String, hint: &str| {
        problems.push(Problem { at: at.to_owned(), message, hint: Some(hint.to_owned()) });
    };
    let count = match with.get("count") {
        None => Some(Ok(Count::default())),
        Some(value) if is_template(value) => None,
        Some(Json::String(text)) => Some(text.parse::<Count>()),
        Some(other) => Some(other.to_string().parse()),
    };
    match &count {
        Some(Err(error @ CountError::Always(_))) => {
            problem("/count", error.to_string(), "write `>= 1`, or `== 0` for none at all");
        }
        Some(Err(error)) => problem("/count", error.to_string(), "write `>= 1`, `== 2` or `<= 3`"),
        _ => {}
    }
    for key in ["within", "settle"] {
        if let Some(Json::String(text)) = with.get(key).filter(|value| !is_template(value))
            && let Err(error) = duration::parse(text)
        {
            problem(&format!("/{key}"), error.to_string(), "write a number and a unit, as in 30s");
        }
    }
    if let Some(Ok(count)) = count
        && !count.waits_for_quiet()
        && with.get("settle").is_some_and(|settle| !settle.is_null())
    {
        let message = format!("`{count}` passes at once, so there is nothing to settle");
        problem("/settle", message, "leave `settle` out, or ask for `== n` or `<= n`");
    }
    if let Some(number) = with.get("collect").filter(|value| !is_template(value)).and_then(Json::as_u64)
        && !(1..=u64::from(LARGEST_COLLECT)).contains(&number)
    {
        let hint = format!("between 1 and {LARGEST_COLLECT}; {DEFAULT_COLLECT} unless given");
        problem("/collect", format!("{number} messages cannot be collected"), &hint);
    }
    problems
}

/// How long a wait takes at most, as far as `with` says it literally.
#[must_use]
pub(crate) fn waits(with: &Json, otherwise: Duration) -> Duration {
    let within = with.get("within").and_then(Json::as_str).and_then(|text| duration::parse(text).ok());
    within.unwrap_or(otherwise)
}

fn is_template(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.contains("${"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(with: Json) -> Vec<String> {
        check(&with).into_iter().map(|problem| problem.at).collect()
    }

    #[test]
    fn what_is_right_has_no_problem() {
        for with in [
            json!({}),
            json!({"count": ">= 2", "within": "1m"}),
            json!({"count": 0, "within": "5s", "settle": "500ms", "collect": 1000}),
            json!({"count": "${inputs.n}", "settle": "1s", "within": "${inputs.w}"}),
        ] {
            assert!(check(&with).is_empty(), "{with}: {:?}", check(&with));
        }
    }

    #[test]
    fn each_problem_points_to_its_key() {
        for (with, expected) in [
            (json!({"count": "> 1"}), "/count"),
            (json!({"count": ">= 0"}), "/count"),
            (json!({"within": "30"}), "/within"),
            (json!({"count": 1, "settle": "soon"}), "/settle"),
            (json!({"settle": "1s"}), "/settle"),
            (json!({"collect": 0}), "/collect"),
            (json!({"collect": 1001}), "/collect"),
        ] {
            assert_eq!(at(with.clone()), [expected], "{with}");
        }
    }
}
