//! How AWS is reached: one configuration for every client, read once.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

/// Longer than any answer of these services takes when all is well; the SDK tries again after it.
const ATTEMPT: Duration = Duration::from_secs(10);
/// All tries of one call together.
const CALL: Duration = Duration::from_secs(30);

/// Whose account is used, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The profile of the shared configuration files; none: the default chain of credentials.
    pub profile: Option<String>,
    /// The region; none: what environment or profile say.
    pub region: Option<String>,
}

/// The configuration that clients are made of. `AWS_ENDPOINT_URL`, `AWS_REGION` and the usual sources of credentials
/// are honoured; nothing is asked over the network before the first call.
pub async fn connect(account: &Account) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts);
    if let Some(profile) = &account.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &account.region {
        loader = loader.region(Region::new(region.clone()));
    }
    loader.load().await
}
