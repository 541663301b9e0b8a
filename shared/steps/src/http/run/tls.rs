//! TLS settings, built once for each set of options, and what a handshake shows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, ProtocolVersion, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::fault;
use super::x509;
use crate::contract::{Files, StepError, StepErrorClass};
use crate::http::{Tls, Version, config::is_pem};

/// Settings of TLS, by their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TlsId([u8; 32]);

/// The options with their files read.
#[derive(Debug, Clone)]
pub(super) struct TlsOptions {
    verify: bool,
    ca: Option<Bytes>,
    identity: Option<(Bytes, Bytes)>,
}

/// What a handshake showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct TlsFacts {
    pub(super) version: &'static str,
    pub(super) not_after: Option<Timestamp>,
}

impl TlsFacts {
    pub(super) fn of(connection: &ClientConnection) -> Self {
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            _ => "1.3",
        };
        let leaf = connection.peer_certificates().and_then(<[_]>::first);
        Self { version, not_after: leaf.and_then(|leaf| x509::not_after(leaf)) }
    }
}

impl TlsOptions {
    /// Reads what the options name.
    pub(super) async fn read(tls: &Tls, files: &dyn Files) -> Result<Self, StepError> {
        async fn pem(named: Option<&String>, files: &dyn Files) -> Result<Option<Bytes>, StepError> {
            match named {
                None => Ok(None),
                Some(text) if is_pem(text) => Ok(Some(Bytes::copy_from_slice(text.as_bytes()))),
                Some(name) => files.read(name).await.map(Some),
            }
        }
        let ca = pem(tls.ca.as_ref(), files).await?;
        let identity = match (pem(tls.cert.as_ref(), files).await?, pem(tls.key.as_ref(), files).await?) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => return Err(fault::request("`tls.cert` and `tls.key` need each other: give both, or neither")),
        };
        Ok(Self { verify: tls.verify, ca, identity })
    }

    /// The same trust, without showing who this is: for another origin.
    pub(super) fn anonymous(&self) -> Self {
        Self { identity: None, ..self.clone() }
    }

    pub(super) fn id(&self) -> TlsId {
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

/// What settings are built for.
type Wanted = (TlsId, Option<Version>);

/// The settings that were built, and the machine's own trust.
#[derive(Default)]
pub(super) struct TlsSettings {
    built: Mutex<HashMap<Wanted, Arc<ClientConfig>>>,
    native: OnceCell<Arc<RootCertStore>>,
}

/// How many settings are kept.
const MOST: usize = 64;

impl TlsSettings {
    pub(super) async fn get(
        &self,
        options: &TlsOptions,
        version: Option<Version>,
    ) -> Result<Arc<ClientConfig>, StepError> {
        let key = (options.id(), version);
        if let Some(config) = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.build(options, version).await?);
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if built.len() >= MOST {
            built.clear();
        }
        built.insert(key, Arc::clone(&config));
        Ok(config)
    }

    async fn build(&self, options: &TlsOptions, version: Option<Version>) -> Result<ClientConfig, StepError> {
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
                    .map_err(|error| fault::request(format!("`tls.key` holds no private key in PEM: {error}")))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| fault::request(format!("`tls.cert` and `tls.key` do not fit: {error}")))?
            }
        };
        config.alpn_protocols = match version {
            None => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Some(Version::One) => vec![b"http/1.1".to_vec()],
            Some(Version::Two) => vec![b"h2".to_vec()],
        };
        Ok(config)
    }

    /// The machine's own certificates, read when the first https request needs them.
    async fn native_roots(&self) -> Result<Arc<RootCertStore>, StepError> {
        self.native
            .get_or_try_init(|| async {
                let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
                    .await
                    .map_err(|_| StepError::bug("reading the machine's certificates broke off"))?;
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(found.certs);
                if roots.is_empty() {
                    return Err(StepError::new(
                        StepErrorClass::Permanent,
                        "http.tls",
                        "this machine has no root certificates to verify against: install them, or give `tls.ca`",
                    ));
                }
                Ok(Arc::new(roots))
            })
            .await
            .map(Arc::clone)
    }
}

fn certificates(pem: &[u8], key: &str) -> Result<Vec<CertificateDer<'static>>, StepError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(fault::request(format!("`{key}` holds no certificate in PEM"))),
        Err(error) => Err(fault::request(format!("`{key}` cannot be read as PEM: {error}"))),
    }
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, StepError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "tls.ca")? {
        roots.add(certificate).map_err(|error| fault::request(format!("`tls.ca` cannot be trusted: {error}")))?;
    }
    Ok(roots)
}

/// Takes any certificate (`verify: false`); that the peer holds its key is still proven.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
