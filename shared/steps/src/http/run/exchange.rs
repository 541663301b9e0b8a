//! One request and its answer, over a connection at rest or a new one.

use std::net::SocketAddr;
use std::sync::Arc;

use assay_egress::Egress;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use tokio::time::Instant;
use url::{Position, Url};

use super::client::Client;
use super::connection::{Connection, Payload};
use super::dial::{Dial, Timings, plain_host};
use super::fault;
use super::handshake::TlsFacts;
use super::phase::{Phase, PhaseMark};
use super::pool::{Proxy, Route};
use crate::contract::StepError;
use crate::http::{Size, Version};
use crate::tls::TlsOptions;

const PROXY_AUTHORIZATION: HeaderName = hyper::header::PROXY_AUTHORIZATION;

/// What all requests of one step share.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a Client,
    pub(super) egress: &'a Egress,
    pub(super) options: TlsOptions,
    pub(super) proxy: Option<Arc<Proxy>>,
    pub(super) version: Option<Version>,
    pub(super) max_body: Size,
    pub(super) mark: &'a Arc<PhaseMark>,
    pub(super) until: Instant,
}

/// One request.
pub(super) struct Hop<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
    /// Whether sending it twice doubles nothing.
    pub(super) repeatable: bool,
}

/// Its answer, still encoded.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) remote: SocketAddr,
    pub(super) tls: Option<TlsFacts>,
}

impl Exchange<'_> {
    /// Sends and reads. A connection at rest that turns out to be dead is replaced once, when nothing can be doubled.
    pub(super) async fn perform(&self, hop: &Hop<'_>, timings: &mut Timings) -> Result<Answer, StepError> {
        let route = self.route(hop.url)?;
        let host = route.host.clone();
        let mut resting = self.resting(&route).await;
        loop {
            let reused = resting.is_some();
            let mut connection = match resting.take() {
                Some(connection) => connection,
                None => self.dial().open(&route, timings).await?,
            };
            let request = self.request(hop, &route, connection.is_two())?;
            let start = Instant::now();
            match connection.send(request).await {
                Ok(response) => {
                    let first = connection.seen.so_far().1.unwrap_or_else(Instant::now);
                    timings.first_byte += first.saturating_duration_since(start);
                    return self.read(hop, route, connection, response).await;
                }
                Err(failed) => {
                    let received = connection.seen.so_far().0;
                    let harmless = failed.unsent || hop.repeatable;
                    if !(reused && received == 0 && harmless) {
                        return Err(fault::hyper(&host, &failed.error, received, false));
                    }
                }
            }
        }
    }

    fn dial(&self) -> Dial<'_> {
        Dial {
            egress: self.egress,
            settings: &self.client.settings,
            options: &self.options,
            mark: self.mark,
            until: self.until,
        }
    }

    fn route(&self, url: &Url) -> Result<Route, StepError> {
        let host = plain_host(url).ok_or_else(|| fault::request("the URL has no host"))?;
        let port = url.port_or_known_default().ok_or_else(|| fault::request("the URL has no port"))?;
        Ok(Route {
            owner: Arc::clone(self.egress.owner()),
            tls: (url.scheme() == "https").then(|| self.options.id()),
            host,
            port,
            proxy: self.proxy.clone(),
            version: self.version,
        })
    }

    /// A connection at rest that is still open and still allowed: the guard's mind may have changed since.
    async fn resting(&self, route: &Route) -> Option<Connection> {
        let (host, port) = route.proxy.as_ref().map_or((&route.host, route.port), |proxy| (&proxy.host, proxy.port));
        while let Some(mut connection) = self.client.pool.take(route) {
            let allowed = self.egress.judge(host, port, &[connection.remote.ip()]).is_ok()
                && (route.proxy.is_none() || self.egress.judge_unresolved(&route.host, route.port).is_ok());
            if allowed && connection.wake().await {
                return Some(connection);
            }
        }
        None
    }

    fn request(&self, hop: &Hop<'_>, route: &Route, two: bool) -> Result<Request<Payload>, StepError> {
        let forwarded = route.proxy.as_deref().filter(|_| route.tls.is_none());
        let text = if two || forwarded.is_some() {
            &hop.url[..Position::AfterQuery]
        } else {
            &hop.url[Position::BeforePath..Position::AfterQuery]
        };
        let uri = Uri::try_from(text).map_err(|error| fault::request(format!("the URL cannot be sent: {error}")))?;
        let mut request = Request::new(Payload::new(hop.body.clone(), self.mark));
        *request.method_mut() = hop.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.clone_from(hop.headers);
        if !two && !headers.contains_key(HOST) {
            let host = &hop.url[Position::BeforeHost..Position::AfterPort];
            let host = HeaderValue::from_str(host).map_err(|_| fault::request("the URL's host cannot be sent"))?;
            headers.insert(HOST, host);
        }
        if let Some(authorization) = forwarded.and_then(|proxy| proxy.authorization.as_deref()) {
            headers.insert(PROXY_AUTHORIZATION, super::request::value("proxy-authorization", authorization)?);
        }
        // A body that is there and empty is announced as such where a body is expected.
        if hop.body.is_empty() && matches!(*hop.method, Method::POST | Method::PUT | Method::PATCH) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(request)
    }

    async fn read(
        &self,
        hop: &Hop<'_>,
        route: Route,
        mut connection: Connection,
        response: Response<Incoming>,
    ) -> Result<Answer, StepError> {
        self.mark.set(Phase::Reading);
        let (head, mut incoming) = response.into_parts();
        let Size(limit) = self.max_body;
        let announced = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if *hop.method != Method::HEAD && announced.is_some_and(|length| length > limit) {
            return Err(fault::too_large(&route.host, self.max_body, ""));
        }
        let mut first = Bytes::new();
        let mut body = Vec::new();
        while let Some(frame) = connection.drive(incoming.frame()).await {
            let received = connection.seen.so_far().0;
            let frame = frame.map_err(|error| fault::hyper(&route.host, &error, received, true))?;
            let Ok(data) = frame.into_data() else { continue };
            if (first.len() + body.len() + data.len()) as u64 > limit {
                return Err(fault::too_large(&route.host, self.max_body, ""));
            }
            if first.is_empty() {
                // Most answers come in one piece, which needs no copy.
                first = data;
            } else {
                body.extend_from_slice(&data);
            }
        }
        if !body.is_empty() {
            body.splice(..0, first.iter().copied());
            first = body.into();
        }
        let (remote, tls) = (connection.remote, connection.tls);
        if connection.settle().await {
            self.client.pool.put(route, connection);
        }
        Ok(Answer { status: head.status, headers: head.headers, body: first, remote, tls })
    }
}
