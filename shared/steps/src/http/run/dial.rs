//! A new connection: through the guard, through a proxy when there is one, through TLS, up to HTTP.

use std::sync::Arc;
use std::time::Duration;

use assay_egress::Egress;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::connection::Connection;
use super::fault;
use super::handshake::TlsFacts;
use super::phase::{Phase, PhaseMark};
use super::pool::{Proxy, Route};
use super::wire::{Seen, Tcp, Wire};
use crate::contract::{StepError, StepErrorClass as Class};
use crate::http::Version;
use crate::http::check::proxy_url;
use crate::tls::{TlsOptions, TlsSettings};

/// How long the phases took, all hops together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timings {
    pub(super) dns: Duration,
    pub(super) connect: Duration,
    pub(super) tls: Duration,
    pub(super) first_byte: Duration,
}

/// How long a proxy's answer to CONNECT may be.
const TUNNEL_HEAD: usize = 16 << 10;

impl Proxy {
    /// Reads `http://user:password@host:port`.
    pub(super) fn read(text: &str) -> Result<Self, StepError> {
        let url = proxy_url(text).map_err(fault::request)?;
        let host = plain_host(&url).ok_or_else(|| fault::request("`proxy` has no host"))?;
        let authorization = basic_of(&url);
        Ok(Self { host, port: url.port_or_known_default().unwrap_or(80), authorization })
    }
}

/// The value of `Authorization` that the user and password of a URL make.
pub(super) fn basic_of(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decode = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let mut bytes = decode(url.username());
    bytes.push(b':');
    bytes.extend(decode(url.password().unwrap_or_default()));
    Some(format!("Basic {}", STANDARD.encode(bytes)))
}

/// A URL's host without the brackets of an IPv6 address.
pub(super) fn plain_host(url: &Url) -> Option<String> {
    Some(match url.host()? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    })
}

/// What a connection is made of.
pub(super) struct Dial<'a> {
    pub(super) egress: &'a Egress,
    pub(super) settings: &'a TlsSettings,
    pub(super) options: &'a TlsOptions,
    pub(super) mark: &'a PhaseMark,
    pub(super) until: Instant,
}

impl Dial<'_> {
    /// Opens a connection for this route.
    pub(super) async fn open(&self, route: &Route, timings: &mut Timings) -> Result<Connection, StepError> {
        let proxy = route.proxy.as_deref();
        let (host, port) = match proxy {
            Some(proxy) => {
                // The proxy resolves the target; what is known without a resolver is judged here.
                let judged = self.egress.judge_unresolved(&route.host, route.port);
                judged.map_err(|error| fault::egress(&error, false))?;
                (&proxy.host, proxy.port)
            }
            None => (&route.host, route.port),
        };
        let wrong = |error| fault::egress(&error, proxy.is_some());
        self.mark.set(Phase::Resolving);
        let resolved = self.egress.resolve(host, port).await.map_err(wrong)?;
        timings.dns += resolved.took;
        self.mark.set(Phase::Connecting);
        let connected = Egress::dial(host, &resolved, self.until).await.map_err(wrong)?;
        timings.connect += connected.connect;
        let (mut tcp, watch) = Tcp::new(connected.stream);
        let seen = Arc::new(Seen::default());
        let mut version = route.version.unwrap_or(Version::One);
        let (wire, facts) = if route.tls.is_none() {
            (Wire::plain(tcp, Arc::clone(&seen)), None)
        } else {
            if let Some(proxy) = proxy {
                self.mark.set(Phase::Tunnel);
                tunnel(&mut tcp, proxy, route).await?;
            }
            let config = self.settings.get(self.options, offered(route.version)).await.map_err(fault::tls)?;
            self.mark.set(Phase::Handshake);
            let start = Instant::now();
            let name = ServerName::try_from(route.host.trim_end_matches('.').to_owned())
                .map_err(|_| fault::request(format!("`{}` cannot stand in a certificate", route.host)))?;
            let stream = TlsConnector::from(config)
                .connect(name, tcp)
                .await
                .map_err(|error| fault::handshake(&route.host, &error))?;
            timings.tls += start.elapsed();
            let session = stream.get_ref().1;
            version = match (session.alpn_protocol(), route.version) {
                (Some(b"h2"), _) => Version::Two,
                (_, Some(Version::Two)) => {
                    let message = format!("{} does not offer HTTP/2: leave out `version`", route.host);
                    return Err(StepError::new(Class::Permanent, "http.protocol", message));
                }
                _ => Version::One,
            };
            let facts = TlsFacts::of(session);
            (Wire::tls(stream, Arc::clone(&seen)), Some(facts))
        };
        Connection::start(wire, version, watch, seen, connected.address, facts)
            .await
            .map_err(|error| fault::hyper(&route.host, &error, 0, false))
    }
}

/// What is offered within TLS for a version.
fn offered(version: Option<Version>) -> &'static [&'static [u8]] {
    match version {
        None => &[b"h2", b"http/1.1"],
        Some(Version::One) => &[b"http/1.1"],
        Some(Version::Two) => &[b"h2"],
    }
}

/// Asks the proxy for a tunnel to the target (RFC 9110, section 9.3.6).
async fn tunnel(tcp: &mut Tcp, proxy: &Proxy, route: &Route) -> Result<(), StepError> {
    let target = match route.host.contains(':') {
        true => format!("[{}]:{}", route.host, route.port),
        false => format!("{}:{}", route.host, route.port),
    };
    let broken = |class, message: String| {
        StepError::new(class, "http.proxy", format!("proxy {}:{} {message}", proxy.host, proxy.port))
    };
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    request.push_str("\r\n");
    let lost = |error: std::io::Error| broken(Class::Retry, format!("broke off: {error}"));
    tcp.write_all(request.as_bytes()).await.map_err(lost)?;
    let mut head = Vec::with_capacity(1024);
    let end = loop {
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if head.len() > TUNNEL_HEAD {
            return Err(broken(Class::Permanent, "answers without end".into()));
        }
        let mut chunk = [0; 1024];
        let count = tcp.read(&mut chunk).await.map_err(lost)?;
        if count == 0 {
            return Err(broken(Class::Retry, "closed the connection instead of opening a tunnel".into()));
        }
        head.extend_from_slice(chunk.get(..count).unwrap_or_default());
    };
    let status = std::str::from_utf8(head.get(..end).unwrap_or_default())
        .ok()
        .filter(|head| head.starts_with("HTTP/1."))
        .and_then(|head| head.split_ascii_whitespace().nth(1))
        .and_then(|status| status.parse::<u16>().ok());
    match status {
        // The client speaks first in TLS: anything behind the head is not from the target.
        Some(200..=299) if end == head.len() => Ok(()),
        Some(200..=299) => Err(broken(Class::Permanent, "sent more than its answer".into())),
        Some(407) => Err(broken(Class::Permanent, "wants other credentials (407): give them in `proxy`".into())),
        Some(status) => Err(broken(Class::Retry, format!("refused a tunnel to {target}: {status}"))),
        None => Err(broken(Class::Permanent, "does not answer in HTTP".into())),
    }
}
