//! `assay eval`

use assay_app::usecases::{Evaluated, NoValue};
use assay_engine::expr::{Limits, Program};
use assay_engine::job::AssertionResult;
use assay_engine::record::Place;
use assay_host::Environment;
use serde_json::Value as Json;

use super::store::open;
use crate::args::EvalArgs;
use crate::error::CommandError;
use crate::out::Out;
use crate::view::of_assertions;

/// The exit code of an assertion that does not hold.
const FAILED: u8 = 1;

pub(super) async fn eval(args: EvalArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let text = &args.expression;
    let program = Program::compile(text, Limits::default()).map_err(|error| {
        let hint = error.hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default();
        CommandError::wrong(format!("{}\n{}{hint}", error.message, marked(text, error.range.start, error.range.end)))
    })?;
    let place = place(&args.step)?;
    let opened = open(&args.store, environment).await?;
    let id = opened.find(&args.execution).await?;
    let evaluated = opened.embedded.executions().evaluate(&id, &place, args.attempt, &program).await;
    let Evaluated { value, parts, notes } = evaluated.map_err(|error| match &error {
        NoValue::Expression { part: Some(part), .. } if text.contains(part.as_str()) => {
            let start = text.find(part.as_str()).unwrap_or(0);
            CommandError::wrong(format!("{error}\n{}", marked(text, start, start + part.len())))
        }
        NoValue::Execution(_) | NoValue::Port(_) => CommandError::fault("evaluate the expression", error),
        _ => CommandError::wrong(error.to_string()),
    })?;
    for note in notes {
        out.note(&format!("note: {note}\n"));
    }
    let shown = serde_json::to_string_pretty(&value).map_err(|error| CommandError::fault("write the value", error))?;
    out.print(&format!("{shown}\n"));
    let Json::Bool(passed) = value else { return Ok(0) };
    // The parts go where they are in nobody's way who reads the value.
    let told = AssertionResult { that: text.clone(), passed: false, message: None, soft: false, reason: None, parts };
    out.note(&of_assertions(&[told], out.error_paint(), 0));
    Ok(if passed { 0 } else { FAILED })
}

/// `audited` or `audited[3]`.
fn place(word: &str) -> Result<Place, CommandError> {
    let Some((step, rest)) = word.split_once('[') else { return Ok(Place { step: word.to_owned(), instance: None }) };
    let instance = rest.strip_suffix(']').and_then(|index| index.parse().ok());
    let instance =
        instance.ok_or_else(|| CommandError::wrong(format!("{word}: an instance is named as in audited[3]")))?;
    Ok(Place { step: step.to_owned(), instance: Some(instance) })
}

/// The line of the text with a caret below each character of the range.
fn marked(text: &str, start: usize, end: usize) -> String {
    let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    let before = text.get(line_start..start).map_or(0, |before| before.chars().count());
    let within = text.get(start..end.min(line_start + line.len())).map_or(0, |range| range.chars().count());
    format!("  {line}\n  {}{}", " ".repeat(before), "^".repeat(within.max(1)))
}
