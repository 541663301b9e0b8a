//! Values that an execution keeps between its steps, some of them sealed or not made yet.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::expr::{PathPart, Template};

/// A value that an execution keeps: in clear, sealed by a step function because a secret's value occurs in it, or not
/// made yet because it names a secret.
///
/// As JSON a clear value is itself, unless it is an object with a key that begins with `$`: then it is
/// `{"$clear": value}`, so that no data from outside can pose as a sealed or deferred one.
#[derive(Debug, Clone, PartialEq)]
pub enum Captured {
    /// As it is.
    Clear(Json),
    /// What the secret box made of the JSON text `{"value", "secrets", "whole"}`: the value, the values of secrets that
    /// occur in it, whether all of it is one; as JSON `{"$sealed": text}`.
    Sealed(String),
    /// Not made yet, because it names a secret; as JSON an object with `$late`.
    Deferred(Box<Deferred>),
}

/// A value that a step function finishes: what could be rendered is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deferred {
    /// The value; null where a template of `late` belongs.
    #[serde(rename = "$value")]
    pub value: Json,
    /// The templates that name secrets, by JSON pointer into `value`.
    #[serde(rename = "$late")]
    pub late: Vec<LateTemplate>,
    /// What the templates name besides secrets, as in [`Job::scope`](super::Job::scope).
    #[serde(rename = "$scope", default, skip_serializing_if = "Map::is_empty")]
    pub scope: Map<String, Json>,
    /// Values of `scope` that only a step function makes or opens, as in [`Job::deferred`](super::Job::deferred).
    #[serde(rename = "$deferred", default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<ScopeValue>,
    /// The salt of `uuid()` and `fake.*`.
    #[serde(rename = "$salt")]
    pub salt: String,
    /// What `now()` is.
    #[serde(rename = "$now")]
    pub now: Timestamp,
}

impl Deferred {
    /// The names of the secrets that finishing it takes.
    fn secrets(&self, names: &mut BTreeSet<String>) {
        for late in &self.late {
            let Ok(template) = Template::compile(&late.template) else { continue };
            for one in template.references().roots.iter().filter(|one| &*one.root == "secrets") {
                if let Some(PathPart::Field(name)) = one.path.first() {
                    names.insert(name.to_string());
                }
            }
        }
        self.deferred.iter().for_each(|below| below.value.secrets(names));
    }
}

impl Captured {
    /// Adds the names of the secrets that a step function needs to make the value.
    pub fn secrets(&self, names: &mut BTreeSet<String>) {
        if let Self::Deferred(deferred) = self {
            deferred.secrets(names);
        }
    }

    /// Whether it is this sealed text.
    #[must_use]
    pub fn is_sealed_as(&self, text: &str) -> bool {
        matches!(self, Self::Sealed(own) if own == text)
    }

    /// Null: what a capture without an answer is.
    pub const NULL: Self = Self::Clear(Json::Null);

    /// The value, if everybody may see it.
    #[must_use]
    pub fn clear(&self) -> Option<&Json> {
        match self {
            Self::Clear(value) => Some(value),
            Self::Sealed(_) | Self::Deferred(_) => None,
        }
    }
}

impl Serialize for Captured {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear(Json::Object(map)) if map.keys().any(|key| key.starts_with('$')) => {
                to.collect_map([("$clear", map)])
            }
            Self::Clear(value) => value.serialize(to),
            Self::Sealed(text) => to.collect_map([("$sealed", text)]),
            Self::Deferred(deferred) => deferred.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Captured {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = Json::deserialize(from)?;
        let Json::Object(mut map) = value else { return Ok(Self::Clear(value)) };
        if map.contains_key("$late") {
            return serde_json::from_value(Json::Object(map)).map(Self::Deferred).map_err(D::Error::custom);
        }
        if map.len() != 1 {
            return Ok(Self::Clear(Json::Object(map)));
        }
        match (map.remove("$clear"), map.remove("$sealed")) {
            (Some(inner), _) => Ok(Self::Clear(inner)),
            (None, Some(Json::String(text))) => Ok(Self::Sealed(text)),
            (None, Some(_)) => Err(D::Error::custom("`$sealed` is not a string")),
            (None, None) => Ok(Self::Clear(Json::Object(map))),
        }
    }
}

impl JsonSchema for Captured {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Captured".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A value: itself; {\"$clear\": value} for an object with a key that begins with `$`; \
                            {\"$sealed\": base64}; or {\"$value\", \"$late\", \"$scope\", \"$deferred\", \"$salt\", \"$now\"}"
        })
    }
}

/// A value of a job's scope that only a step function makes or opens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScopeValue {
    /// JSON pointer into `scope`, where null stands.
    pub at: String,
    /// Sealed or deferred.
    pub value: Captured,
}

/// A template that is finished in the step function, because it names a secret or a sealed value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LateTemplate {
    /// JSON pointer into `with`.
    pub at: String,
    /// The text with its `${...}`.
    pub template: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_from_outside_cannot_pose_as_sealed_or_deferred() {
        for hostile in [json!({"$sealed": "x"}), json!({"$late": []}), json!({"$clear": 1})] {
            let stored = serde_json::to_value(Captured::Clear(hostile.clone())).unwrap();
            assert_eq!(serde_json::from_value::<Captured>(stored).unwrap(), Captured::Clear(hostile));
        }
    }

    #[test]
    fn the_secrets_of_a_deferred_value_are_those_of_all_its_depths() {
        let deferred = |template: &str, below: Vec<ScopeValue>| {
            let late = vec![LateTemplate { at: "/k".into(), template: template.into() }];
            let (salt, now, value) = ("vars/x".to_owned(), Timestamp::UNIX_EPOCH, json!({"k": null}));
            Captured::Deferred(Box::new(Deferred { value, late, scope: Map::new(), deferred: below, salt, now }))
        };
        let inner = deferred("${secrets.A}", Vec::new());
        let outer = deferred("${vars.a + secrets.B}", vec![ScopeValue { at: "/vars/a".into(), value: inner }]);
        let mut names = BTreeSet::new();
        outer.secrets(&mut names);
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["A", "B"]);
    }

    #[test]
    fn sealed_and_deferred_values_survive_storing() {
        let scope = Map::from_iter([("vars".to_owned(), json!({"x": 1, "y": null}))]);
        let deferred = vec![ScopeValue { at: "/vars/y".into(), value: Captured::Sealed("abc".into()) }];
        let late = vec![LateTemplate { at: "/k".into(), template: "${secrets.A}".into() }];
        let (salt, now) = ("vars/x".to_owned(), Timestamp::UNIX_EPOCH);
        let value = json!({"k": null});
        let deferred = Captured::Deferred(Box::new(Deferred { value, late, scope, deferred, salt, now }));
        for value in [Captured::Sealed("abc".into()), deferred, Captured::NULL] {
            let stored = serde_json::to_value(&value).unwrap();
            assert_eq!(serde_json::from_value::<Captured>(stored).unwrap(), value);
        }
    }
}
