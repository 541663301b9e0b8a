//! What the engine must know of the `sql` step.

use assay_engine::types::{OutputField, Problem};
use serde_json::Value as Json;

use super::check;
use super::config::SqlConfig;
use crate::contract::StepType;

/// The `sql` step. One value serves a process: it keeps connections and TLS settings.
#[derive(Default)]
pub struct Sql {
    #[cfg(feature = "sql")]
    pub(super) client: super::run::Client,
}

impl StepType for Sql {
    const NAME: &'static str = "sql";
    const SUMMARY: &'static str = "Queries a database, or changes it in one transaction.";
    const OUTPUTS: &'static [OutputField] = &[
        OutputField { name: "rows", doc: "the rows of the last statement, in its order: objects by column name" },
        OutputField { name: "rowCount", doc: "how many rows it returned; how many it changed when it returns none" },
        OutputField {
            name: "columns",
            doc: "its columns in order: objects of name and type, the type as the database names it",
        },
    ];
    const CONNECTION: &'static [&'static str] = &["url", "username", "password", "tls"];
    type Config = SqlConfig;

    fn check(with: &Json) -> Vec<Problem> {
        check::check(with)
    }

    fn repeatable(with: &Json) -> bool {
        check::repeatable(with)
    }

    fn files(with: &Json) -> Vec<String> {
        check::files(with)
    }
}
