//! The functions of XPath 1.0, and how its values become numbers, texts and truths.

use super::super::error::Fault;
use super::document::{Found, Item};
use super::token::bad;
use super::walk::Walk;

/// A function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call(usize);

/// Names, with the fewest and the most arguments.
const CALLS: [(&str, usize, usize); 26] = [
    ("last", 0, 0),
    ("position", 0, 0),
    ("count", 1, 1),
    ("local-name", 0, 1),
    ("namespace-uri", 0, 1),
    ("name", 0, 1),
    ("string", 0, 1),
    ("concat", 2, usize::MAX),
    ("starts-with", 2, 2),
    ("contains", 2, 2),
    ("substring-before", 2, 2),
    ("substring-after", 2, 2),
    ("substring", 2, 3),
    ("string-length", 0, 1),
    ("normalize-space", 0, 1),
    ("translate", 3, 3),
    ("boolean", 1, 1),
    ("not", 1, 1),
    ("true", 0, 0),
    ("false", 0, 0),
    ("number", 0, 1),
    ("sum", 1, 1),
    ("floor", 1, 1),
    ("ceiling", 1, 1),
    ("round", 1, 1),
    ("ends-with", 2, 2),
];

type Outcome<'d> = Result<Found<'d>, Fault>;

impl Call {
    pub(super) fn find(name: &str, arguments: usize) -> Result<Self, Fault> {
        let found = CALLS.iter().position(|(known, ..)| *known == name);
        let index = found.ok_or_else(|| bad(&format!("there is no function `{name}`")))?;
        match CALLS.get(index) {
            Some((_, least, most)) if arguments >= *least && arguments <= *most => Ok(Self(index)),
            _ => Err(bad(&format!("`{name}` does not take {arguments} arguments"))),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn apply<'d>(
        self,
        walk: &mut Walk<'_, '_>,
        args: Vec<Found<'d>>,
        (here, position, size): (Item<'d>, usize, usize),
    ) -> Outcome<'d> {
        let name = CALLS.get(self.0).map_or("", |(name, ..)| *name);
        let mut args = args.into_iter();
        let mut next = || args.next().unwrap_or_else(|| Found::Items(vec![here]));
        Ok(match name {
            "last" => Found::Number(size as f64),
            "position" => Found::Number(position as f64),
            "true" => Found::Truth(true),
            "false" => Found::Truth(false),
            "not" => Found::Truth(!truth_of(&next())),
            "boolean" => Found::Truth(truth_of(&next())),
            "count" => Found::Number(items(next())?.len() as f64),
            "sum" => {
                let mut sum = 0.0;
                for item in items(next())? {
                    let text = walk.text_of(item)?;
                    sum += number_of(&Found::Text(text));
                }
                Found::Number(sum)
            }
            "local-name" | "name" | "namespace-uri" => Found::Text(named(name, &items(next())?)),
            "string" => Found::Text(walk.text(next())?),
            "number" => Found::Number(walk.number(next())?),
            "floor" => Found::Number(walk.number(next())?.floor()),
            "ceiling" => Found::Number(walk.number(next())?.ceil()),
            "round" => Found::Number((walk.number(next())? + 0.5).floor()),
            "concat" => {
                let mut joined = String::new();
                for arg in args {
                    let text = walk.text(arg)?;
                    walk.cx.bytes(text.len())?;
                    joined.push_str(&text);
                }
                Found::Text(joined)
            }
            _ => {
                let first = walk.text(next())?;
                walk.cx.bytes(first.len() * 2)?;
                return texts(walk, name, &first, args);
            }
        })
    }
}

/// The functions whose first argument is a text.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn texts<'d>(
    walk: &mut Walk<'_, '_>,
    name: &str,
    first: &str,
    mut args: impl Iterator<Item = Found<'d>>,
) -> Outcome<'d> {
    let mut text = |walk: &mut Walk<'_, '_>| args.next().map_or(Ok(String::new()), |arg| walk.text(arg));
    Ok(match name {
        "starts-with" => Found::Truth(first.starts_with(&text(walk)?)),
        "ends-with" => Found::Truth(first.ends_with(&text(walk)?)),
        "contains" => Found::Truth(first.contains(&text(walk)?)),
        "substring-before" => {
            let cut = text(walk)?;
            Found::Text(first.split_once(&cut).map_or("", |(before, _)| before).to_owned())
        }
        "substring-after" => {
            let cut = text(walk)?;
            Found::Text(first.split_once(&cut).map_or("", |(_, after)| after).to_owned())
        }
        "string-length" => Found::Number(first.chars().count() as f64),
        "normalize-space" => Found::Text(first.split_ascii_whitespace().collect::<Vec<_>>().join(" ")),
        "translate" => {
            let (from, to) = (text(walk)?, text(walk)?);
            walk.cx.charge(first.len().saturating_mul(from.len()) / 16)?;
            let to: Vec<char> = to.chars().collect();
            let changed = first.chars().filter_map(|character| {
                let found = from.chars().position(|known| known == character);
                found.map_or(Some(character), |index| to.get(index).copied())
            });
            Found::Text(changed.collect())
        }
        _ => {
            let start = (args.next().map_or(Ok(1.0), |arg| walk.number(arg))? + 0.5).floor();
            let length = args.next().map(|arg| walk.number(arg)).transpose()?;
            let end = length.map_or(f64::INFINITY, |length| start + (length + 0.5).floor());
            let within = |index: usize| {
                let position = (index + 1) as f64;
                position >= start && position < end
            };
            let characters = first.chars().enumerate();
            Found::Text(characters.filter(|(index, _)| within(*index)).map(|(_, c)| c).collect())
        }
    })
}

fn items(found: Found<'_>) -> Result<Vec<Item<'_>>, Fault> {
    match found {
        Found::Items(items) => Ok(items),
        _ => Err(bad("a function was given a value where it takes nodes")),
    }
}

fn named(function: &str, items: &[Item<'_>]) -> String {
    let Some(item) = items.first() else {
        return String::new();
    };
    let Some((namespace, local)) = item.name() else {
        return item.node.pi().map(|pi| pi.target.to_owned()).unwrap_or_default();
    };
    match function {
        "namespace-uri" => namespace.unwrap_or_default().to_owned(),
        "local-name" => local.to_owned(),
        _ => {
            let prefix = namespace.and_then(|uri| item.node.lookup_prefix(uri));
            match prefix {
                Some(prefix) if !prefix.is_empty() => format!("{prefix}:{local}"),
                _ => local.to_owned(),
            }
        }
    }
}

pub(super) fn truth_of(found: &Found<'_>) -> bool {
    match found {
        Found::Truth(truth) => *truth,
        Found::Number(number) => *number != 0.0 && !number.is_nan(),
        Found::Text(text) => !text.is_empty(),
        Found::Items(items) => !items.is_empty(),
    }
}

/// A number; of nodes none, which the caller makes a text first.
pub(super) fn number_of(found: &Found<'_>) -> f64 {
    match found {
        Found::Number(number) => *number,
        Found::Truth(truth) => f64::from(u8::from(*truth)),
        Found::Text(text) => {
            let text = text.trim();
            let digits = text.strip_prefix('-').unwrap_or(text);
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            if plain { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
        }
        Found::Items(_) => f64::NAN,
    }
}

pub(super) fn number_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if number == 0.0 {
        "0".to_owned()
    } else {
        number.to_string()
    }
}
