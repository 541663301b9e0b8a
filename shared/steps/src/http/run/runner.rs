//! The step itself: the request, its redirects, its cookies, its output.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE, HOST, LOCATION,
    PROXY_AUTHORIZATION, SET_COOKIE,
};
use hyper::{Method, StatusCode};
use tokio::task::coop::unconstrained;
use tokio::time::Instant;
use url::{Position, Url};

use super::answer::output;
use super::cookies::Jar;
use super::dial::Timings;
use super::exchange::{Answer, Exchange, Hop};
use super::fault;
use super::phase::PhaseMark;
use super::pool::Proxy;
use super::request::{Plan, with_cookies};
use crate::contract::{StepContext, StepError, StepErrorClass as Class, StepOutcome, StepRunner};
use crate::http::check::IDEMPOTENT;
use crate::http::config::{LARGEST_BODY, MOST_REDIRECTS};
use crate::http::{Auth, Http, HttpConfig, Size};
use crate::tls::TlsOptions;

#[async_trait]
impl StepRunner for Http {
    async fn run(&self, config: HttpConfig, cx: &StepContext) -> Result<StepOutcome, StepError> {
        let mark = Arc::new(PhaseMark::default());
        let start = Instant::now();
        let work = Box::pin(self.act(&config, cx, &mark, start));
        bounded(work, cx, &mark, &target(&config), start).await
    }

    async fn probe(&self, resource: &serde_json::Value, cx: &StepContext) -> Result<Option<String>, StepError> {
        super::probe::probe(self, resource, cx).await.map(Some)
    }
}

/// Does the work until a stop or the end of the attempt's time, and then says what it was doing.
pub(super) async fn bounded<T>(
    work: impl Future<Output = Result<T, StepError>>,
    cx: &StepContext,
    mark: &PhaseMark,
    target: &str,
    start: Instant,
) -> Result<T, StepError> {
    // A target that never pauses uses up what a turn of the runtime allows; the clock must be looked at all the same.
    tokio::select! {
        biased;
        done = work => done,
        () = unconstrained(cx.stop.cancelled()) => {
            let message = format!("stopped on request while {}", mark.get().doing());
            Err(StepError::new(Class::Stopped, "step.stopped", message))
        }
        () = unconstrained(tokio::time::sleep_until(cx.deadline)) => {
            Err(fault::timeout(mark.get(), target, start.elapsed()))
        }
    }
}

/// What the request was for, without what may be secret in its URL.
pub(super) fn target(config: &HttpConfig) -> String {
    let url = crate::http::check::full_url(config.base_url.as_deref(), config.url.as_deref());
    url.ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "the request".to_owned())
}

impl Http {
    async fn act(
        &self,
        config: &HttpConfig,
        cx: &StepContext,
        mark: &Arc<PhaseMark>,
        start: Instant,
    ) -> Result<StepOutcome, StepError> {
        let mut plan = Plan::make(config, cx.files.as_ref(), cx.seed).await?;
        let options = TlsOptions::read(&config.tls, cx.files.as_ref()).await.map_err(fault::tls)?;
        let proxy = config.proxy.as_deref().map(Proxy::read).transpose()?.map(Arc::new);
        let max_body = Size(config.max_body.0.min(LARGEST_BODY.0));
        let mut exchange = Exchange {
            client: &self.client,
            egress: &cx.egress,
            options,
            proxy,
            version: config.version,
            max_body,
            mark,
            // The time is kept above, where the phase is known.
            until: cx.deadline + Duration::from_secs(60),
        };
        if let Some(Auth::Oauth2(credentials)) = &config.auth {
            let token = Box::pin(self.client.tokens.get(credentials, &exchange, cx.clock.as_ref())).await?;
            plan.authorize(&format!("Bearer {token}"))?;
        }
        let mut timings = Timings::default();
        let mut redirects = Vec::new();
        let mut sent = plan.evidence(&[]);
        let first = plan.url.clone();
        let answer = loop {
            let answer = send(&exchange, &plan, cx, &mut timings).await?;
            let Some(next) = next_url(config, &answer, &plan.url, redirects.len())? else { break answer };
            redirects.push(next[..Position::AfterPath].to_owned());
            if next.origin() != plan.url.origin() {
                for name in [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, HOST] {
                    plan.headers.remove(name);
                }
                exchange.options = exchange.options.anonymous();
            }
            follow(&mut plan, answer.status, next);
        };
        if let Some(Auth::Oauth2(credentials)) = &config.auth
            && answer.status == StatusCode::UNAUTHORIZED
            && first.origin() == plan.url.origin()
        {
            self.client.tokens.forget(credentials, &exchange);
        }
        if !redirects.is_empty() {
            sent["redirects"] = redirects.into();
        }
        let host = plan.url.host_str().unwrap_or_default();
        let mut out = output(answer, host, max_body, &timings, start.elapsed(), cx.clock.now()).await?;
        out.sent = Some(sent);
        Ok(StepOutcome::Done(out))
    }
}

