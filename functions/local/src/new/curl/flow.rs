//! The flow that curl commands become.

use serde_json::{Map, Value as Json, json};
use url::Url;

use super::body::{Body, body, form};
use super::command::{Asked, Data, asked};
use super::secrets::{Replaced, is_telling};
use super::words::{VARIABLE, commands};
use crate::new::flow_text::{Assertion, FlowText, StepText};
use crate::new::made::Made;
use crate::new::names::{Taken, identifier, slug};
use crate::new::yaml::literal;

/// The largest text of commands, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// The flow of a text with curl commands.
///
/// # Errors
/// Why it is none.
pub(in crate::new) fn flow(text: &str) -> Result<Made, String> {
    if text.len() > LARGEST {
        return Err(format!("the command has {} bytes, {LARGEST} are the most", text.len()));
    }
    let mut taken = Taken::default();
    let mut replaced = Replaced::default();
    let mut made = Made::default();
    let mut places = Vec::new();
    for command in commands(text)? {
        let words: Vec<String> = command.words.into_iter().skip_while(|word| word == "$").collect();
        let program = words.first().map(|word| word.rsplit('/').next().unwrap_or(word).to_owned()).unwrap_or_default();
        if !matches!(program.as_str(), "curl" | "curl.exe") {
            made.left_out.push(format!("the command `{program}`"));
            continue;
        }
        for words in words[1..].split(|word| word == "--next" || word == "-:") {
            let mut asked = asked(words)?;
            asked.left_out.extend(command.left_out.iter().cloned());
            for url in std::mem::take(&mut asked.urls) {
                places.push(step(&url, &mut asked, &mut replaced, &mut taken, &mut made)?);
            }
        }
    }
    let Some(first) = places.first().cloned() else {
        return Err("there is no curl command in it".to_owned());
    };
    shared_base(&places, &mut made.flow);
    made.flow.comments = vec!["From a curl command. Status and shape are assumed: say what you expect.".to_owned()];
    made.flow.name = first.name;
    made.flow.inputs.extend(replaced.inputs);
    made.flow.secrets.extend(replaced.secrets);
    made.file = format!("{}.yaml", slug(&made.flow.name, "request"));
    Ok(made)
}

/// Where a request goes.
#[derive(Debug, Clone)]
struct Place {
    origin: String,
    name: String,
}

fn step(
    url: &str,
    asked: &mut Asked,
    replaced: &mut Replaced,
    taken: &mut Taken,
    made: &mut Made,
) -> Result<Place, String> {
    let mut with = Map::new();
    let (origin, path, user) = address(url, asked, replaced, &mut with)?;
    if asked.user.is_none() {
        asked.user = user;
    }
    authenticate(asked, replaced, &mut with);
    let Body { with: sent, content_type, notes, files } = body(asked, replaced);
    let method = method(asked, &sent);
    if method != "GET" {
        with.shift_insert(0, "method".to_owned(), method.clone().into());
    }
    headers(asked, content_type, !sent.is_empty(), replaced, &mut with);
    with.extend(sent);
    manner(asked, replaced, &mut with);
    let id = taken.unique(&identifier(&format!("{} {}", method.to_lowercase(), spoken(&path)), "request"));
    let name = format!("{method} {}", if path.is_empty() { "/" } else { &path }).replace(VARIABLE, "$");
    let mut step = StepText { id, with, ..StepText::default() };
    step.comments.extend(notes);
    step.comments.extend(asked.left_out.iter().map(|what| format!("Left out: {}", what.replace(VARIABLE, "$"))));
    made.left_out.extend(asked.left_out.drain(..).map(|what| what.replace(VARIABLE, "$")));
    made.beside.extend(files);
    if let Some(seconds) = asked.timeout.as_deref().and_then(|text| text.parse::<f64>().ok()).filter(|s| *s > 0.0) {
        step.timeout = Some(format!("{}ms", (seconds * 1000.0).ceil()));
    }
    if let Some(more) = asked.retries.as_deref().and_then(|text| text.parse::<u32>().ok()) {
        step.retry =
            Some(json!({"maxAttempts": more.saturating_add(1).min(100), "on": ["error", "timeout", "status >= 500"]}));
    }
    let fine =
        if asked.redirects.is_some() { "status >= 200 && status < 300" } else { "status >= 200 && status < 400" };
    step.asserts.push(Assertion::plain(fine));
    made.flow.steps.push(step);
    Ok(Place { origin, name })
}

