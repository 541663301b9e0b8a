//! Static paths below an output: `body.items[0].id`, `headers["content-type"]`.

use serde_json::Value as Json;

/// The value at the path; none where the output has no such path.
pub(super) fn value_at<'j>(output: &'j Json, path: &str) -> Option<&'j Json> {
    let mut here = output;
    let mut rest = path;
    while !rest.is_empty() {
        let (next, after) = step(here, rest)?;
        here = next?;
        rest = after;
    }
    Some(here)
}

/// One step of the path, and the rest of its text. The outer none: the text is no path.
fn step<'j, 'p>(here: &'j Json, path: &'p str) -> Option<(Option<&'j Json>, &'p str)> {
    if let Some(inner) = path.strip_prefix("[?").or_else(|| path.strip_prefix('[')) {
        let quote = inner.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            let (index, after) = inner.split_once(']')?;
            return Some((here.get(index.trim().parse::<usize>().ok()?), after));
        };
        let (name, after) = quoted(&inner[1..], quote)?;
        return Some((here.get(name.as_str()), after.strip_prefix(']')?));
    }
    let name = path.strip_prefix(".?").or_else(|| path.strip_prefix('.')).unwrap_or(path);
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (name, after) = name.split_at(end);
    (!name.is_empty()).then(|| (here.get(name.trim_matches('`')), after))
}

/// The text up to the closing quote, backslashes resolved, and what follows it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            c if c == quote => return Some((name, &text[at + c.len_utf8()..])),
            c => name.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_their_values() {
        let output = json!({"body": {"items": [{"id": 7}], "a.b": {"c\"d": true}}, "headers": {"x-id": "1"}});
        let at = |path: &str| value_at(&output, path).cloned();
        assert_eq!(at("body.items[0].id"), Some(json!(7)));
        assert_eq!(at("headers[\"x-id\"]"), Some(json!("1")));
        assert_eq!(at("headers['x-id']"), Some(json!("1")));
        assert_eq!(at("body['a.b'][\"c\\\"d\"]"), Some(json!(true)));
        assert_eq!(at("body.?items[?0].?id"), Some(json!(7)));
        assert_eq!(at(""), Some(output.clone()));
    }

    #[test]
    fn what_is_not_there_has_no_value() {
        let output = json!({"body": {"items": [1]}, "text": "abc"});
        for path in ["body.items[1]", "body.nothing.more", "text.size", "body.items.id", "body[", "body[x]", "body..a"]
        {
            assert_eq!(value_at(&output, path), None, "{path}");
        }
    }
}
