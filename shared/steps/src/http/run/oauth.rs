//! OAuth2 client credentials (RFC 6749, section 4.4): tokens, kept until they expire.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::decode::decompress;
use super::dial::Timings;
use super::exchange::{Answer, Exchange, Hop};
use super::fault;
use super::phase::Phase;
use super::request::value;
use crate::contract::{Clock, StepError, StepErrorClass as Class};
use crate::http::ClientCredentials;
use crate::http::check::full_url;

/// How many tokens are kept.
const MOST: usize = 1024;
/// A token is not used in its last seconds.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// Tokens by whose they are and what they were given for.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<[u8; 32], (String, Timestamp)>>);

impl Tokens {
    /// A token that is kept, or a new one.
    pub(super) async fn get(
        &self,
        credentials: &ClientCredentials,
        exchange: &Exchange<'_>,
        clock: &dyn Clock,
    ) -> Result<String, StepError> {
        let key = key(credentials, exchange);
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((token, until)) = kept
            && clock.now() < until
        {
            return Ok(token);
        }
        exchange.mark.set(Phase::Token);
        let asked = clock.now();
        let (token, lifetime) = fetch(credentials, exchange).await?;
        if let Some(until) = lifetime.and_then(|lifetime| asked.checked_add(lifetime - MARGIN).ok()) {
            let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if tokens.len() >= MOST {
                tokens.clear();
            }
            tokens.insert(key, (token.clone(), until));
        }
        Ok(token)
    }

    /// Forgets a token that the target did not accept; the next request fetches another.
    pub(super) fn forget(&self, credentials: &ClientCredentials, exchange: &Exchange<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(credentials, exchange));
    }
}

fn key(credentials: &ClientCredentials, exchange: &Exchange<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let scope = credentials.scope.as_deref().unwrap_or_default();
    let owner: &str = exchange.egress.owner();
    for part in [owner, &credentials.token_url, &credentials.client_id, &credentials.client_secret, scope] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The token and how long it lives. The client shows itself in the header, as the RFC prefers; a server that only reads
/// the body says so with `invalid_client` and is asked once more.
async fn fetch(
    credentials: &ClientCredentials,
    exchange: &Exchange<'_>,
) -> Result<(String, Option<SignedDuration>), StepError> {
    let mut answer = ask(credentials, exchange, true).await?;
    let refused = matches!(answer.0, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
    if refused && answer.1.get("error").and_then(Json::as_str) == Some("invalid_client") {
        answer = ask(credentials, exchange, false).await?;
    }
    let (status, body) = answer;
    let wrong = |class, what: String| {
        StepError::new(class, "http.auth", format!("the token endpoint {} {what}", credentials.token_url))
    };
    if !status.is_success() {
        let reason = body.get("error").and_then(Json::as_str).unwrap_or("no reason");
        let class = if status.is_server_error() { Class::Retry } else { Class::Permanent };
        return Err(wrong(
            class,
            format!("answered {}: {reason}; check the credentials and the scope", status.as_u16()),
        ));
    }
    let token = body.get("access_token").and_then(Json::as_str);
    let token = token.ok_or_else(|| wrong(Class::Permanent, "gave no `access_token`".into()))?;
    let lifetime = body.get("expires_in").and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
    Ok((token.to_owned(), lifetime.map(|seconds| SignedDuration::from_secs(seconds.clamp(0, 366 * 24 * 3600)))))
}

async fn ask(
    credentials: &ClientCredentials,
    exchange: &Exchange<'_>,
    in_header: bool,
) -> Result<(StatusCode, Json), StepError> {
    let url = full_url(None, Some(&credentials.token_url)).map_err(fault::request)?;
    let (headers, body) = request(credentials, in_header)?;
    let hop = Hop { method: &Method::POST, url: &url, headers: &headers, body: &body, repeatable: false };
    // The token's phases are not the request's own: they count in the total only.
    let Answer { status, headers, body, .. } = exchange.perform(&hop, &mut Timings::default()).await?;
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = decompress(body, encoding, exchange.max_body.0).unwrap_or_default();
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

fn request(credentials: &ClientCredentials, in_header: bool) -> Result<(HeaderMap, Bytes), StepError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if let Some(scope) = &credentials.scope {
        form.append_pair("scope", scope);
    }
    if in_header {
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(&credentials.client_id), encode(&credentials.client_secret));
        headers.insert(AUTHORIZATION, value("authorization", &format!("Basic {}", STANDARD.encode(pair)))?);
    } else {
        form.append_pair("client_id", &credentials.client_id);
        form.append_pair("client_secret", &credentials.client_secret);
    }
    Ok((headers, form.finish().into()))
}
