//! A server that does what an OpenAPI document says: it holds every request against the document, remembers what was
//! created, and answers from the documented schemas. Written from the specification alone, without a look at how flows
//! are made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Map, Value as Json, json};

use crate::specification::{Specification, Way};

pub(crate) struct Mock {
    pub(crate) url: String,
    kept: Arc<Kept>,
    _runtime: tokio::runtime::Runtime,
}

struct Kept {
    specification: Specification,
    prefix: String,
    state: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    /// By collection, by id.
    things: BTreeMap<String, BTreeMap<String, Json>>,
    number: u64,
    seen: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Mock {
    pub(crate) fn of(document: Json, prefix: &str) -> Self {
        let specification = Specification { root: document };
        let kept = Arc::new(Kept { specification, prefix: prefix.to_owned(), state: Mutex::default() });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}{prefix}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(kept.clone());
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, kept, _runtime: runtime }
    }

    /// The operations that were called, as `GET /path`.
    pub(crate) fn seen(&self) -> BTreeSet<String> {
        self.kept.state.lock().unwrap().seen.clone()
    }

    /// What the document does not allow.
    pub(crate) fn wrong(&self) -> Vec<String> {
        self.kept.state.lock().unwrap().wrong.clone()
    }

    /// What was created and not deleted.
    pub(crate) fn left(&self) -> Vec<String> {
        let state = self.kept.state.lock().unwrap();
        state.things.iter().flat_map(|(path, all)| all.keys().map(move |id| format!("{path}/{id}"))).collect()
    }
}

struct Asked<'a> {
    method: String,
    path: String,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

async fn answer(State(kept): State<Arc<Kept>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if uri.path().ends_with("/oauth/token") {
        return reply(
            200,
            &[("content-type", "application/json")],
            json!({"access_token": "given", "expires_in": 900, "token_type": "bearer"}).to_string(),
        );
    }
    let path = uri.path().strip_prefix(kept.prefix.as_str()).unwrap_or("?").to_owned();
    let asked = Asked { method: method.as_str().to_lowercase(), path, uri: &uri, headers: &headers, body: &body };
    let mut state = kept.state.lock().unwrap();
    match kept.serve(&asked, &mut state) {
        Ok(response) => response,
        Err(why) => {
            state.wrong.push(format!("{} {}: {why}", asked.method, asked.path));
            reply(400, &[], why)
        }
    }
}

