//! Names that fit: step ids, files, secrets. Whatever a document calls things, nothing leads out of the folder.

use std::collections::BTreeSet;

/// The longest name that is made.
const LONGEST: usize = 60;

/// Words of a text: letters and digits, split where the case changes.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    for c in text.chars().take(400) {
        if c.is_ascii_alphanumeric() {
            let begins = !previous.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && previous.is_ascii_lowercase());
            match words.last_mut() {
                Some(word) if !begins => word.push(c),
                _ => words.push(c.to_string()),
            }
        }
        previous = c;
    }
    words
}

/// `orderItem` from `order-item`, `Order Item` or `order/{item}`; never empty, never beginning with a digit.
pub(super) fn identifier(text: &str, otherwise: &str) -> String {
    let mut out = String::new();
    for word in words(text) {
        if out.len() + word.len() > LONGEST && !out.is_empty() {
            break;
        }
        let mut letters = word.chars();
        let first = letters.next().unwrap_or('x');
        let rest = letters.as_str();
        let shouted = word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        let rest = if shouted { rest.to_ascii_lowercase() } else { rest.to_owned() };
        let first = if out.is_empty() { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() };
        out.push(first);
        out.push_str(&rest);
    }
    out.truncate(LONGEST);
    match out.chars().next() {
        None => otherwise.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{out}"),
        Some(_) => out,
    }
}

/// `order-items` from any text, for files and folders.
pub(super) fn slug(text: &str, otherwise: &str) -> String {
    let words: Vec<String> = words(text).into_iter().map(|word| word.to_ascii_lowercase()).collect();
    let mut slug = words.join("-");
    slug.truncate(LONGEST);
    let slug = slug.trim_matches('-');
    // What Windows takes for a device is no file there.
    let device = ["con", "prn", "aux", "nul"].contains(&slug);
    match (slug.is_empty(), device) {
        (true, _) => otherwise.to_owned(),
        (false, true) => format!("{slug}-file"),
        (false, false) => slug.to_owned(),
    }
}

/// `API_KEY` from `api-key` or `apiKey`.
pub(super) fn constant(text: &str, otherwise: &str) -> String {
    let words: Vec<String> = words(text).into_iter().map(|word| word.to_ascii_uppercase()).collect();
    let mut name = words.join("_");
    name.truncate(LONGEST);
    match name.chars().next() {
        None => otherwise.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// Names that were given away already, told apart without regard to case: files may lie where case does not count.
#[derive(Debug, Default)]
pub(super) struct Taken {
    names: BTreeSet<String>,
}

impl Taken {
    /// The name, or the name with a number behind it.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        self.unique_with(wanted, "")
    }

    /// As [`Self::unique`], with something between the name and its number.
    pub(super) fn unique_with(&mut self, wanted: &str, between: &str) -> String {
        if self.names.insert(wanted.to_lowercase()) {
            return wanted.to_owned();
        }
        let mut number = 2_usize;
        loop {
            let name = format!("{wanted}{between}{number}");
            if self.names.insert(name.to_lowercase()) {
                return name;
            }
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_whatever_they_are_made_from() {
        assert_eq!(identifier("list-orders", "x"), "listOrders");
        assert_eq!(identifier("List Orders", "x"), "listOrders");
        assert_eq!(identifier("getAPIKey", "x"), "getAPIKey");
        assert_eq!(identifier("GET /orders/{id}", "x"), "getOrdersId");
        assert_eq!(identifier("../../etc/passwd", "x"), "etcPasswd");
        assert_eq!(identifier("2fa", "x"), "_2fa");
        assert_eq!(identifier("日本", "x"), "x");
        assert_eq!(slug("../../Etc Passwd", "x"), "etc-passwd");
        assert_eq!(slug("..", "x"), "x");
        assert_eq!(slug("CON", "x"), "con-file");
        assert_eq!(constant("x-api-key", "X"), "X_API_KEY");
        assert!(identifier(&"a b ".repeat(1000), "x").len() <= LONGEST);
    }

    #[test]
    fn a_name_is_given_away_once() {
        let mut taken = Taken::default();
        assert_eq!(taken.unique("a"), "a");
        assert_eq!(taken.unique("A"), "A2");
        assert_eq!(taken.unique_with("a", "-"), "a-2");
    }
}
