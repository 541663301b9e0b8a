//! A text that a regular expression matches.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// The longest text that is made.
const LONGEST: usize = 400;

/// The shortest text that is easily found; none when the pattern is not understood.
pub(super) fn matching(pattern: &str, least: usize) -> Option<String> {
    let tree = ParserBuilder::new().nest_limit(50).build().parse(pattern).ok()?;
    for more in [0, 1, 2, 4, 8, 16] {
        let mut out = String::new();
        walk(&tree, more, &mut out)?;
        if out.chars().count() >= least {
            return fits(pattern, &out).then_some(out);
        }
    }
    None
}

fn fits(pattern: &str, text: &str) -> bool {
    let expression = regex::RegexBuilder::new(pattern).size_limit(1 << 18).build();
    expression.is_ok_and(|expression| expression.is_match(text))
}

fn walk(tree: &Hir, more: u32, out: &mut String) -> Option<()> {
    if out.len() > LONGEST {
        return None;
    }
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => out.push(letter(class)?),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            for _ in 0..repetition.min.saturating_add(more).min(most).max(repetition.min) {
                walk(&repetition.sub, more, out)?;
            }
        }
        HirKind::Capture(capture) => walk(&capture.sub, more, out)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| walk(part, more, out))?,
        HirKind::Alternation(parts) => walk(parts.first()?, more, out)?,
    }
    Some(())
}

/// A character of a class, one that people like to read where there is one.
fn letter(class: &Class) -> Option<char> {
    let has = |wanted: char| match class {
        Class::Unicode(class) => class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&wanted)),
        Class::Bytes(class) => u8::try_from(u32::from(wanted))
            .is_ok_and(|byte| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&byte))),
    };
    let liked = ['a', 'A', '1', '0', '-', '_', 'b', 'B', '2'];
    liked.into_iter().find(|wanted| has(*wanted)).or_else(|| match class {
        Class::Unicode(class) => class.ranges().first().map(|range| range.start()),
        Class::Bytes(class) => class.ranges().first().map(|range| char::from(range.start())),
    })
}

#[cfg(test)]
mod tests {
    use super::matching;

    #[test]
    fn a_text_is_made_that_the_pattern_matches() {
        for pattern in
            ["^[A-Z]{3}-[0-9]{4}$", "^(a|b)+c?$", r"^\d{4}-\d{2}$", "^.{5,}$", "^[^a-z]+$", r"^\+?[1-9]\d{1,14}$"]
        {
            let text = matching(pattern, 0).unwrap_or_else(|| panic!("{pattern}"));
            assert!(regex::Regex::new(pattern).unwrap().is_match(&text), "{pattern}: {text}");
        }
        assert!(matching("^[a-z]+$", 5).unwrap().len() >= 5);
        assert_eq!(matching("(?=x)", 0), None);
        assert_eq!(matching("a{1000}", 0), None);
    }
}
