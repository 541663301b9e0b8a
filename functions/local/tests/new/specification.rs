//! An OpenAPI document as a server reads it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

pub(crate) struct Specification {
    pub(crate) root: Json,
}

/// Which way a value goes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    /// To the server.
    In,
    /// From it.
    Out,
}

type Route = (String, BTreeMap<String, String>);

impl Specification {
    pub(crate) fn follow(&self, node: &Json) -> Json {
        match node.get("$ref").and_then(Json::as_str) {
            Some(reference) => self.follow(self.root.pointer(&reference[1..]).unwrap()),
            None => node.clone(),
        }
    }

    /// The path that was documented, the one with the most literal parts first.
    pub(crate) fn route(&self, path: &str, method: &str) -> Option<Route> {
        let mut found: Vec<(usize, Route)> = Vec::new();
        for template in self.root["paths"].as_object()?.keys() {
            if self.follow(&self.root["paths"][template]).get(method).is_none() {
                continue;
            }
            let (wanted, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
            let mut parameters = BTreeMap::new();
            let fits = wanted.len() == given.len()
                && wanted.iter().zip(&given).all(|(wanted, given)| match wanted.strip_prefix('{') {
                    Some(name) => {
                        parameters.insert(name.trim_end_matches('}').to_owned(), (*given).to_owned());
                        !given.is_empty() && !given.contains("${")
                    }
                    None => wanted == given,
                });
            if fits {
                found.push((parameters.len(), (template.clone(), parameters)));
            }
        }
        found.sort();
        found.into_iter().next().map(|(_, route)| route)
    }

    pub(crate) fn operation(&self, template: &str, method: &str) -> (Json, Json) {
        let item = self.follow(&self.root["paths"][template]);
        let operation = item[method].clone();
        (item, operation)
    }

    /// Every operation, as `GET /path`.
    pub(crate) fn operations(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (path, item) in self.root["paths"].as_object().unwrap() {
            let item = self.follow(item);
            let methods = ["get", "put", "post", "patch", "delete", "head"];
            all.extend(
                methods.iter().filter(|it| item.get(**it).is_some()).map(|it| format!("{} {path}", it.to_uppercase())),
            );
        }
        all
    }

    pub(crate) fn parameters(&self, item: &Json, operation: &Json) -> Vec<Json> {
        let of = |node: &Json| node["parameters"].as_array().cloned().unwrap_or_default();
        of(item).iter().chain(&of(operation)).map(|node| self.follow(node)).collect()
    }

    /// The parameter by which things of a collection are named.
    pub(crate) fn item_of(&self, template: &str) -> Option<(String, Json)> {
        let plain = |path: &str| {
            path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
        };
        let wanted = format!("{}/{{}}", plain(template));
        let item = self.root["paths"].as_object().unwrap().keys().find(|path| plain(path) == wanted)?;
        let name = item.rsplit(['{', '}']).nth(1)?.to_owned();
        let node = self.follow(&self.root["paths"][item]);
        let operations = node.as_object()?.values().filter(|it| it.is_object());
        let parameters: Vec<Json> = operations.flat_map(|operation| self.parameters(&node, operation)).collect();
        let schema = parameters.iter().find(|it| it["name"] == name.as_str()).map(|it| it["schema"].clone());
        Some((name, schema.unwrap_or_default()))
    }

    /// Whether what an address names must have been created before.
    pub(crate) fn creates(&self, template: &str) -> bool {
        let plain = |path: &str| {
            path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
        };
        let (collection, _) = template.rsplit_once('/').unwrap();
        let paths = self.root["paths"].as_object().unwrap();
        let posted = paths
            .iter()
            .any(|(path, item)| plain(path) == plain(collection) && self.follow(item).get("post").is_some());
        posted || self.says_created(&self.follow(&paths[template])["put"])
    }

    pub(crate) fn says_created(&self, operation: &Json) -> bool {
        operation.pointer("/responses/201").is_some()
    }

    pub(crate) fn success(&self, operation: &Json) -> Option<(u16, Json)> {
        let responses = operation["responses"].as_object()?;
        let (status, response) =
            responses.iter().find(|(status, _)| status.starts_with('2') || *status == "default")?;
        Some((status.parse().unwrap_or(200), self.follow(response)))
    }

    /// A body as the response documents it: every other optional property is left out, every other null is null.
    pub(crate) fn answer(&self, response: &Json, number: u64) -> Json {
        let content = response["content"].as_object().and_then(|content| content.values().next());
        let Some(schema) = content.and_then(|content| content.get("schema")) else { return Json::Null };
        let body = self.value(schema, number, 0);
        self.check(schema, &body, Way::Out)
            .unwrap_or_else(|why| panic!("the mock's own answer is wrong: {why}: {body}"));
        body
    }

    fn value(&self, schema: &Json, number: u64, depth: usize) -> Json {
        if schema.get("$ref").and_then(Json::as_str).is_some_and(|reference| !reference.starts_with('#')) {
            return json!("anything");
        }
        let schema = self.follow(schema);
        if schema["nullable"] == true && number.is_multiple_of(2) {
            return Json::Null;
        }
        if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
            return value.clone();
        }
        let mut whole = Map::new();
        let is_object =
            schema.get("properties").is_some() || schema["type"] == "object" || schema.get("allOf").is_some();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            if let Json::Object(part) = self.value(part, number, depth) {
                whole.extend(part);
            }
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(options) = schema[key].as_array() {
                let at = usize::try_from(number).unwrap() % options.len();
                return self.value(&options[if depth > 3 { options.len() - 1 } else { at }], number, depth + 1);
            }
        }
        if is_object {
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
            for (at, (name, property)) in schema["properties"].as_object().into_iter().flatten().enumerate() {
                let needed = required.contains(&name.as_str()) || name == "id";
                let property = if property.get("$ref").is_some_and(|it| it.as_str().unwrap().starts_with('#')) {
                    self.follow(property)
                } else {
                    property.clone()
                };
                let left =
                    property["writeOnly"] == true || !needed && (depth > 2 || (number + at as u64).is_multiple_of(2));
                if !left {
                    whole.insert(name.clone(), self.value(&property, number, depth + 1));
                }
            }
            return Json::Object(whole);
        }
        self.scalar(&schema, number, depth)
    }

    fn scalar(&self, schema: &Json, number: u64, depth: usize) -> Json {
        let kind = match &schema["type"] {
            Json::Array(kinds) => kinds[usize::try_from(number).unwrap() % kinds.len()].as_str().unwrap().to_owned(),
            kind => kind.as_str().unwrap_or_default().to_owned(),
        };
        match kind.as_str() {
            "integer" => json!(schema["minimum"].as_i64().unwrap_or(7).max(7)),
            "number" => json!(7.5),
            "boolean" => json!(number.is_multiple_of(2)),
            "array" if depth > 3 => json!([]),
            "array" => {
                let first = schema["prefixItems"].as_array().cloned().unwrap_or_default();
                let first = first.iter().map(|inner| self.value(inner, number, depth + 1));
                first.chain([self.value(&schema["items"], number, depth + 1)]).collect()
            }
            "null" => Json::Null,
            "string" => match (schema["pattern"].as_str(), schema["format"].as_str()) {
                (Some("^[A-Z][0-9]+$"), _) => json!("A17"),
                (Some(_), _) => json!("978-1"),
                (_, Some("uuid")) => json!("6f1b6c0e-6a5e-4c39-9a60-000000000000"),
                _ => json!("abc".repeat(if schema["minLength"].as_u64().unwrap_or(0) > 3 { 8 } else { 1 })),
            },
            _ => json!({"any": "thing"}),
        }
    }

    /// Whether a value is what a schema says.
    pub(crate) fn check(&self, schema: &Json, value: &Json, way: Way) -> Result<(), String> {
        let mut whole = json!({"allOf": [schema], "components": self.root["components"]});
        plain(&mut whole, way, self.root["openapi"].as_str().unwrap().starts_with("3.0"));
        let validator = jsonschema::validator_for(&whole).map_err(|error| format!("{error}"))?;
        let wrong: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }
}

/// What the specification says about schemas, in the words of JSON Schema.
fn plain(schema: &mut Json, way: Way, old: bool) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(|inner| plain(inner, way, old)),
        Json::Object(map) => {
            if map.get("$ref").and_then(Json::as_str).is_some_and(|it| !it.starts_with('#')) {
                map.remove("$ref");
            }
            let absent = if way == Way::In { "readOnly" } else { "writeOnly" };
            let properties = map.get("properties").cloned().unwrap_or_default();
            if let Some(Json::Array(required)) = map.get_mut("required") {
                required.retain(|name| properties[name.as_str().unwrap_or_default()][absent] != true);
            }
            map.values_mut().for_each(|inner| plain(inner, way, old));
            if old {
                for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
                    if map.remove(flag) == Some(json!(true)) {
                        let value = map.remove(bound).unwrap();
                        map.insert(flag.to_owned(), value);
                    }
                }
                if map.remove("nullable") == Some(json!(true)) {
                    let inner = std::mem::take(map);
                    map.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
                }
            }
        }
        _ => {}
    }
}
