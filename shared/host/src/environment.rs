//! The environment variables, read once.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `ASSAY_STORE`: the folder that state is kept in.
    pub store: Option<PathBuf>,
    /// `ASSAY_LOG`: which log lines go to standard error: `info`, or `assay_app=debug,warn`.
    pub log: Option<String>,
    /// `NO_COLOR` is set and not empty, or the terminal is a dumb one.
    pub no_colour: bool,
    /// `CLICOLOR_FORCE` is set and neither empty nor `0`.
    pub force_colour: bool,
    /// Who uses the program.
    pub user: String,
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the variables of this process. Those that are not UTF-8 are passed over.
    #[must_use]
    pub fn read() -> Self {
        let text = |pair: (std::ffi::OsString, std::ffi::OsString)| {
            Some((pair.0.into_string().ok()?, pair.1.into_string().ok()?))
        };
        Self::of(std::env::vars_os().filter_map(text).collect())
    }

    /// An environment of these variables.
    #[must_use]
    pub fn of(variables: BTreeMap<String, String>) -> Self {
        let given = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
        Self {
            store: given("ASSAY_STORE").map(PathBuf::from),
            log: given("ASSAY_LOG"),
            no_colour: given("NO_COLOR").is_some() || given("TERM").as_deref() == Some("dumb"),
            force_colour: given("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            user: given("USER").or(given("USERNAME")).unwrap_or_else(|| "somebody".to_owned()),
            variables,
        }
    }

    /// A variable.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        let environment = of(&[("NO_COLOR", ""), ("ASSAY_STORE", ""), ("CLICOLOR_FORCE", "")]);
        assert!(!environment.no_colour && !environment.force_colour && environment.store.is_none());
        assert_eq!(environment.variable("NO_COLOR"), Some(""));
    }

    #[test]
    fn colours_are_refused_and_forced_by_the_usual_names() {
        assert!(of(&[("NO_COLOR", "1")]).no_colour);
        assert!(of(&[("TERM", "dumb")]).no_colour);
        assert!(of(&[("CLICOLOR_FORCE", "1")]).force_colour);
        assert!(!of(&[("CLICOLOR_FORCE", "0")]).force_colour);
    }
}
