//! `assay schema`

use assay_app::reports::Kind;
use assay_engine::compile::{environment_schema, flow_schema, project_schema};
use assay_engine::job::{Job, JobResult};
use assay_steps::registry::Types;
use schemars::schema_for;

use crate::args::{SchemaArgs, SchemaKind};
use crate::error::CommandError;
use crate::out::Out;

pub(super) fn schema(args: &SchemaArgs, out: &Out) -> Result<u8, CommandError> {
    let schema = match args.of {
        SchemaKind::Flow => flow_schema(&Types),
        SchemaKind::Environment => environment_schema(&Types),
        SchemaKind::Project => project_schema(&Kind::WORDS),
        SchemaKind::Job => schema_for!(Job).to_value(),
        SchemaKind::Result => schema_for!(JobResult).to_value(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| CommandError::fault("write the schema", error))?;
    out.print(&format!("{text}\n"));
    Ok(0)
}
