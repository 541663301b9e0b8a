//! One question to the target.

use bytes::Bytes;
use serde_json::{Map, Value as Json};
use url::Position;

use super::answer::Answer;
use super::fault::Codes;
use crate::answer::apart;
use crate::contract::{StepContext, StepError, StepErrorClass as Class};
use crate::http::{Auth as HttpAuth, Client, Fetched, HttpConfig, Pairs, Size};
use crate::telemetry::Auth;
use crate::telemetry::target::{TENANT, endpoint};
use crate::tls::Tls;

/// The largest answer, encoded and decoded.
const LARGEST: Size = Size(16 << 20);

/// Whom to ask, and as whom.
pub(crate) struct Question<'a> {
    pub(crate) codes: &'static Codes,
    pub(crate) client: &'a Client,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a Pairs,
    pub(crate) auth: Option<&'a Auth>,
    pub(crate) tls: &'a Tls,
    pub(crate) tenant: Option<&'a str>,
}

impl Question<'_> {
    /// Puts the question as a form, which has room for long queries, or as a URL where forms are not taken.
    pub(crate) async fn ask(
        &self,
        call: &str,
        params: &[(&'static str, String)],
        cx: &StepContext,
    ) -> Result<Answer, StepError> {
        let wrong = |message| StepError::new(Class::Permanent, self.codes.request, message);
        let url = endpoint(self.url, call).map_err(wrong)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut sent = Map::from_iter([("url".to_owned(), Json::from(shown(&url)))]);
        sent.extend(params.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())));
        if let Some(tenant) = self.tenant {
            sent.insert("tenant".into(), tenant.into());
        }
        let mut fetched = self.fetch("POST", url.as_str(), params, cx).await?;
        if matches!(fetched.status.as_u16(), 405 | 501) {
            fetched = self.fetch("GET", url.as_str(), params, cx).await?;
        }
        if !fetched.status.is_success() {
            return Err(self.codes.status(&host, &fetched));
        }
        let (codes, body) = (self.codes, fetched.body);
        apart(body.len(), move || Answer::read(codes, host, body, sent.into())).await?
    }

    async fn fetch(
        &self,
        method: &str,
        url: &str,
        params: &[(&'static str, String)],
        cx: &StepContext,
    ) -> Result<Fetched, StepError> {
        let params: Pairs = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let mut headers = self.headers.clone();
        headers.extend(self.tenant.map(|tenant| (TENANT.to_owned(), tenant.to_owned())));
        let (query, form) = if method == "GET" { (params, None) } else { (Pairs::default(), Some(params)) };
        let config = HttpConfig {
            method: Some(method.to_owned()),
            url: Some(url.to_owned()),
            base_url: None,
            query,
            headers,
            json: None,
            form,
            text: None,
            multipart: None,
            graphql: None,
            file: None,
            auth: self.auth.map(|auth| match auth {
                Auth::Basic(basic) => HttpAuth::Basic(basic.clone()),
                Auth::Bearer(token) => HttpAuth::Bearer(token.clone()),
            }),
            follow_redirects: 0,
            tls: self.tls.clone(),
            proxy: None,
            version: None,
            max_body: LARGEST,
        };
        self.client.fetch(&config, cx).await.map_err(|error| self.codes.of_http(error))
    }
}

/// A URL without the user and password that it may hold.
fn shown(url: &url::Url) -> String {
    format!("{}://{}", url.scheme(), &url[Position::BeforeHost..])
}

/// The bytes of an answer and whose they are.
pub(super) struct Raw {
    pub(super) host: String,
    pub(super) body: Bytes,
}
