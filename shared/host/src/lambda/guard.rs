//! What the steps of a deployed function may reach.

use std::sync::Arc;

use assay_egress::{Egress, Policy, SystemResolver};

use super::settings::Settings;

/// Public addresses, and what the operator grants; never the runtime's interface or the platform's own services.
pub(super) fn guard(settings: &Settings, runtime: Option<&str>) -> Egress {
    let mut policy = Policy::closed();
    for grant in &settings.grants {
        policy = policy.with_grant(grant.clone());
    }
    if settings.loopback {
        tracing::warn!("ASSAY_ALLOW_LOOPBACK: steps may reach this machine itself; for development only");
        policy = policy.with_loopback();
    }
    let own = [runtime, settings.endpoint.as_deref()];
    for port in own.into_iter().flatten().filter_map(port) {
        policy = policy.with_own_port(port);
    }
    Egress::new(policy, Arc::new(SystemResolver))
}

/// The port of `127.0.0.1:9001` or `http://127.0.0.1:4566/path`.
fn port(address: &str) -> Option<u16> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next()?.rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(loopback: bool) -> Settings {
        let variables = [
            ("ASSAY_STACK", "dev"),
            ("ASSAY_TABLE", "t"),
            ("ASSAY_CLAIMS_TABLE", "c"),
            ("ASSAY_BUCKET", "b"),
            ("ASSAY_KEY", "k"),
            ("ASSAY_QUEUE", "q"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4577"),
            ("ASSAY_GRANTS", "10.1.0.0/16"),
            ("ASSAY_ALLOW_LOOPBACK", if loopback { "true" } else { "" }),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::read(&crate::Environment::of(variables.into())).expect("settings")
    }

    fn allows(egress: &Egress, address: &str, port: u16) -> bool {
        egress.judge(address, port, &[address.parse().expect("an address")]).is_ok()
    }

    #[test]
    fn the_platforms_own_doors_stay_shut_whatever_is_opened() {
        let closed = guard(&settings(false), Some("127.0.0.1:9001"));
        assert!(allows(&closed, "93.184.216.34", 443) && allows(&closed, "10.1.2.3", 5432));
        assert!(!allows(&closed, "10.2.2.3", 5432) && !allows(&closed, "127.0.0.1", 8080));
        assert!(!allows(&closed, "169.254.169.254", 80));
        let open = guard(&settings(true), Some("127.0.0.1:9001"));
        assert!(allows(&open, "127.0.0.1", 8080));
        for own in [9001, 4577] {
            assert!(!allows(&open, "127.0.0.1", own), "{own}");
        }
        assert!(!allows(&open, "169.254.169.254", 80));
    }
}
