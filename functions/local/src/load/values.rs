//! Values of inputs, secrets and labels, as they are typed.

use std::collections::BTreeMap;
use std::path::Path;

use assay_engine::plan::{InputType, Plan};
use serde_json::{Map, Value as Json};

use crate::error::CommandError;

/// `NAME=VALUE` pairs, each name once.
pub(crate) fn pairs(option: &str, words: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let pair = |word: &String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(CommandError::wrong(format!("`{word}` after {option}: expected NAME=VALUE"))),
    };
    let mut pairs = BTreeMap::new();
    for word in words {
        let (name, value) = pair(word)?;
        if pairs.contains_key(&name) {
            return Err(CommandError::wrong(format!("{option} {name} is given twice: which of them counts?")));
        }
        pairs.insert(name, value);
    }
    Ok(pairs)
}

/// The values of a YAML or JSON file with inputs.
pub(crate) fn inputs_file(path: &Path) -> Result<Map<String, Json>, CommandError> {
    let bytes = super::read::read(path, super::read::LARGEST_TEXT)
        .map_err(|error| CommandError::wrong(format!("--inputs-file: {error}")))?;
    let name = path.display().to_string();
    let read = assay_engine::source::read_data(&name, &bytes);
    match read.map_err(|problems| CommandError::wrong(problems.render(assay_engine::diagnostics::Style::Plain)))? {
        Json::Object(map) => Ok(map),
        Json::Null => Ok(Map::new()),
        _ => {
            Err(CommandError::wrong(format!("--inputs-file {name}: expected names with values, as in `baseUrl: ...`")))
        }
    }
}

/// The inputs that a flow is given: those of the file, then those of the command line, each only where the flow has
/// such an input.
pub(crate) fn inputs_of(
    plan: &Plan,
    file: &Map<String, Json>,
    typed: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Json>, CommandError> {
    let mut inputs = BTreeMap::new();
    for input in &plan.inputs {
        if let Some(value) = file.get(&input.name) {
            inputs.insert(input.name.clone(), value.clone());
        }
        if let Some(text) = typed.get(&input.name) {
            let value = read(input.kind, text).ok_or_else(|| {
                CommandError::wrong(format!(
                    "--input {}: `{text}` is not of type {}{}",
                    input.name,
                    word(input.kind),
                    example(input.kind)
                ))
            })?;
            inputs.insert(input.name.clone(), value);
        }
    }
    Ok(inputs)
}

/// Names that no flow has as an input are mistakes.
pub(crate) fn check_names<'a>(
    plans: &[&Plan],
    names: impl IntoIterator<Item = &'a String>,
) -> Result<(), CommandError> {
    let known: Vec<&str> = plans.iter().flat_map(|plan| &plan.inputs).map(|input| input.name.as_str()).collect();
    for name in names {
        if known.contains(&name.as_str()) {
            continue;
        }
        let near = known
            .iter()
            .copied()
            .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
        let hint = match near {
            Some(near) if strsim::jaro_winkler(near, name) > 0.8 => format!("; did you mean `{near}`?"),
            Some(_) => format!("; inputs: {}", unique(&known).join(", ")),
            None => "; it has no inputs at all".to_owned(),
        };
        let whose = if plans.len() == 1 { "the flow has no such input" } else { "none of the flows has such an input" };
        return Err(CommandError::wrong(format!("input `{name}`: {whose}{hint}")));
    }
    Ok(())
}

fn unique<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    names
}

fn read(kind: InputType, text: &str) -> Option<Json> {
    match kind {
        InputType::String => Some(Json::String(text.to_owned())),
        InputType::Integer => text.trim().parse::<i64>().ok().map(Json::from),
        InputType::Number => {
            let number: Json = serde_json::from_str(text.trim()).ok()?;
            number.is_number().then_some(number)
        }
        InputType::Boolean => text.trim().parse::<bool>().ok().map(Json::from),
        InputType::Array => serde_json::from_str::<Json>(text).ok().filter(Json::is_array),
        InputType::Object => serde_json::from_str::<Json>(text).ok().filter(Json::is_object),
    }
}

fn word(kind: InputType) -> &'static str {
    match kind {
        InputType::String => "string",
        InputType::Integer => "integer",
        InputType::Number => "number",
        InputType::Boolean => "boolean",
        InputType::Array => "array",
        InputType::Object => "object",
    }
}

fn example(kind: InputType) -> &'static str {
    match kind {
        InputType::String => "",
        InputType::Integer => " (a whole number, as in 12)",
        InputType::Number => " (as in 12 or 0.5)",
        InputType::Boolean => " (true or false)",
        InputType::Array => " (JSON, as in [\"A1\", \"B2\"])",
        InputType::Object => " (JSON, as in {\"a\": 1})",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_the_declared_type() {
        assert_eq!(read(InputType::String, "12"), Some(Json::from("12")));
        assert_eq!(read(InputType::Integer, "12"), Some(Json::from(12)));
        assert_eq!(read(InputType::Number, "0.5"), Some(Json::from(0.5)));
        assert_eq!(read(InputType::Boolean, "true"), Some(Json::from(true)));
        assert_eq!(read(InputType::Array, "[1]"), Some(serde_json::json!([1])));
        assert_eq!(read(InputType::Object, "{\"a\":1}"), Some(serde_json::json!({"a": 1})));
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        for (kind, text) in [
            (InputType::Integer, "1.5"),
            (InputType::Integer, "x"),
            (InputType::Number, "\"1\""),
            (InputType::Boolean, "yes"),
            (InputType::Array, "{}"),
            (InputType::Object, "[]"),
        ] {
            assert_eq!(read(kind, text), None, "{text}");
        }
    }
}
