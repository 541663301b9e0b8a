//! The slips that YAML is most often broken by, and how to write what was meant.

/// Where a tab indents one of the next lines, as a byte: the parser stops at the line above.
pub(super) fn tab_below(text: &str, line_start: usize) -> Option<usize> {
    let mut start = line_start;
    for line in text.get(line_start..)?.split_inclusive('\n').take(3) {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indent).and_then(|blanks| blanks.find('\t')) {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

/// What to write instead, where the line at `line_start`, at whose byte `at` the parser stopped for the reason `info`,
/// shows what was meant.
pub(super) fn hint(text: &str, line_start: usize, at: usize, info: &str) -> Option<String> {
    let line = text.get(line_start..)?.lines().next().unwrap_or_default();
    let before = text.get(line_start..at)?;
    if info.contains("flow mapping") || info.contains("flow sequence") {
        return unquoted_template(line).map(|part| format!("put it in quotes: \"{part}\""));
    }
    if info.contains("block sequence entries") {
        let (key, value) = line.split_once(':')?;
        let value = value.trim_start().strip_prefix("- ")?.trim();
        return Some(format!(
            "write `{}: {value}`, or begin the list on the next line",
            key.trim().trim_start_matches("- ")
        ));
    }
    if info.contains("mapping values are not allowed") {
        if before.contains(": ") {
            return Some("put a value with `: ` in it in quotes".to_owned());
        }
        let above = text.get(..line_start)?.lines().rev().find(|line| !line.trim().is_empty())?;
        let (own, upper) = (column(line), column(above));
        let ended = above.split_once(": ").is_some_and(|(_, value)| !value.trim().is_empty());
        if own > upper && ended {
            return Some(format!("this line is indented by {own}, the one above by {upper}: line them up"));
        }
        return None;
    }
    let above = text.get(..line_start)?.lines().rev().find(|line| !line.trim().is_empty())?;
    let (own, upper) = (column(line), column(above));
    let misplaced = info.contains("did not find expected key") || info.contains("did not find expected '-' indicator");
    (misplaced && own.abs_diff(upper) == 1)
        .then(|| format!("this line is indented by {own}, the one above by {upper}: line them up"))
}

/// Blanks before what a line says, the dash of an item included.
fn column(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

/// A value of a flow mapping or sequence that begins with `${` and is not in quotes.
fn unquoted_template(line: &str) -> Option<&str> {
    let mut quote = None;
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '$') if line[at..].starts_with("${") => {
                let start = line[..at].rfind([' ', '[', ',', '{', ':']).map_or(0, |blank| blank + 1);
                let close = at + line[at..].find('}')? + 1;
                let end = line[close..].find([',', '}', ']', ' ']).map_or(line.len(), |end| close + end);
                return line.get(start..end).filter(|part| !part.contains(['"', '\\']));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, part: &str, info: &str) -> Option<String> {
        let at = text.find(part).unwrap();
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        hint(text, start, at, info)
    }

    #[test]
    fn a_template_in_a_flow_mapping_wants_quotes() {
        let text = "with: {url: ${inputs.baseUrl}/x}";
        let info = "while parsing a flow mapping, did not find expected ',' or '}'";
        assert_eq!(said(text, "{inputs", info).unwrap(), "put it in quotes: \"${inputs.baseUrl}/x\"");
        let text = "with: {params: [a, ${item.id}]}";
        assert_eq!(said(text, "{item", info).unwrap(), "put it in quotes: \"${item.id}\"");
        assert_eq!(said("a: {b: \"${x}\", c: {d}", "{d", info), None);
    }

    #[test]
    fn a_list_that_begins_beside_its_key_is_shown_both_ways() {
        let info = "block sequence entries are not allowed in this context";
        let hint = said("  - assert: - status == 200", "- status", info).unwrap();
        assert_eq!(hint, "write `assert: status == 200`, or begin the list on the next line");
    }

    #[test]
    fn one_blank_too_many_is_counted() {
        let info = "mapping values are not allowed in this context";
        let hint = said("steps:\n  - id: a\n    type: http\n     with: x", ": x", info).unwrap();
        assert_eq!(hint, "this line is indented by 5, the one above by 4: line them up");
        assert_eq!(said("message: a: b", ": b", info).unwrap(), "put a value with `: ` in it in quotes");
    }

    #[test]
    fn a_tab_is_found_where_it_stands() {
        let text = "a:\n  b: 1\n\tc: 2\n";
        assert_eq!(tab_below(text, 3), Some(10));
        assert_eq!(tab_below("a: 1\nb: 2\n", 0), None);
    }
}
