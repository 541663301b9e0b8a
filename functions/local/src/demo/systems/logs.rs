//! The log: a line of JSON for each announcement, pushed to Loki with the label `app="shop"`.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use super::announcement::Announcement;
use super::lie::Lie;
use super::tell::System;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Logs {
    client: Client<HttpConnector, Body>,
    uri: Uri,
    tenant: Option<String>,
    lie: Option<Lie>,
}

impl Logs {
    /// The Loki at this address.
    pub(super) fn open(url: &str, tenant: Option<&str>, lie: Option<Lie>) -> anyhow::Result<Self> {
        let uri = format!("{}/loki/api/v1/push", url.trim_end_matches('/'));
        let uri = uri.parse().context("read the url of the log")?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { client, uri, tenant: tenant.map(str::to_owned), lie })
    }
}

#[async_trait]
impl System for Logs {
    fn name(&self) -> &'static str {
        "loki"
    }

    async fn hear(&mut self, announcement: &Announcement) -> anyhow::Result<()> {
        if self.lie == Some(Lie::LogMissing) && announcement.kind == "payment.settled" {
            return Ok(());
        }
        let at: jiff::Timestamp = announcement.at.parse().context("read the time of an announcement")?;
        // Lines of one millisecond are told apart by their number, or the later one could be taken for a repetition.
        let nanoseconds = at.as_nanosecond() + i128::from(announcement.sequence % 1_000_000);
        let line = announcement.json().to_string();
        let stream = json!({"app": "shop", "level": "info"});
        let body = json!({"streams": [{"stream": stream, "values": [[nanoseconds.to_string(), line]]}]});
        let mut request = Request::post(self.uri.clone()).header(header::CONTENT_TYPE, "application/json");
        if let Some(tenant) = &self.tenant {
            request = request.header("x-scope-orgid", tenant);
        }
        let request = request.body(Body::from(body.to_string())).context("make a request")?;
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request));
        let status = answer.await.context("push to the log in time")?.context("push to the log")?.status();
        anyhow::ensure!(status.is_success(), "the log answered {status}");
        Ok(())
    }
}
