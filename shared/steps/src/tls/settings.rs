//! TLS settings, built once for each set of options.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::verify::AnyCertificate;
use super::{Tls, is_pem};
use crate::contract::{Files, StepError, StepErrorClass};

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The options themselves are wrong.
    #[error("{0}")]
    Options(String),
    /// Nothing to verify against.
    #[error("this machine has no root certificates to verify against: install them, or give `tls.ca`")]
    NoRoots,
    /// A file, or our own fault.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl TlsError {
    /// As a step's error: `request` is the code of options that are wrong, `tls` of trust that is missing.
    pub(crate) fn into_step_error(self, request: &'static str, tls: &'static str) -> StepError {
        let code = match self {
            Self::Step(error) => return error,
            Self::Options(_) => request,
            Self::NoRoots => tls,
        };
        StepError::new(StepErrorClass::Permanent, code, self.to_string())
    }
}

/// Settings of TLS, by their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TlsId([u8; 32]);

/// The options with their files read.
#[derive(Debug, Clone)]
pub(crate) struct TlsOptions {
    verify: bool,
    ca: Option<Bytes>,
    identity: Option<(Bytes, Bytes)>,
}

impl TlsOptions {
    /// Reads what the options name.
    pub(crate) async fn read(tls: &Tls, files: &dyn Files) -> Result<Self, TlsError> {
        async fn pem(named: Option<&String>, files: &dyn Files) -> Result<Option<Bytes>, TlsError> {
            match named {
                None => Ok(None),
                Some(text) if is_pem(text) => Ok(Some(Bytes::copy_from_slice(text.as_bytes()))),
                Some(name) => Ok(Some(files.read(name).await?)),
            }
        }
        let ca = pem(tls.ca.as_ref(), files).await?;
        let identity = match (pem(tls.cert.as_ref(), files).await?, pem(tls.key.as_ref(), files).await?) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => {
                return Err(TlsError::Options(
                    "`tls.cert` and `tls.key` need each other: give both, or neither".into(),
                ));
            }
        };
        Ok(Self { verify: tls.verify, ca, identity })
    }

    /// The same trust, without showing who this is: for another origin.
    #[cfg(feature = "http")]
    pub(crate) fn anonymous(&self) -> Self {
        Self { identity: None, ..self.clone() }
    }

    pub(crate) fn id(&self) -> TlsId {
        if self.ca.is_none() && self.identity.is_none() {
            return TlsId([u8::from(self.verify); 32]);
        }
        let mut hash = Sha256::new();
        let identity = self.identity.as_ref();
        for part in [self.ca.as_ref(), identity.map(|(cert, _)| cert), identity.map(|(_, key)| key)] {
            let bytes: &[u8] = part.map_or(&[], |bytes| bytes);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        hash.update([u8::from(self.verify)]);
        TlsId(hash.finalize().into())
    }
}

/// The protocols to offer within TLS (ALPN), in order.
type Alpn = &'static [&'static [u8]];

/// What settings are built for.
type Wanted = (TlsId, Alpn);

/// The settings that were built, and the machine's own trust.
#[derive(Default)]
pub(crate) struct TlsSettings {
    built: Mutex<HashMap<Wanted, Arc<ClientConfig>>>,
    native: OnceCell<Arc<RootCertStore>>,
}

/// How many settings are kept.
const MOST: usize = 64;

impl TlsSettings {
    pub(crate) async fn get(&self, options: &TlsOptions, alpn: Alpn) -> Result<Arc<ClientConfig>, TlsError> {
        let key = (options.id(), alpn);
        if let Some(config) = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.build(options, alpn).await?);
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if built.len() >= MOST {
            built.clear();
        }
        built.insert(key, Arc::clone(&config));
        Ok(config)
    }

    async fn build(&self, options: &TlsOptions, alpn: Alpn) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| StepError::bug(format!("prepare tls: {error}")))?;
        let builder = if options.verify {
            let roots = match &options.ca {
                Some(pem) => Arc::new(roots_of(pem)?),
                None => self.native_roots().await?,
            };
            builder.with_root_certificates(roots)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        };
        let mut config = match &options.identity {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let chain = certificates(cert, "tls.cert")?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|error| TlsError::Options(format!("`tls.key` holds no private key in PEM: {error}")))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| TlsError::Options(format!("`tls.cert` and `tls.key` do not fit: {error}")))?
            }
        };
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }

    /// The machine's own certificates, read when the first connection needs them.
    async fn native_roots(&self) -> Result<Arc<RootCertStore>, TlsError> {
        self.native
            .get_or_try_init(|| async {
                let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
                    .await
                    .map_err(|_| StepError::bug("reading the machine's certificates broke off"))?;
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(found.certs);
                if roots.is_empty() {
                    return Err(TlsError::NoRoots);
                }
                Ok(Arc::new(roots))
            })
            .await
            .map(Arc::clone)
    }
}

fn certificates(pem: &[u8], key: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(TlsError::Options(format!("`{key}` holds no certificate in PEM"))),
        Err(error) => Err(TlsError::Options(format!("`{key}` cannot be read as PEM: {error}"))),
    }
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "tls.ca")? {
        roots.add(certificate).map_err(|error| TlsError::Options(format!("`tls.ca` cannot be trusted: {error}")))?;
    }
    Ok(roots)
}
