//! The text of arrays (PostgreSQL documentation, "Array Input and Output Syntax").

use serde_json::Value as Json;

/// How deep arrays nest in Postgres.
const DEEPEST: usize = 6;

/// Writes a list, and the lists in it, as `{...}`.
pub(super) fn write(
    out: &mut String,
    items: &[Json],
    delimiter: char,
    one: &dyn Fn(&Json) -> Result<String, String>,
) -> Result<(), String> {
    out.push('{');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(delimiter);
        }
        match item {
            Json::Null => out.push_str("NULL"),
            Json::Array(inner) => write(out, inner, delimiter, one)?,
            item => {
                out.push('"');
                for c in one(item)?.chars() {
                    if matches!(c, '"' | '\\') {
                        out.push('\\');
                    }
                    out.push(c);
                }
                out.push('"');
            }
        }
    }
    out.push('}');
    Ok(())
}

/// Reads an array's text; none when it is no such text.
pub(super) fn read(text: &str, delimiter: char, one: &dyn Fn(&str) -> Json) -> Option<Json> {
    // Bounds other than the usual ones stand before it: `[0:1]={a,b}`.
    let text = if text.starts_with('[') { text.split_once('=')?.1 } else { text };
    let mut reader = Reader { rest: text, delimiter, one };
    let list = reader.list(0)?;
    reader.rest.is_empty().then_some(list)
}

struct Reader<'a> {
    rest: &'a str,
    delimiter: char,
    one: &'a dyn Fn(&str) -> Json,
}

impl Reader<'_> {
    fn eat(&mut self, expected: char) -> bool {
        let found = self.rest.strip_prefix(expected);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        if depth > DEEPEST || !self.eat('{') {
            return None;
        }
        let mut items = Vec::new();
        if self.eat('}') {
            return Some(Json::Array(items));
        }
        loop {
            items.push(if self.rest.starts_with('{') { self.list(depth + 1)? } else { self.item()? });
            if self.eat('}') {
                return Some(Json::Array(items));
            }
            if !self.eat(self.delimiter) {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<Json> {
        if !self.eat('"') {
            let end = self.rest.find([self.delimiter, '}'])?;
            let (text, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Some(if text == "NULL" { Json::Null } else { (self.one)(text) });
        }
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some((self.one)(&text));
                }
                '\\' => text.push(chars.next()?.1),
                c => text.push(c),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_go_to_text_and_back() {
        for value in
            [json!([]), json!(["a", null, "NULL", "a,b", "{x}", "say \"no\" \\ yes", ""]), json!([["a"], ["b"]])]
        {
            let mut text = String::new();
            write(&mut text, value.as_array().unwrap(), ',', &|item| Ok(item.as_str().unwrap().to_owned())).unwrap();
            assert_eq!(read(&text, ',', &|text| text.into()), Some(value), "{text}");
        }
        assert_eq!(read("[0:1]={1,2}", ',', &|text| text.into()), Some(json!(["1", "2"])));
        for broken in ["", "{", "{a", "{\"a}", "{a}b", "a"] {
            assert_eq!(read(broken, ',', &|text| text.into()), None, "{broken}");
        }
    }
}
