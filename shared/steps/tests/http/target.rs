//! Targets: an honest server that tells what it got, and a raw one that does whatever a test wants.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Map, Value as Json, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A listener on an ephemeral port and how many connections it has seen.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Target {
    /// Serves each connection with `serve`, which is told its number.
    pub(crate) async fn new<F, S>(serve: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(TcpStream, usize) -> F + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, number));
            }
        });
        Self { address, connections }
    }

    /// An honest server over HTTP/1.1.
    pub(crate) async fn honest<F>(answer: impl Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response<Bytes>> + Send + 'static,
    {
        Self::new(move |stream, _| serve_one(stream, answer.clone())).await
    }

    /// A server that answers with what it was asked.
    pub(crate) async fn echo() -> Self {
        Self::honest(|request| async move { echo(&request) }).await
    }

    /// A server that reads one request's head and then answers with these bytes and closes.
    pub(crate) async fn answers(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::new(move |mut stream, _| {
            let bytes = bytes.clone();
            async move {
                read_head(&mut stream).await;
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await;
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
                // What the other side still sends is taken, so that closing does not reset what it has not read yet.
                let mut rest = [0; 1024];
                while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            }
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Serves one connection over HTTP/1.1.
pub(crate) async fn serve_one<F>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    answer: impl Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Response<Bytes>> + Send + 'static,
{
    let service = service_fn(move |request| respond(request, answer.clone()));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Serves one connection over HTTP/2.
pub(crate) async fn serve_two<F>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    answer: impl Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Response<Bytes>> + Send + 'static,
{
    let service = service_fn(move |request| respond(request, answer.clone()));
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn respond<F: Future<Output = Response<Bytes>>>(
    request: Request<Incoming>,
    answer: impl Fn(Request<Bytes>) -> F,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Ok(answer(Request::from_parts(head, body)).await.map(Full::new))
}

/// What was asked, as JSON.
pub(crate) fn echo(request: &Request<Bytes>) -> Response<Bytes> {
    let headers: Map<String, Json> = request
        .headers()
        .keys()
        .map(|name| {
            let all: Vec<_> = request.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
            (name.to_string(), all.join(" | ").into())
        })
        .collect();
    let told = json!({
        "method": request.method().as_str(),
        "uri": request.uri().to_string(),
        "version": format!("{:?}", request.version()),
        "headers": headers,
        "body": String::from_utf8_lossy(request.body()),
    });
    Response::builder().header("content-type", "application/json").body(told.to_string().into()).unwrap()
}

/// Reads up to the end of a request's head; the head.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(1) => head.extend_from_slice(&byte),
            _ => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}
