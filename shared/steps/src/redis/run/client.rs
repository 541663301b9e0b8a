//! What a process keeps between two steps, and how a connection comes to be: through the guard, through TLS, signed in.

use std::sync::Arc;

use assay_egress::Egress;
use rustls::pki_types::ServerName;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::doing::Doing;
use super::fault;
use super::pool::{Pool, Route};
use super::reader::Budget;
use super::reply::Reply;
use super::session::Session;
use super::stream::Stream;
use crate::contract::StepError;
use crate::redis::command::Command;
use crate::redis::target::Target;
use crate::tls::{TlsOptions, TlsSettings};

/// What signing in may be answered.
const SIGN_IN: u64 = 64 << 10;

/// Connections at rest, and TLS settings.
#[derive(Default)]
pub(in crate::redis) struct Client {
    pub(super) pool: Pool,
    settings: TlsSettings,
}

/// What a connection is made of.
pub(super) struct Dial<'a> {
    pub(super) client: &'a Client,
    pub(super) egress: &'a Egress,
    pub(super) target: &'a Target,
    pub(super) options: &'a TlsOptions,
    pub(super) doing: &'a Doing,
    pub(super) until: Instant,
}

impl Dial<'_> {
    pub(super) fn route(&self) -> Route {
        Route {
            owner: Arc::clone(self.egress.owner()),
            target: self.target.clone(),
            tls: self.target.tls.then(|| self.options.id()),
        }
    }

    /// A connection at rest that is still open and still allowed: the guard's mind may have changed since.
    pub(super) fn resting(&self, route: &Route) -> Option<Session> {
        while let Some(session) = self.client.pool.take(route) {
            let allowed = self.egress.judge(&self.target.host, self.target.port, &[session.remote.ip()]).is_ok();
            if allowed && session.is_usable() {
                return Some(session);
            }
        }
        None
    }

    /// Opens a connection and signs in.
    pub(super) async fn open(&self) -> Result<Session, StepError> {
        let target = self.target;
        self.doing.set("resolving the host name (dns)");
        let resolved = self.egress.resolve(&target.host, target.port).await.map_err(|error| fault::egress(&error))?;
        self.doing.set("connecting");
        let connected =
            Egress::dial(&target.host, &resolved, self.until).await.map_err(|error| fault::egress(&error))?;
        let stream = if target.tls {
            let config = self.client.settings.get(self.options, &[]).await.map_err(fault::tls)?;
            self.doing.set("shaking hands (tls)");
            let name = ServerName::try_from(target.host.trim_end_matches('.').to_owned())
                .map_err(|_| fault::request(format!("`{}` cannot stand in a certificate", target.host)))?;
            let stream = TlsConnector::from(config).connect(name, connected.stream).await;
            Stream::Tls(Box::new(stream.map_err(|error| fault::handshake(target, &error))?))
        } else {
            Stream::Plain(connected.stream)
        };
        let mut session = Session::new(stream, connected.address);
        self.sign_in(&mut session).await?;
        Ok(session)
    }

    /// RESP3 and the user in one command; what is too old for it is asked as it was then.
    async fn sign_in(&self, session: &mut Session) -> Result<(), StepError> {
        let target = self.target;
        let user = target.username.as_deref();
        let mut hello = vec!["HELLO", "3"];
        if let Some(password) = &target.password {
            hello.extend(["AUTH", user.unwrap_or("default"), password]);
        }
        self.doing.set("signing in (HELLO)");
        if let Reply::Error(message) = self.first(session, &hello).await? {
            if !fault::is_too_old(&message) {
                return Err(fault::refused(target, "HELLO", &message));
            }
            if let Some(password) = &target.password {
                self.doing.set("signing in (AUTH)");
                let auth: Vec<&str> = ["AUTH"].into_iter().chain(user).chain([password.as_str()]).collect();
                self.must(session, &auth).await?;
            }
        }
        if target.db != 0 {
            self.doing.set("selecting the database (SELECT)");
            self.must(session, &["SELECT", &target.db.to_string()]).await?;
        }
        Ok(())
    }

    async fn must(&self, session: &mut Session, parts: &[&str]) -> Result<(), StepError> {
        match self.first(session, parts).await? {
            Reply::Error(message) => {
                Err(fault::refused(self.target, parts.first().copied().unwrap_or_default(), &message))
            }
            _ => Ok(()),
        }
    }

    async fn first(&self, session: &mut Session, parts: &[&str]) -> Result<Reply, StepError> {
        let mut budget = Budget::new(SIGN_IN);
        let replies = session.ask(&[Command::new(parts)], &mut budget, |_| {}).await;
        let replies = replies.map_err(|broken| fault::broken(self.target, broken, "signing in"))?;
        replies.into_iter().next().ok_or_else(|| StepError::bug("no reply was read"))
    }
}
