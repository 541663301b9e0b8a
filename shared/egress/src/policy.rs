//! What may be reached: open for a laptop, closed for a server.

use std::net::IpAddr;

use crate::address::{Class, class_of};
use crate::error::{Denied, Why};
use crate::network::{Ports, Reach, plain};

/// Names under which the clouds serve metadata; refused before anything is resolved.
const METADATA_NAMES: [&str; 6] = [
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.azure.internal",
    "instance-data",
    "instance-data.ec2.internal",
];

/// What a step may reach. Grants open private ranges; every narrowing must agree as well; what is never allowed stays so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    open: bool,
    loopback: bool,
    own: Vec<Reach>,
    grants: Vec<Reach>,
    narrowings: Vec<Vec<Rule>>,
}

/// One line of what a project allows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// This host, or with a leading `*.` every name below it; any of the ports.
    Host(String, Ports),
    /// These addresses and ports.
    Reach(Reach),
}

impl Policy {
    /// Everything: `assay run` on a laptop.
    #[must_use]
    pub fn open() -> Self {
        Self { open: true, ..Self::closed() }
    }

    /// Public addresses only.
    #[must_use]
    pub fn closed() -> Self {
        Self { open: false, loopback: false, own: Vec::new(), grants: Vec::new(), narrowings: Vec::new() }
    }

    /// Opens the machine itself, for development and tests.
    #[must_use]
    pub fn with_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// An address of the platform itself: never allowed, whatever is granted.
    #[must_use]
    pub fn with_own(mut self, own: Reach) -> Self {
        self.own.push(own);
        self
    }

    /// A port that the platform listens on: never allowed on this machine, also when loopback is open.
    #[must_use]
    pub fn with_own_port(mut self, port: u16) -> Self {
        self.own.extend(Reach::loopback(&Ports::of(port)));
        self
    }

    /// Opens a private range, for an organization or a pool.
    #[must_use]
    pub fn with_grant(mut self, grant: Reach) -> Self {
        self.grants.push(grant);
        self
    }

    /// Allows only what one of the rules names, of what is allowed already.
    #[must_use]
    pub fn narrowed_to(mut self, rules: Vec<Rule>) -> Self {
        self.narrowings.push(rules);
        self
    }

    /// Whether everything is allowed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open && self.narrowings.is_empty()
    }

    /// Judges a name before it is resolved. `host` is normalised: lower case, no brackets.
    pub(crate) fn judge_name(&self, host: &str, port: u16) -> Result<(), Denied> {
        let name = host.trim_end_matches('.');
        if !self.open && METADATA_NAMES.contains(&name) {
            return Err(Denied { host: host.to_owned(), port, address: None, why: Why::MetadataName });
        }
        Ok(())
    }

    /// Judges one address of a host.
    pub(crate) fn judge(&self, host: &str, port: u16, address: IpAddr) -> Result<(), Denied> {
        let denied = |why| Err(Denied { host: host.to_owned(), port, address: Some(address), why });
        if !self.open {
            if self.own.iter().any(|own| own.contains(address, port)) {
                return denied(Why::Own);
            }
            let class = class_of(address);
            let allowed = match class {
                Class::Public => true,
                Class::Loopback => self.loopback && plain(address).is_loopback(),
                Class::Private => self.grants.iter().any(|grant| grant.contains(address, port)),
                Class::LinkLocal | Class::Metadata | Class::Reserved => false,
            };
            if !allowed {
                return denied(Why::Class(class));
            }
        }
        let within = |rules: &Vec<Rule>| rules.iter().any(|rule| rule.allows(host, port, address));
        if !self.narrowings.iter().all(within) { denied(Why::Narrowed) } else { Ok(()) }
    }
}

impl Rule {
    fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool {
        match self {
            Self::Host(pattern, ports) => {
                let host = host.trim_end_matches('.');
                let named = match pattern.strip_prefix('*') {
                    Some(below) => host.len() > below.len() && host.ends_with(below) && below.starts_with('.'),
                    None => host == pattern,
                };
                named && ports.contains(port)
            }
            Self::Reach(reach) => reach.contains(address, port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(policy: &Policy, host: &str, port: u16, address: &str) -> bool {
        policy.judge(host, port, address.parse().unwrap()).is_ok()
    }

    #[test]
    fn a_closed_policy_allows_public_addresses_only() {
        let policy = Policy::closed();
        assert!(allows(&policy, "example.com", 443, "93.184.216.34"));
        for address in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:10.0.0.1", "fe80::1"] {
            assert!(!allows(&policy, "example.com", 443, address), "{address}");
        }
    }

    #[test]
    fn a_grant_opens_its_range_and_ports_and_nothing_that_is_never_allowed() {
        let policy = Policy::closed()
            .with_grant("10.0.0.0/8:443".parse().unwrap())
            .with_grant("0.0.0.0/0".parse().unwrap())
            .with_own("10.0.0.9".parse().unwrap());
        assert!(allows(&policy, "db", 443, "10.1.2.3"));
        for address in ["169.254.169.254", "127.0.0.1", "168.63.129.16", "0.0.0.0", "10.0.0.9", "::ffff:10.0.0.9"] {
            assert!(!allows(&policy, "db", 443, address), "{address}");
        }
        assert!(!allows(&Policy::closed().with_grant("10.0.0.0/8:443".parse().unwrap()), "db", 80, "10.1.2.3"));
    }

    #[test]
    fn open_loopback_still_hides_the_platforms_own_ports() {
        let policy = Policy::closed().with_loopback().with_own_port(8080);
        assert!(allows(&policy, "localhost", 9090, "127.0.0.1"));
        assert!(allows(&policy, "localhost", 9090, "::1"));
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "2002:7f00:1::"] {
            assert!(!allows(&policy, "localhost", 8080, address), "{address}");
        }
        for two_places in ["2001:0:808:808::80ff:fffe", "2606:4700::5efe:7f00:1"] {
            assert!(!allows(&policy, "localhost", 9090, two_places), "{two_places}");
        }
    }

    #[test]
    fn projects_only_narrow() {
        let rules =
            vec![Rule::Host("*.example.com".into(), Ports::of(443)), Rule::Reach("10.0.0.0/8".parse().unwrap())];
        let policy = Policy::closed().narrowed_to(rules.clone());
        assert!(allows(&policy, "api.example.com", 443, "93.184.216.34"));
        assert!(!allows(&policy, "api.example.com", 80, "93.184.216.34"));
        assert!(!allows(&policy, "example.com", 443, "93.184.216.34"));
        assert!(!allows(&policy, "evilexample.com", 443, "93.184.216.34"));
        assert!(!allows(&policy, "db", 443, "10.0.0.1"), "naming a private range does not open it");
        let open = Policy::open().narrowed_to(rules);
        assert!(allows(&open, "db", 443, "10.0.0.1"));
        assert!(!allows(&open, "localhost", 443, "127.0.0.1"));
    }
}
