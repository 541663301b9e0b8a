//! What a function is told by its environment, which `template.yaml` sets: read once, typed, complete.

use std::hash::{BuildHasher as _, RandomState};

use assay_egress::Reach;

use crate::environment::Environment;

/// What is wrong with the environment of a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A variable is not set, or empty.
    #[error("read the environment: {0} is not set; template.yaml sets it")]
    Variable(String),
    /// A variable cannot be read.
    #[error("read the environment: {name} is `{value}`: {why}")]
    Unreadable {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What a function knows of its stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `ASSAY_STACK`: the stack's name.
    pub stack: String,
    /// `ASSAY_TABLE`: the table of executions.
    pub table: String,
    /// `ASSAY_CLAIMS_TABLE`: the table of claims.
    pub claims_table: String,
    /// `ASSAY_BUCKET`: the bucket of blobs.
    pub bucket: String,
    /// `ASSAY_KEY`: the key that seals secrets.
    pub key: String,
    /// `ASSAY_QUEUE`: the address of the dispatcher's queue; those of the others differ in the name at the end.
    pub queue: String,
    /// `ASSAY_LOG`, or `info`.
    pub log: String,
    /// `ASSAY_GRANTS`: private ranges that steps may reach, separated by spaces.
    pub grants: Vec<Reach>,
    /// `ASSAY_ALLOW_LOOPBACK` is `true`: steps may reach the machine itself. For development only.
    pub loopback: bool,
    /// `AWS_ENDPOINT_URL`, where the services are an emulator's.
    pub endpoint: Option<String>,
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub function: String,
    /// One name for each process.
    pub process: String,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// When one is missing or cannot be read.
    pub fn read(environment: &Environment) -> Result<Self, Missing> {
        let given = |name: &str| environment.variable(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let needed = |name: &str| given(name).ok_or_else(|| Missing::Variable(name.to_owned()));
        Ok(Self {
            stack: needed("ASSAY_STACK")?,
            table: needed("ASSAY_TABLE")?,
            claims_table: needed("ASSAY_CLAIMS_TABLE")?,
            bucket: needed("ASSAY_BUCKET")?,
            key: needed("ASSAY_KEY")?,
            queue: needed("ASSAY_QUEUE")?,
            log: given("ASSAY_LOG").unwrap_or_else(|| "info".to_owned()),
            grants: grants(given("ASSAY_GRANTS").as_deref().unwrap_or_default())?,
            loopback: given("ASSAY_ALLOW_LOOPBACK").as_deref() == Some("true"),
            endpoint: given("AWS_ENDPOINT_URL"),
            function: given("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "function".to_owned()),
            process: process(),
        })
    }
}

/// A name that no other process has had: what it writes is named after it.
fn process() -> String {
    let drawn = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", drawn(), drawn())
}

fn grants(text: &str) -> Result<Vec<Reach>, Missing> {
    let wrong = |value: &str, why: String| Missing::Unreadable { name: "ASSAY_GRANTS", value: value.to_owned(), why };
    text.split_whitespace().map(|one| one.parse().map_err(|why| wrong(one, format!("{why}")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [(&str, &str); 6] = [
        ("ASSAY_STACK", "dev"),
        ("ASSAY_TABLE", "assay-dev"),
        ("ASSAY_CLAIMS_TABLE", "assay-dev-claims"),
        ("ASSAY_BUCKET", "assay-dev-1-x"),
        ("ASSAY_KEY", "alias/assay-dev"),
        ("ASSAY_QUEUE", "https://queue/1/assay-dev-dispatcher.fifo"),
    ];

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Missing> {
        let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::read(&Environment::of(variables.collect()))
    }

    #[test]
    fn a_missing_variable_is_named() {
        for (index, (name, _)) in WHOLE.iter().enumerate() {
            for value in [None, Some("")] {
                let mut pairs = WHOLE.to_vec();
                match value {
                    None => drop(pairs.remove(index)),
                    Some(empty) => pairs[index].1 = empty,
                }
                assert_eq!(read(&pairs), Err(Missing::Variable((*name).to_owned())));
            }
        }
        assert!(read(&WHOLE).is_ok());
    }

    #[test]
    fn no_two_processes_have_one_name() {
        assert_ne!(process(), process());
    }

    #[test]
    fn loopback_is_closed_unless_it_is_opened_by_the_word() {
        let with = |value: &'static str| read(&[&WHOLE[..], &[("ASSAY_ALLOW_LOOPBACK", value)]].concat());
        assert!(!read(&WHOLE).expect("settings").loopback);
        assert!(!with("1").expect("settings").loopback);
        assert!(with("true").expect("settings").loopback);
    }

    #[test]
    fn grants_are_ranges_with_ports_between_spaces() {
        let with = |value: &'static str| read(&[&WHOLE[..], &[("ASSAY_GRANTS", value)]].concat());
        assert_eq!(with(" 10.0.0.0/8:5432,6432  fd00::/8 ").expect("settings").grants.len(), 2);
        assert!(matches!(with("10.0.0.0/99"), Err(Missing::Unreadable { name: "ASSAY_GRANTS", .. })));
    }
}