/// Sends one request with the cookies for it, and keeps those that come back.
async fn send(
    exchange: &Exchange<'_>,
    plan: &Plan,
    cx: &StepContext,
    timings: &mut Timings,
) -> Result<Answer, StepError> {
    let now = cx.clock.now();
    let jar = {
        let cookies = cx.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let mut jar = Jar::default();
        for (line, url, at) in cookies.seen.iter().chain(&cookies.added) {
            if let Ok(url) = Url::parse(url) {
                jar.add(line, &url, *at);
            }
        }
        jar
    };
    let cookies = jar.for_request(&plan.url, now);
    let with_jar = (!cookies.is_empty()).then(|| with_cookies(&plan.headers, &cookies));
    let headers = with_jar.as_ref().unwrap_or(&plan.headers);
    let repeatable = IDEMPOTENT.contains(&plan.method.as_str());
    let hop = Hop { method: &plan.method, url: &plan.url, headers, body: &plan.body, repeatable };
    let answer = exchange.perform(&hop, timings).await?;
    if answer.headers.contains_key(SET_COOKIE) {
        let url = plan.url[..Position::AfterPath].to_owned();
        let mut cookies = cx.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for line in answer.headers.get_all(SET_COOKIE) {
            let line = String::from_utf8_lossy(line.as_bytes()).into_owned();
            cookies.added.push((line, url.clone(), cx.clock.now()));
        }
    }
    Ok(answer)
}

/// Where a redirect leads; none when the answer is the last one.
fn next_url(config: &HttpConfig, answer: &Answer, from: &Url, followed: usize) -> Result<Option<Url>, StepError> {
    let most = config.follow_redirects.min(MOST_REDIRECTS) as usize;
    let redirects = matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = answer.headers.get(LOCATION).filter(|_| redirects && most > 0) else { return Ok(None) };
    let wrong = |message: String| {
        let host = from.host_str().unwrap_or_default();
        StepError::new(Class::Permanent, "http.redirects", format!("{host} {message}"))
    };
    if followed >= most {
        return Err(wrong(format!(
            "redirects once more after {most} redirects: raise `followRedirects`, or find the loop"
        )));
    }
    let location = String::from_utf8_lossy(location.as_bytes());
    let mut next = from.join(&location).map_err(|error| wrong(format!("redirects to what is no URL: {error}")))?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(wrong(format!("redirects to `{}:`, which is neither http nor https", next.scheme())));
    }
    next.set_fragment(None);
    // Credentials come from the flow, never from a target.
    let _ = next.set_username("");
    let _ = next.set_password(None);
    Ok(Some(next))
}

/// Turns the request to where it is redirected, as browsers do (Fetch, "HTTP-redirect fetch").
fn follow(plan: &mut Plan, status: StatusCode, next: Url) {
    plan.url = next;
    let code = status.as_u16();
    let drops_body = (matches!(code, 301 | 302) && plan.method == Method::POST)
        || (code == 303 && !matches!(plan.method, Method::GET | Method::HEAD));
    if drops_body {
        plan.method = Method::GET;
        plan.body = bytes::Bytes::new();
        for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION] {
            plan.headers.remove(name);
        }
    }
}