/// `(origin, path, user)` of an address; the query goes into `with`.
fn address(
    url: &str,
    asked: &mut Asked,
    replaced: &mut Replaced,
    with: &mut Map<String, Json>,
) -> Result<(String, String, Option<String>), String> {
    let whole = if url.contains("://") || url.starts_with(VARIABLE) { url.to_owned() } else { format!("http://{url}") };
    let (whole, _) = whole.split_once('#').unwrap_or((&whole, ""));
    let (before, query) = whole.split_once('?').unwrap_or((whole, ""));
    let begin = before.find("://").map_or(0, |at| at + 3);
    let end = before[begin..].find('/').map_or(before.len(), |at| begin + at);
    let (authority, path) = before.split_at(end);
    let mut user = None;
    let mut origin = authority.to_owned();
    if let Some((credentials, host)) = authority[begin..].rsplit_once('@') {
        user = Some(percent_encoding::percent_decode_str(credentials).decode_utf8_lossy().into_owned());
        origin = format!("{}{host}", &authority[..begin]);
    }
    if !origin.contains(VARIABLE) {
        let parsed = Url::parse(&origin).map_err(|error| format!("`{origin}` is no URL: {error}"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("`{}` is no scheme of HTTP", parsed.scheme()));
        }
    }
    let mut data: Vec<Data> = Vec::new();
    if !query.is_empty() {
        data.push(Data::Text(query.to_owned()));
    }
    data.append(&mut asked.query);
    if asked.get {
        data.append(&mut asked.data);
    }
    let origin = replaced.text("", &origin);
    let shown = replaced.text("", path);
    with.insert("url".to_owned(), format!("{origin}{shown}").into());
    if let Some(query) = form(&data, replaced) {
        with.insert("query".to_owned(), Json::Object(query));
    } else if !query.is_empty() {
        with.insert("url".to_owned(), format!("{origin}{shown}?{}", replaced.text("", query)).into());
    }
    Ok((origin, path.to_owned(), user))
}

fn method(asked: &Asked, sent: &Map<String, Json>) -> String {
    match &asked.method {
        Some(method) => method.to_uppercase(),
        None if asked.head => "HEAD".to_owned(),
        None if asked.uploads => "PUT".to_owned(),
        None if !sent.is_empty() => "POST".to_owned(),
        None => "GET".to_owned(),
    }
}

fn authenticate(asked: &mut Asked, replaced: &mut Replaced, with: &mut Map<String, Json>) {
    let at = asked.headers.iter().position(|(name, _)| name == "authorization");
    let scheme = at.and_then(|at| {
        let value = asked.headers[at].1.clone();
        let (scheme, rest) = value.split_once(' ')?;
        Some((at, scheme.to_ascii_lowercase(), rest.trim().to_owned()))
    });
    if let Some((at, scheme, token)) = scheme
        && scheme == "bearer"
    {
        asked.headers.remove(at);
        asked.bearer = Some(token);
    }
    if let Some(token) = asked.bearer.take() {
        let bearer = replaced.secret("TOKEN", "the bearer token", &token);
        with.insert("auth".to_owned(), json!({ "bearer": bearer }));
    } else if let Some(user) = asked.user.take() {
        let (name, password) = user.split_once(':').unwrap_or((&user, ""));
        let (username, password) = match password {
            // A user without a password is a key.
            "" => (replaced.secret("API_KEY", "the key that is sent as the user's name", name), String::new()),
            password => (replaced.text("", name), replaced.secret("PASSWORD", "the password", password)),
        };
        with.insert("auth".to_owned(), json!({"basic": {"username": username, "password": password}}));
    }
}

/// Headers whose value the step computes.
const COMPUTED: [&str; 5] = ["content-length", "transfer-encoding", "accept-encoding", "host", "connection"];

