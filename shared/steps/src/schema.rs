//! The JSON Schemas of the job contract, for step types that are written in other languages.

use assay_engine::job::{Job, JobResult};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value as Json;

/// What a step function is given.
#[must_use]
pub fn job_schema() -> Json {
    schema::<Job>("Job")
}

/// What it hands back.
#[must_use]
pub fn result_schema() -> Json {
    schema::<JobResult>("JobResult")
}

fn schema<T: JsonSchema>(title: &str) -> Json {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    let mut schema = schema.to_value();
    if let Json::Object(fields) = &mut schema {
        fields.insert("title".into(), title.into());
    }
    schema
}
