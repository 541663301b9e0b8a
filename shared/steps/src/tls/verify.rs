//! Certificates: what is wrong with one, and the verifier that takes any.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError as Bad, DigitallySignedStruct, SignatureScheme};

/// What a handshake says of the target's certificate, if that is why it broke off.
pub(crate) fn what_is_wrong(error: &io::Error) -> Option<&'static str> {
    let Some(rustls::Error::InvalidCertificate(bad)) = error.get_ref()?.downcast_ref() else { return None };
    Some(match bad {
        Bad::UnknownIssuer => {
            "nobody trusted has issued the certificate: give its authority as `tls.ca`, or take any with `tls.verify: false`"
        }
        Bad::Expired | Bad::ExpiredContext { .. } => "the certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => "the certificate is not valid yet: check the clocks",
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "the certificate is for another name",
        // The verifier's own errors have no type that could be named here.
        Bad::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "the certificate is one that somebody made for himself (self-signed): trust it with `tls.ca`, or take any with \
             `tls.verify: false`"
        }
        _ => "the certificate is not accepted",
    })
}

/// Takes any certificate (`verify: false`); that the peer holds its key is still proven.
#[derive(Debug)]
pub(super) struct AnyCertificate(pub(super) Arc<CryptoProvider>);

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
