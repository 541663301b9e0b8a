//! `assay new`: a first flow, from a few answers, from curl commands, or from an OpenAPI document.

mod ask;
mod begin;
mod curl;
mod flow_text;
mod made;
mod names;
mod openapi;
mod place;
mod plain;
mod source;
mod yaml;

pub(crate) use begin::begin;
