//! How an operation is authorized: schemes become `auth`, headers or parameters that name secrets.

use serde_json::{Map, Value as Json, json};

use super::document::Document;
use super::notes::Notes;
use super::operation::Operation;
use crate::new::flow_text::FlowText;
use crate::new::names::{constant, identifier};

/// What a request needs to be let in.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Access {
    /// `auth` of the step.
    pub(super) auth: Option<Json>,
    /// More headers.
    pub(super) headers: Map<String, Json>,
    /// More parameters.
    pub(super) query: Map<String, Json>,
}

/// The first of the alternatives that can be translated; its secrets become those of the flow.
pub(super) fn access(document: &Document, operation: &Operation<'_>, flow: &mut FlowText, notes: &mut Notes) -> Access {
    let security = operation.node.get("security").or_else(|| document.root.get("security"));
    let alternatives = security.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut reasons = Vec::new();
    for alternative in alternatives.iter().filter_map(Json::as_object) {
        let mut draft = Draft { document, access: Access::default(), secrets: Vec::new(), inputs: Vec::new() };
        let all = alternative.keys().try_for_each(|name| draft.scheme(name, alternative.get(name), notes));
        match all {
            Ok(()) => {
                flow.secrets.extend(draft.secrets);
                for (name, declaration) in draft.inputs {
                    flow.inputs.insert(name, declaration);
                }
                return draft.access;
            }
            Err(why) => reasons.push(why),
        }
    }
    for why in reasons {
        notes.add(why);
    }
    Access::default()
}

struct Draft<'a> {
    document: &'a Document,
    access: Access,
    secrets: Vec<(String, String)>,
    inputs: Vec<(String, Json)>,
}

impl Draft<'_> {
    fn scheme(&mut self, name: &str, scopes: Option<&Json>, notes: &mut Notes) -> Result<(), String> {
        let schemes = self.document.root.pointer("/components/securitySchemes");
        let scheme = schemes.and_then(|schemes| schemes.get(name));
        let scheme = scheme.and_then(|scheme| self.document.resolve(scheme, notes));
        let shown = super::operation::shortened(name);
        let scheme = scheme.ok_or_else(|| format!("the security scheme `{shown}`: it is not defined"))?;
        let text = |key: &str| scheme.get(key).and_then(Json::as_str).unwrap_or_default();
        match text("type") {
            "http" => match text("scheme").to_ascii_lowercase().as_str() {
                "basic" => {
                    let user = identifier(&format!("{name} user"), "user");
                    let password = self.secret(&format!("{name} password"), "the password");
                    self.inputs.push((user.clone(), json!({"type": "string", "default": "user"})));
                    self.auth(
                        json!({"basic": {"username": format!("${{inputs.{user}}}"), "password": password}}),
                        &shown,
                    )
                }
                "bearer" => self.bearer(name, "a bearer token", &shown),
                other => Err(format!("the security scheme `{shown}`: HTTP {}", super::operation::shortened(other))),
            },
            "apiKey" => self.key(name, text("in"), text("name")),
            "oauth2" => self.oauth2(name, scheme, scopes),
            "openIdConnect" => self.bearer(name, "an access token of the OpenID provider", &shown),
            other => Err(format!("the security scheme `{shown}` of type `{}`", super::operation::shortened(other))),
        }
    }

    fn secret(&mut self, wanted: &str, what: &str) -> String {
        let name = constant(wanted, "SECRET");
        self.secrets.push((name.clone(), what.to_owned()));
        format!("${{secrets.{name}}}")
    }

    fn auth(&mut self, auth: Json, shown: &str) -> Result<(), String> {
        if self.access.auth.is_some() {
            return Err(format!("the security scheme `{shown}` together with another one of its kind"));
        }
        self.access.auth = Some(auth);
        Ok(())
    }

    fn bearer(&mut self, name: &str, what: &str, shown: &str) -> Result<(), String> {
        let token = self.secret(name, what);
        self.auth(json!({ "bearer": token }), shown)
    }

    fn key(&mut self, scheme: &str, place: &str, name: &str) -> Result<(), String> {
        let value = self.secret(scheme, &format!("the `{}`", super::operation::shortened(name)));
        match place {
            "header" => self.access.headers.insert(name.to_ascii_lowercase(), value.into()),
            "query" => self.access.query.insert(name.to_owned(), value.into()),
            "cookie" => self.access.headers.insert("cookie".to_owned(), format!("{name}={value}").into()),
            other => return Err(format!("a key in `{}`", super::operation::shortened(other))),
        };
        Ok(())
    }

    fn oauth2(&mut self, name: &str, scheme: &Json, scopes: Option<&Json>) -> Result<(), String> {
        let shown = super::operation::shortened(name);
        let url = scheme.pointer("/flows/clientCredentials/tokenUrl").and_then(Json::as_str);
        let Some(url) = url else {
            return self.bearer(
                name,
                "an access token: the document has no flow that a program can do by itself",
                &shown,
            );
        };
        let id = identifier(&format!("{name} client id"), "clientId");
        let secret = self.secret(&format!("{name} client secret"), "the secret of the OAuth2 client");
        self.inputs.push((id.clone(), json!({"type": "string", "default": "client"})));
        let url = if url.contains("://") {
            url.to_owned()
        } else {
            format!("${{inputs.baseUrl}}/{}", url.trim_start_matches('/'))
        };
        let mut oauth2 = json!({"tokenUrl": url, "clientId": format!("${{inputs.{id}}}"), "clientSecret": secret});
        let scopes: Vec<&str> =
            scopes.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        if !scopes.is_empty() {
            oauth2["scope"] = json!(scopes.join(" "));
        }
        self.auth(json!({ "oauth2": oauth2 }), &shown)
    }
}
