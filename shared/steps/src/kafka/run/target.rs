//! A cluster as a step names it, with its files read.

use assay_egress::Egress;
use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use sha2::{Digest as _, Sha256};

use super::fault;
use crate::contract::{Files, StepError};
use crate::kafka::{Brokers, Mechanism, Sasl};
use crate::tls::{Tls, is_pem};

/// A cluster, and how this side shows who it is.
pub(super) struct Target {
    brokers: Vec<(String, u16)>,
    sasl: Option<Sasl>,
    tls: Option<TlsTexts>,
}

struct TlsTexts {
    verify: bool,
    ca: Option<String>,
    identity: Option<(String, String)>,
}

/// What two clients must share to be one: owner, addresses, credentials and trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TargetId([u8; 32]);

impl Target {
    /// Reads the files that `tls` names.
    pub(super) async fn read(
        brokers: Brokers,
        sasl: Option<Sasl>,
        tls: Option<&Tls>,
        files: &dyn Files,
    ) -> Result<Self, StepError> {
        let tls = match tls {
            None => None,
            Some(tls) => Some(TlsTexts::read(tls, files).await?),
        };
        Ok(Self { brokers: brokers.0, sasl, tls })
    }

    /// For people: the first broker.
    pub(super) fn name(&self) -> String {
        self.brokers.first().map(|(host, port)| format!("{host}:{port}")).unwrap_or_default()
    }

    /// Judges the brokers, and says where to begin. Without TLS, whose certificates are for names, these are the judged
    /// addresses themselves.
    pub(super) async fn bootstrap(&self, egress: &Egress) -> Result<Vec<String>, StepError> {
        let mut found = Vec::new();
        let mut unknown = None;
        for (host, port) in &self.brokers {
            match egress.resolve(host, *port).await {
                Ok(_) if self.tls.is_some() => found.push(format!("{host}:{port}")),
                Ok(resolved) => found.extend(resolved.addresses.iter().map(ToString::to_string)),
                Err(error @ (assay_egress::EgressError::Resolve { .. } | assay_egress::EgressError::NoAddress(_))) => {
                    unknown = Some(fault::egress(&error));
                }
                Err(error) => return Err(fault::egress(&error)),
            }
        }
        match unknown {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    pub(super) fn id(&self, owner: &str, bootstrap: &[String]) -> TargetId {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        part(owner);
        bootstrap.iter().for_each(|broker| part(broker));
        if let Some(sasl) = &self.sasl {
            part(mechanism(sasl.mechanism));
            part(&sasl.username);
            part(&sasl.password);
        }
        if let Some(tls) = &self.tls {
            part(if tls.verify { "verified" } else { "any" });
            part(tls.ca.as_deref().unwrap_or_default());
            let (cert, key) = tls.identity.as_ref().map_or(("", ""), |(cert, key)| (cert, key));
            part(cert);
            part(key);
        }
        TargetId(hash.finalize().into())
    }

    /// What every client of ours is told.
    pub(super) fn config(&self, bootstrap: &[String]) -> ClientConfig {
        let mut config = ClientConfig::new();
        let mut set = |key: &str, value: &str| {
            config.set(key, value);
        };
        set("bootstrap.servers", &bootstrap.join(","));
        set("client.id", "assay");
        set("allow.auto.create.topics", "false");
        set("enable.sparse.connections", "true");
        set("socket.nagle.disable", "true");
        set("socket.connection.setup.timeout.ms", "5000");
        set("socket.timeout.ms", "10000");
        // A new client dials twice, for the second time no sooner than half of this after the first: every wait pays it.
        set("reconnect.backoff.ms", "20");
        set("reconnect.backoff.max.ms", "500");
        set("broker.address.ttl", "1000");
        set("topic.metadata.refresh.interval.ms", "5000");
        let protocol = match (&self.sasl, &self.tls) {
            (None, None) => "plaintext",
            (None, Some(_)) => "ssl",
            (Some(_), None) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        set("security.protocol", protocol);
        if let Some(sasl) = &self.sasl {
            set("sasl.mechanism", mechanism(sasl.mechanism));
            set("sasl.username", &sasl.username);
            set("sasl.password", &sasl.password);
        }
        if let Some(tls) = &self.tls {
            if !tls.verify {
                set("enable.ssl.certificate.verification", "false");
            }
            match &tls.ca {
                Some(ca) => set("ssl.ca.pem", ca),
                None => set("ssl.ca.location", "probe"),
            }
            if let Some((cert, key)) = &tls.identity {
                set("ssl.certificate.pem", cert);
                set("ssl.key.pem", key);
            }
        }
        config.set_log_level(RDKafkaLogLevel::Info);
        config
    }
}

impl TlsTexts {
    async fn read(tls: &Tls, files: &dyn Files) -> Result<Self, StepError> {
        async fn pem(named: Option<&String>, key: &str, files: &dyn Files) -> Result<Option<String>, StepError> {
            let bytes = match named {
                None => return Ok(None),
                Some(text) if is_pem(text) => Bytes::copy_from_slice(text.as_bytes()),
                Some(name) => files.read(name).await?,
            };
            let text = String::from_utf8(bytes.to_vec()).ok().filter(|text| is_pem(text));
            text.map(Some).ok_or_else(|| fault::request(format!("`tls.{key}` holds no PEM")))
        }
        let ca = pem(tls.ca.as_ref(), "ca", files).await?;
        let cert = pem(tls.cert.as_ref(), "cert", files).await?;
        let key = pem(tls.key.as_ref(), "key", files).await?;
        let identity = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => return Err(fault::request("`tls.cert` and `tls.key` need each other: give both, or neither")),
        };
        Ok(Self { verify: tls.verify, ca, identity })
    }
}

fn mechanism(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::Plain => "PLAIN",
        Mechanism::ScramSha256 => "SCRAM-SHA-256",
        Mechanism::ScramSha512 => "SCRAM-SHA-512",
    }
}
