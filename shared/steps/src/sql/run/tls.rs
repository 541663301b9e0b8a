//! TLS settings, built once for each set of options.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::fault;
use crate::contract::{Files, StepError};
use crate::sql::Tls;
use crate::sql::address::TlsMode;
use crate::sql::config::is_pem;

/// The options with their files read: what two connections must share to be the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TlsOptions {
    pub(super) mode: TlsMode,
    ca: Option<Bytes>,
    identity: Option<(Bytes, Bytes)>,
}

impl TlsOptions {
    /// Reads what the options name. `mode` is what the URL says, if the step does not say more.
    pub(super) async fn read(tls: Option<&Tls>, mode: TlsMode, files: &dyn Files) -> Result<Self, StepError> {
        async fn pem(named: Option<&String>, files: &dyn Files) -> Result<Option<Bytes>, StepError> {
            match named {
                None => Ok(None),
                Some(text) if is_pem(text) => Ok(Some(Bytes::copy_from_slice(text.as_bytes()))),
                Some(name) => files.read(name).await.map(Some),
            }
        }
        let Some(tls) = tls else { return Ok(Self { mode, ca: None, identity: None }) };
        let mode = if tls.verify { TlsMode::Verified } else { TlsMode::Any };
        let ca = pem(tls.ca.as_ref(), files).await?;
        let identity = match (pem(tls.cert.as_ref(), files).await?, pem(tls.key.as_ref(), files).await?) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => return Err(fault::request("`tls.cert` and `tls.key` need each other: give both, or neither")),
        };
        Ok(Self { mode, ca, identity })
    }

    /// Whether a server without TLS will do.
    pub(super) fn is_optional(&self) -> bool {
        matches!(self.mode, TlsMode::Off | TlsMode::Offered)
    }
}

/// The settings that were built, and the machine's own trust.
#[derive(Default)]
pub(super) struct TlsSettings {
    built: Mutex<HashMap<TlsOptions, Arc<ClientConfig>>>,
    native: OnceCell<Arc<RootCertStore>>,
}

/// How many settings are kept.
const MOST: usize = 64;

impl TlsSettings {
    pub(super) async fn get(&self, options: &TlsOptions) -> Result<Arc<ClientConfig>, StepError> {
        if let Some(config) = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(options) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.build(options).await?);
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if built.len() >= MOST {
            built.clear();
        }
        built.insert(options.clone(), Arc::clone(&config));
        Ok(config)
    }

    async fn build(&self, options: &TlsOptions) -> Result<ClientConfig, StepError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| StepError::bug(format!("prepare tls: {error}")))?;
        let builder = if options.mode == TlsMode::Verified {
            let roots = match &options.ca {
                Some(pem) => Arc::new(roots_of(pem)?),
                None => self.native_roots().await?,
            };
            builder.with_root_certificates(roots)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        };
        match &options.identity {
            None => Ok(builder.with_no_client_auth()),
            Some((cert, key)) => {
                let chain = certificates(cert, "tls.cert")?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|error| fault::request(format!("`tls.key` holds no private key in PEM: {error}")))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| fault::request(format!("`tls.cert` and `tls.key` do not fit: {error}")))
            }
        }
    }

    async fn native_roots(&self) -> Result<Arc<RootCertStore>, StepError> {
        let read = || async {
            let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
                .await
                .map_err(|error| StepError::bug(format!("read the machine's certificates: {error}")))?;
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(found.certs);
            Ok(Arc::new(roots))
        };
        self.native.get_or_try_init(read).await.map(Arc::clone)
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, StepError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(fault::request(format!("`{what}` holds no certificate in PEM"))),
        Err(error) => Err(fault::request(format!("`{what}` cannot be read: {error}"))),
    }
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, StepError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "tls.ca")? {
        roots
            .add(certificate)
            .map_err(|error| fault::request(format!("`tls.ca` holds what is no authority: {error}")))?;
    }
    Ok(roots)
}

/// Speaks TLS on a connection whose server has agreed to it.
pub(super) async fn handshake(
    config: Arc<ClientConfig>,
    host: &str,
    tcp: TcpStream,
) -> io::Result<Box<TlsStream<TcpStream>>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, tcp).await.map(Box::new)
}

/// `verify: false`, and what is only encrypted: the signatures of the handshake are still checked.
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