fn headers(
    asked: &mut Asked,
    content_type: Option<String>,
    has_body: bool,
    replaced: &mut Replaced,
    with: &mut Map<String, Json>,
) {
    let mut headers: Map<String, Json> = Map::new();
    for (name, value) in std::mem::take(&mut asked.headers) {
        // The content type follows from the body.
        if (name == "content-type" && has_body) || COMPUTED.contains(&name.as_str()) {
            continue;
        }
        if value.is_empty() {
            headers.insert(name, Json::Null);
            continue;
        }
        let value = replaced.text(&name, &value);
        headers.insert(name, value.into());
    }
    if !asked.cookies.is_empty() {
        let cookies = std::mem::take(&mut asked.cookies).join("; ");
        headers.insert("cookie".to_owned(), replaced.secret("COOKIE", "the cookies", &cookies).into());
    }
    if let Some(kind) = content_type {
        headers.insert("content-type".to_owned(), literal(&kind).into());
    }
    if !headers.is_empty() {
        with.insert("headers".to_owned(), Json::Object(headers));
    }
}

/// Redirects, TLS, proxy, version.
fn manner(asked: &mut Asked, replaced: &mut Replaced, with: &mut Map<String, Json>) {
    if let Some(most) = asked.redirects {
        let asked_for = asked.max_redirects.as_deref().and_then(|text| text.parse::<u32>().ok());
        with.insert("followRedirects".to_owned(), asked_for.unwrap_or(most).min(20).into());
    }
    let mut tls = Map::new();
    if asked.insecure {
        tls.insert("verify".to_owned(), false.into());
    }
    for (key, file) in std::mem::take(&mut asked.tls) {
        let (file, password) = match file.rsplit_once(':') {
            Some((file, password)) if key == "cert" && !password.starts_with('\\') => (file, Some(password)),
            _ => (file.as_str(), None),
        };
        if password.is_some() {
            asked.left_out.push("the password of the client's key: keys are read without one".to_owned());
        }
        tls.insert(key.to_owned(), replaced.text("", file).into());
    }
    if !tls.is_empty() {
        with.insert("tls".to_owned(), Json::Object(tls));
    }
    if let Some(proxy) = asked.proxy.take() {
        let proxy = if proxy.contains("://") { proxy } else { format!("http://{proxy}") };
        let user = asked.proxy_user.take();
        let (scheme, rest) = proxy.split_once("://").unwrap_or(("http", &proxy));
        let (inner, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user.to_owned()), host));
        let shown = match user.or(inner) {
            Some(user) => format!(
                "{scheme}://{}@{}",
                replaced.secret("PROXY_USER", "user:password of the proxy", &user),
                literal(host)
            ),
            None => replaced.text("", &proxy),
        };
        with.insert("proxy".to_owned(), shown.into());
    }
    if let Some(version) = asked.version {
        with.insert("version".to_owned(), version.into());
    }
}

/// The words of a path that say what it is about.
fn spoken(path: &str) -> String {
    let part = |part: &&str| !part.is_empty() && !part.contains(VARIABLE) && part.len() < 40 && !is_telling(part);
    let words: Vec<&str> =
        path.split('/').filter(part).filter(|part| !part.chars().any(|c| c.is_ascii_digit())).collect();
    words[words.len().saturating_sub(3)..].join(" ")
}

/// When all requests go to one origin, it becomes an input.
fn shared_base(places: &[Place], flow: &mut FlowText) {
    let Some(origin) = places.first().map(|place| place.origin.clone()) else { return };
    if origin.contains("${") || places.iter().any(|place| place.origin != origin) {
        return;
    }
    flow.inputs.insert("baseUrl".to_owned(), json!({"type": "string", "default": origin}));
    flow.defaults.insert("baseUrl".to_owned(), "${inputs.baseUrl}".into());
    for step in &mut flow.steps {
        let url = step.with.get("url").and_then(Json::as_str).unwrap_or_default();
        let path = url.strip_prefix(&origin).unwrap_or(url).to_owned();
        step.with.insert("url".to_owned(), (if path.is_empty() { "/".to_owned() } else { path }).into());
    }
}
