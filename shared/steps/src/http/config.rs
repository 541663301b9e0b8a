//! What may stand in the `with` of an `http` step. The doc comments here are its reference.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

use super::values::{Pairs, Scalar, Size};
use crate::tls::Tls;

/// One HTTP request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HttpConfig {
    /// The method; GET unless given, POST with `graphql`.
    #[serde(default)]
    pub method: Option<String>,
    /// Where to: absolute, or appended to `baseUrl`. A user and password in it are sent as basic authentication.
    #[serde(default)]
    pub url: Option<String>,
    /// What a `url` without a scheme is appended to, path included.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Added to the URL's query, in this order; a list repeats the name, null leaves it out.
    #[serde(default)]
    pub query: Pairs,
    /// Request headers; a list repeats the header, null leaves out one that is otherwise sent (`accept-encoding: null`).
    #[serde(default)]
    pub headers: Pairs,
    /// A body as JSON, with `content-type: application/json`.
    #[serde(default, deserialize_with = "given")]
    pub json: Option<Json>,
    /// A body as an HTML form, with `content-type: application/x-www-form-urlencoded`.
    #[serde(default)]
    pub form: Option<Pairs>,
    /// A body as it is, with `content-type: text/plain; charset=utf-8`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub text: Option<Scalar>,
    /// A body of named parts, with `content-type: multipart/form-data`.
    #[serde(default)]
    pub multipart: Option<Parts>,
    /// A GraphQL query, as JSON.
    #[serde(default)]
    pub graphql: Option<Graphql>,
    /// A body from a file beside the flow, byte for byte.
    #[serde(default)]
    pub file: Option<FileBody>,
    /// Credentials; the header they make is not sent to another origin on a redirect.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// How many redirects are followed, 0 unless given, at most 20; each is judged by the egress guard again.
    #[serde(default)]
    #[schemars(range(max = 20))]
    pub follow_redirects: u32,
    /// How the target is trusted, and how this side shows who it is.
    #[serde(default)]
    pub tls: Tls,
    /// A proxy, `http://user:password@host:port`: https through CONNECT, http in absolute form.
    #[serde(default)]
    pub proxy: Option<String>,
    /// The HTTP version, `1.1` or `2`. Unless given: what https negotiates, 1.1 otherwise. `2` with http is prior knowledge.
    #[serde(default)]
    pub version: Option<Version>,
    /// The largest answer that is read, encoded and decoded, 16 MiB unless given, at most 256 MiB. A larger one is an error.
    #[serde(default = "default_max_body")]
    #[schemars(extend("default" = "16MiB"))]
    pub max_body: Size,
}

/// The largest `maxBody`.
pub(super) const LARGEST_BODY: Size = Size(256 << 20);

/// The largest `followRedirects`.
pub(super) const MOST_REDIRECTS: u32 = 20;

fn default_max_body() -> Size {
    Size(16 << 20)
}

/// Null is a value here: `json: null` sends `null`.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// A GraphQL request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Graphql {
    /// The document.
    pub query: String,
    /// Its variables.
    #[serde(default)]
    pub variables: Option<Map<String, Json>>,
    /// Which operation of the document, when it has several.
    #[serde(default)]
    pub operation_name: Option<String>,
}

/// A file as body.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FileBody {
    /// The file's name; its content type is told from the extension.
    Name(String),
    /// The file and how it is announced.
    Described(DescribedFile),
}

/// A file and its content type.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DescribedFile {
    /// The file's name, relative to the flow.
    pub path: String,
    /// Its content type.
    #[serde(default)]
    pub content_type: Option<String>,
}

impl FileBody {
    /// The file's name.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Name(path) => path,
            Self::Described(file) => &file.path,
        }
    }

    /// The content type, when it is given.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        match self {
            Self::Name(_) => None,
            Self::Described(file) => file.content_type.as_deref(),
        }
    }
}

/// The parts of a multipart body, in order.
#[derive(Debug, Clone, Default)]
pub struct Parts(pub Vec<(String, Part)>);

/// One part of a multipart body.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Part {
    /// A value in place; an object or a list is sent as JSON.
    #[serde(default, deserialize_with = "given")]
    pub value: Option<Json>,
    /// A file beside the flow.
    #[serde(default)]
    pub file: Option<String>,
    /// The name the file is sent under; the file's own unless given.
    #[serde(default)]
    pub filename: Option<String>,
    /// The part's content type.
    #[serde(default)]
    pub content_type: Option<String>,
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut parts = Vec::new();
        for (name, value) in Map::<String, Json>::deserialize(deserializer)? {
            let values = match value {
                Json::Array(values) => values,
                value => vec![value],
            };
            for value in values {
                let part = match value {
                    Json::Object(_) => serde_json::from_value::<Part>(value)
                        .map_err(|error| D::Error::custom(format!("part `{name}`: {error}")))?,
                    value => Part { value: Some(value), file: None, filename: None, content_type: None },
                };
                if part.value.is_some() == part.file.is_some() {
                    return Err(D::Error::custom(format!("part `{name}` needs either `value` or `file`")));
                }
                parts.push((name.clone(), part));
            }
        }
        Ok(Self(parts))
    }
}

impl JsonSchema for Parts {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Parts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let part = serde_json::json!({
            "anyOf": [
                {"type": ["string", "number", "boolean", "null"]},
                {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "value": {"description": "a value in place; an object or a list is sent as JSON"},
                        "file": {"type": "string", "description": "a file beside the flow"},
                        "filename": {"type": "string", "description": "the name the file is sent under"},
                        "contentType": {"type": "string", "description": "the part's content type"}
                    }
                }
            ]
        });
        json_schema!({
            "type": "object",
            "additionalProperties": {"anyOf": [part.clone(), {"type": "array", "items": part}]}
        })
    }
}

/// Credentials: one of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Auth {
    /// A user name and a password.
    Basic(Basic),
    /// A token, sent as `Authorization: Bearer`.
    Bearer(String),
    /// A token that is fetched with the client's own credentials, and kept until it expires.
    Oauth2(ClientCredentials),
}

/// A user name and a password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user name.
    pub username: String,
    /// The password; empty unless given.
    #[serde(default)]
    pub password: String,
}

/// OAuth2 client credentials (RFC 6749, section 4.4).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClientCredentials {
    /// Where tokens are given out.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: String,
    /// What the token is for, separated by blanks.
    #[serde(default)]
    pub scope: Option<String>,
}

/// An HTTP version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// HTTP/1.1.
    One,
    /// HTTP/2.
    Two,
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)?.text().as_ref() {
            "1.1" | "1" => Ok(Self::One),
            "2" | "2.0" => Ok(Self::Two),
            other => Err(D::Error::custom(format!("`{other}` is no version: write 1.1 or 2"))),
        }
    }
}

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": ["1.1", "2", 1.1, 2]})
    }
}
