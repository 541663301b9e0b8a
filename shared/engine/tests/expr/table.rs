//! The table of cases: `expression => expected expression`, `expression !! part of the error`.

use super::evaluate;
use assay_engine::expr::{Limits, Program};

fn check(line: &str) -> Result<(), String> {
    if let Some((text, wanted)) = line.split_once(" => ") {
        let both = format!("[{text}] == [{wanted}] && type({text}) == type({wanted})");
        let found = Program::compile(&both, Limits::default()).map_err(|error| format!("{line}: {error}"))?;
        drop(found);
        let same = evaluate(&both).map_err(|error| format!("{line}: {error}"))?;
        if same.as_bool() == Some(true) {
            return Ok(());
        }
        let value = evaluate(text).map_err(|error| format!("{line}: {error}"))?;
        return Err(format!("{line}: it is {value:?}"));
    }
    if let Some((text, part)) = line.split_once(" !! ") {
        let error = match Program::compile(text, Limits::default()) {
            Ok(_) => match evaluate(text) {
                Ok(value) => return Err(format!("{line}: it is {value:?}")),
                Err(error) => error.to_string(),
            },
            Err(error) => format!("{error} ({})", error.hint.clone().unwrap_or_default()),
        };
        if error.contains(part) {
            return Ok(());
        }
        return Err(format!("{line}: the error is {error}"));
    }
    Err(format!("{line}: neither => nor !!"))
}

#[test]
fn every_case_of_the_table_holds() {
    let tables = [include_str!("core.txt"), include_str!("functions.txt"), include_str!("documents.txt")];
    let lines = tables.iter().flat_map(|table| table.lines());
    let cases: Vec<&str> = lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect();
    let wrong: Vec<String> = cases.iter().filter_map(|line| check(line).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() > 250, "the table has only {} cases", cases.len());
}
