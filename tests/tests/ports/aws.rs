//! An account of one's own on the emulator, and what a stack has in it.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use assay_adapters::aws::StackNames;
use assay_services::Services;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;

/// An account that no other test has.
pub(crate) fn new_account() -> String {
    format!("{:012}", RandomState::new().build_hasher().finish() % 1_000_000_000_000)
}

/// The configuration of clients for an account of the shared emulator.
pub(crate) async fn config(account: &str) -> SdkConfig {
    config_at(Services::shared().aws_url(), Credentials::new(account, "test", None, None, "test")).await
}

/// The same for any address and credentials.
pub(crate) async fn config_at(url: &str, credentials: Credentials) -> SdkConfig {
    let defaults = aws_config::defaults(BehaviorVersion::v2026_01_12()).endpoint_url(url);
    defaults.region(Region::new("us-east-1")).credentials_provider(credentials).load().await
}

pub(crate) fn names() -> StackNames {
    StackNames::new("test").unwrap()
}