fn reply(status: u16, headers: &[(&str, &str)], body: String) -> Response {
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

impl Kept {
    fn serve(&self, asked: &Asked<'_>, state: &mut Remembered) -> Result<Response, String> {
        let (template, parameters) = self.specification.route(&asked.path, &asked.method).ok_or("no such operation")?;
        state.seen.insert(format!("{} {template}", asked.method.to_uppercase()));
        let (item, operation) = self.specification.operation(&template, &asked.method);
        self.parameters(asked, &item, &operation, &parameters)?;
        self.security(asked, &operation)?;
        let sent = self.body(asked, &operation)?;
        state.number += 1;
        let (collection, last) = asked.path.rsplit_once('/').unwrap_or(("", ""));
        let is_item = template.ends_with('}');
        let creatable = is_item && self.specification.creates(&template);
        if creatable && asked.method != "put" && !state.things.get(collection).is_some_and(|all| all.contains_key(last))
        {
            return Err(format!("there is no `{last}`"));
        }
        let (status, response) = self.specification.success(&operation).ok_or("no success is documented")?;
        let mut body = self.specification.answer(&response, state.number);
        let mut location = None;
        if let Some((parameter, schema)) = self.specification.item_of(&template).filter(|_| asked.method == "post") {
            let id = match (sent.get(&parameter), schema.get("type").and_then(Json::as_str)) {
                (Some(given), _) => given.clone(),
                (None, Some("integer")) => json!(1000 + state.number),
                (None, _) => json!(format!("6f1b6c0e-6a5e-4c39-9a60-{:012}", state.number)),
            };
            let shown = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            identify(&mut body, &parameter, &id);
            location = Some(format!("{}{}/{shown}", self.prefix, asked.path));
            state.things.entry(asked.path.clone()).or_default().insert(shown, id);
        } else if asked.method == "put" && is_item && self.specification.says_created(&operation) {
            state.things.entry(collection.to_owned()).or_default().insert(last.to_owned(), json!(last));
        }
        let known = state.things.get(collection).and_then(|all| all.get(last)).cloned();
        if let Some(id) = known.filter(|_| is_item) {
            let parameter = template.rsplit(['{', '}']).nth(1).unwrap_or_default().to_owned();
            identify(&mut body, &parameter, &id);
            if asked.method == "delete" {
                state.things.get_mut(collection).unwrap().remove(last);
            }
        }
        Ok(self.written(asked, status, &response, body, location))
    }

    fn written(
        &self,
        asked: &Asked<'_>,
        status: u16,
        response: &Json,
        body: Json,
        location: Option<String>,
    ) -> Response {
        let media =
            response.get("content").and_then(Json::as_object).and_then(|content| content.keys().next().cloned());
        let mut headers: Vec<(String, String)> = Vec::new();
        for name in response.get("headers").and_then(Json::as_object).into_iter().flat_map(Map::keys) {
            let value = if name.eq_ignore_ascii_case("location") {
                location.clone().unwrap_or_default()
            } else {
                "some".to_owned()
            };
            headers.push((name.clone(), value));
        }
        let text = match &media {
            Some(media) if media.contains("json") => body.to_string(),
            Some(_) => "a,b\n1,2\n".to_owned(),
            None => String::new(),
        };
        headers.extend(media.map(|media| ("content-type".to_owned(), media)));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let text = if asked.method == "head" || status == 204 { String::new() } else { text };
        reply(status, &headers, text)
    }

    fn parameters(
        &self,
        asked: &Asked<'_>,
        item: &Json,
        operation: &Json,
        path: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(asked.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        for parameter in self.specification.parameters(item, operation) {
            let name = parameter["name"].as_str().unwrap();
            let required = parameter["required"] == true;
            let deep = parameter["style"] == "deepObject";
            let found: Vec<String> = match parameter["in"].as_str().unwrap() {
                "path" => path.get(name).cloned().into_iter().collect(),
                "query" => query
                    .iter()
                    .filter(|(key, _)| key == name || deep && key.starts_with(&format!("{name}[")))
                    .map(|(_, value)| value.clone())
                    .collect(),
                "header" => {
                    asked.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).into_iter().collect()
                }
                _ => asked
                    .headers
                    .get("cookie")
                    .filter(|it| it.to_str().unwrap().contains(&format!("{name}=")))
                    .map(|_| "x".to_owned())
                    .into_iter()
                    .collect(),
            };
            if required && found.is_empty() {
                return Err(format!("the parameter {name} is missing"));
            }
            let whole = |schema: &Json| schema["type"] == "integer";
            let schema = &parameter["schema"];
            let numbers = whole(schema) || whole(&schema["items"]);
            if let Some(text) = found.iter().find(|text| numbers && text.parse::<i64>().is_err()) {
                return Err(format!("{name}: `{text}` is no whole number"));
            }
            if numbers && !schema["items"].is_object() {
                for text in &found {
                    self.specification
                        .check(schema, &json!(text.parse::<i64>().unwrap()), Way::In)
                        .map_err(|why| format!("{name}: {why}"))?;
                }
            }
            if schema["minItems"].as_u64().is_some_and(|least| (found.len() as u64) < least) {
                return Err(format!("{name}: too few"));
            }
        }
        Ok(())
    }

    fn security(&self, asked: &Asked<'_>, operation: &Json) -> Result<(), String> {
        let wanted = operation.get("security").or(self.specification.root.get("security"));
        let wanted = wanted.and_then(Json::as_array).cloned().unwrap_or_default();
        let header = |name: &str| asked.headers.get(name).map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default();
        let holds = |name: &String| {
            let scheme = &self.specification.root["components"]["securitySchemes"][name];
            match scheme["type"].as_str().unwrap() {
                "apiKey" => !header(scheme["name"].as_str().unwrap()).is_empty(),
                "http" => header("authorization")
                    .to_lowercase()
                    .starts_with(&format!("{} ", scheme["scheme"].as_str().unwrap())),
                _ => header("authorization") == "Bearer given",
            }
        };
        let fits = |one: &Json| one.as_object().unwrap().keys().all(holds);
        if wanted.is_empty() || wanted.iter().any(fits) { Ok(()) } else { Err("not authorized".to_owned()) }
    }

    fn body(&self, asked: &Asked<'_>, operation: &Json) -> Result<Json, String> {
        let Some(request) = operation.get("requestBody").map(|node| self.specification.follow(node)) else {
            return if asked.body.is_empty() {
                Ok(Json::Null)
            } else {
                Err("a body that is not documented".to_owned())
            };
        };
        let kind = asked.headers.get("content-type").map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap();
        let media =
            request["content"].get(kind).ok_or_else(|| format!("the content type `{kind}` is not documented"))?;
        let schema = &media["schema"];
        let value = if kind.contains("json") {
            serde_json::from_slice(asked.body).map_err(|error| error.to_string())?
        } else if kind.ends_with("urlencoded") {
            let pairs = url::form_urlencoded::parse(asked.body).into_owned().map(|(key, value)| (key, json!(value)));
            Json::Object(pairs.collect())
        } else {
            let text = String::from_utf8_lossy(asked.body);
            let parts = schema["required"].as_array().cloned().unwrap_or_default();
            let missing = parts.iter().find(|part| !text.contains(&format!("name=\"{}\"", part.as_str().unwrap())));
            return missing.map_or(Ok(Json::Null), |part| Err(format!("the part {part} is missing")));
        };
        self.specification.check(schema, &value, Way::In).map(|()| value)
    }
}

/// Puts the id where the schema has one: at the top, or within what the answer is wrapped in.
fn identify(body: &mut Json, parameter: &str, id: &Json) {
    let Json::Object(map) = body else { return };
    for name in [parameter, "id"] {
        if map.contains_key(name) {
            map.insert(name.to_owned(), id.clone());
            return;
        }
    }
    if let Some(inner) = map.get_mut("data") {
        identify(inner, parameter, id);
    }
}
