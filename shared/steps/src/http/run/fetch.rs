//! One request on behalf of another step type whose system speaks HTTP.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderMap, LOCATION};
use tokio::time::Instant;

use super::answer::{decoded, work};
use super::client::Client;
use super::dial::Timings;
use super::exchange::{Exchange, Hop};
use super::fault;
use super::phase::PhaseMark;
use super::request::Plan;
use super::runner::{bounded, target};
use crate::answer::apart;
use crate::contract::{StepContext, StepError};
use crate::http::HttpConfig;
use crate::tls::TlsOptions;

/// An answer of any status, decoded.
pub(crate) struct Fetched {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    headers: HeaderMap,
}

impl Fetched {
    /// Where a redirect leads; it is not followed.
    pub(crate) fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }
}

impl Client {
    /// Sends a request that only reads, whatever its method, and takes the whole answer. Redirects are not followed,
    /// cookies neither sent nor kept, and `auth` with OAuth2 is not understood. Errors are those of the `http` step.
    pub(crate) async fn fetch(&self, config: &HttpConfig, cx: &StepContext) -> Result<Fetched, StepError> {
        let mark = Arc::new(PhaseMark::default());
        let host = target(config);
        let work = Box::pin(self.fetch_unbounded(config, cx, &mark, &host));
        bounded(work, cx, &mark, &host, Instant::now()).await
    }

    async fn fetch_unbounded(
        &self,
        config: &HttpConfig,
        cx: &StepContext,
        mark: &Arc<PhaseMark>,
        host: &str,
    ) -> Result<Fetched, StepError> {
        let plan = Plan::make(config, cx.files.as_ref(), cx.seed).await?;
        let options = TlsOptions::read(&config.tls, cx.files.as_ref()).await.map_err(fault::tls)?;
        let exchange = Exchange {
            client: self,
            egress: &cx.egress,
            options,
            proxy: None,
            version: config.version,
            max_body: config.max_body,
            mark,
            // The time is kept by whoever waits for this, where the phase is known.
            until: cx.deadline + Duration::from_secs(60),
        };
        let hop =
            Hop { method: &plan.method, url: &plan.url, headers: &plan.headers, body: &plan.body, repeatable: true };
        let answer = exchange.perform(&hop, &mut Timings::default()).await?;
        let (host, limit, bytes) = (host.to_owned(), config.max_body, work(&answer.body, &answer.headers));
        apart(bytes, move || {
            let body = decoded(answer.body, &answer.headers, &host, limit)?;
            Ok(Fetched { status: answer.status, body, headers: answer.headers })
        })
        .await?
    }
}
