//! `--shard`: which of several machines runs a flow.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use assay_engine::id::ExecutionId;

use crate::error::CommandError;

/// More parts than flows are of no use.
const MOST: u32 = 10_000;

/// One part of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    /// From 1.
    pub(crate) index: u32,
    /// How many there are.
    pub(crate) of: u32,
}

impl FromStr for Shard {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            None => Err("expected I/N, as in 2/5".to_owned()),
            Some((_, 0)) => Err("there is no part of nothing; as in 2/5".to_owned()),
            Some((_, of)) if of > MOST => Err(format!("at most {MOST} parts")),
            Some((0, of)) => Err(format!("parts are counted from 1: 1/{of} to {of}/{of}")),
            Some((index, of)) if index > of => Err(format!("there are only {of} parts: 1/{of} to {of}/{of}")),
            Some((index, of)) => Ok(Self { index, of }),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl Shard {
    /// The flows that belong to this part. `top`: the project's folder, or the current one.
    ///
    /// # Errors
    /// When the folder of a flow cannot be found.
    pub(crate) fn pick(self, files: Vec<PathBuf>, top: &Path) -> Result<Vec<PathBuf>, CommandError> {
        let mut mine = Vec::new();
        for file in files {
            if self.has(&name_below(&file, top)?) {
                mine.push(file);
            }
        }
        Ok(mine)
    }

    fn has(self, name: &str) -> bool {
        // As good a hash as any, and the same on every machine.
        let hash = ExecutionId::derived(&["shard", name]);
        let number = hash.as_str().get(4..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
        number % u64::from(self.of) + 1 == u64::from(self.index)
    }
}

/// What a flow is called on every machine: its path below the project, or its file's name when it lies elsewhere.
pub(crate) fn name_below(file: &Path, top: &Path) -> Result<String, CommandError> {
    let fault = |error: std::io::Error| CommandError::fault(format!("find {}", file.display()), error);
    let whole = file.canonicalize().map_err(fault)?;
    let top = top.canonicalize().map_err(fault)?;
    let below =
        whole.strip_prefix(&top).map_or_else(|_| whole.file_name().map(PathBuf::from), |path| Some(path.into()));
    let parts = below.unwrap_or_default();
    let parts: Vec<_> = parts.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flow_is_in_exactly_one_part_and_every_part_has_some() {
        let names: Vec<String> = (0..200).map(|n| format!("flows/f{n}.yaml")).collect();
        for of in [1, 2, 5, 7] {
            let parts = (1..=of).map(|index| Shard { index, of });
            let of_each: Vec<usize> = parts.map(|part| names.iter().filter(|name| part.has(name)).count()).collect();
            assert_eq!(of_each.iter().sum::<usize>(), names.len());
            assert!(of_each.iter().all(|count| *count > 0), "{of_each:?}");
        }
    }

    #[test]
    fn what_is_no_part_is_told() {
        assert_eq!("2/5".parse(), Ok(Shard { index: 2, of: 5 }));
        for (text, said) in [
            ("2", "I/N"),
            ("a/b", "I/N"),
            ("0/5", "from 1"),
            ("6/5", "only 5"),
            ("1/0", "nothing"),
            ("1/99999", "most"),
        ] {
            assert!(text.parse::<Shard>().unwrap_err().contains(said), "{text}");
        }
    }
}
