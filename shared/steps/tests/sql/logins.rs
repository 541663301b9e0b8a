//! The login of MySQL under TLS, as the relay takes sqlx through it.

use std::sync::{Arc, Mutex};

use assay_services::Services;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::liar::{Liar, greeting, mysql_from_login, numbered, ok, packet};
use crate::surroundings::World;

fn acceptor() -> TlsAcceptor {
    let services = Services::shared();
    let pem = |key: &str| std::fs::read(services.text("tls", key)).unwrap();
    let chain = CertificateDer::pem_slice_iter(&pem("serverCert")).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(&pem("serverKey")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsAcceptor::from(Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

#[tokio::test]
async fn full_authentication_of_mysql_8_happens_under_tls_with_every_packet_numbered_right() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&seen);
    let liar = Liar::new(move |mut stream| {
        let seen = Arc::clone(&tell);
        async move {
            let _ = stream.write_all(&greeting(true, "caching_sha2_password")).await;
            let Some((first, request)) = numbered(&mut stream).await else { return };
            let mut tls = acceptor().accept(stream).await.unwrap();
            let Some((second, response)) = numbered(&mut tls).await else { return };
            // The response repeats what the request for TLS has said.
            assert_eq!((request.len(), &request[..], request[1] & 8), (32, &response[..32], 8));
            let _ = tls.write_all(&packet(3, &[1, 4])).await;
            let Some((fourth, password)) = numbered(&mut tls).await else { return };
            seen.lock().unwrap().push((first, second, fourth, password));
            let _ = tls.write_all(&ok(5)).await;
            mysql_from_login(&mut tls).await;
            let _ = tls.write_all(&ok(1)).await;
            let _ = numbered(&mut tls).await;
        }
    })
    .await;
    let url = format!("mysql://ada:p%40ss@127.0.0.1:{}/d", liar.port);
    let ca = std::fs::read_to_string(Services::shared().tls_ca()).unwrap();
    World::new().ok(json!({"url": url, "query": "select v from t", "tls": {"ca": ca}})).await;
    assert_eq!(*seen.lock().unwrap(), [(1, 2, 4, b"p@ss\0".to_vec())]);
}

#[tokio::test]
async fn without_tls_it_says_that_tls_is_needed() {
    let liar = Liar::new(|mut stream| async move {
        let _ = stream.write_all(&greeting(false, "caching_sha2_password")).await;
        numbered(&mut stream).await;
        let _ = stream.write_all(&packet(2, &[1, 4])).await;
        numbered(&mut stream).await;
        let _ = stream.write_all(&packet(4, b"\x01-----BEGIN PUBLIC KEY-----")).await;
        let _ = numbered(&mut stream).await;
    })
    .await;
    let url = format!("mysql://ada:secret-word@127.0.0.1:{}/d", liar.port);
    let error = World::new().error(json!({"url": url, "query": "select 1"})).await;
    assert!(error.code == "sql.auth" && error.message.contains("needs TLS"), "{error:?}");
    assert!(!error.message.contains("secret-word"), "{error:?}");
}
