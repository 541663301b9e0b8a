//! The guard itself.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use url::Host;

use crate::error::{Denied, EgressError};
use crate::policy::Policy;
use crate::resolver::{Resolver, SystemResolver};

/// How long one address may take before the next one is tried; the last one has all the time that is left.
const EACH_ADDRESS: Duration = Duration::from_secs(3);

/// The guard: a policy, a resolver, and whose connections it makes. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolver>,
    owner: Arc<str>,
}

/// A name and its judged addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// All allowed; in the order to try them.
    pub addresses: Vec<SocketAddr>,
    /// How long the resolver took; zero for an address.
    pub took: Duration,
}

/// A connection to a judged address.
#[derive(Debug)]
pub struct Connected {
    /// Open, without Nagle's delay.
    pub stream: TcpStream,
    /// Where it leads.
    pub address: SocketAddr,
    /// How long the resolver took.
    pub dns: Duration,
    /// How long the connection took.
    pub connect: Duration,
}

impl Egress {
    /// Everything is allowed: `assay run` on a laptop.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Policy::open(), Arc::new(SystemResolver))
    }

    /// Public addresses only.
    #[must_use]
    pub fn closed() -> Self {
        Self::new(Policy::closed(), Arc::new(SystemResolver))
    }

    /// A guard with this policy.
    #[must_use]
    pub fn new(policy: Policy, resolver: Arc<dyn Resolver>) -> Self {
        Self { policy: Arc::new(policy), resolver, owner: Arc::from("") }
    }

    /// The same guard for the connections of `owner`, an organization: runners that keep connections never hand one
    /// owner's to another, who could have left something in it.
    #[must_use]
    pub fn owned_by(&self, owner: &str) -> Self {
        Self { owner: Arc::from(owner), ..self.clone() }
    }

    /// Whose connections these are.
    #[must_use]
    pub fn owner(&self) -> &Arc<str> {
        &self.owner
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Judges what is known without a resolver: a literal address, or a name that is never allowed. For a host that
    /// somebody else resolves, as a proxy does.
    ///
    /// # Errors
    /// When the host is none or is not allowed.
    pub fn judge_unresolved(&self, host: &str, port: u16) -> Result<(), EgressError> {
        match parse(host)? {
            Host::Domain(name) => self.policy.judge_name(&name, port),
            Host::Ipv4(address) => self.policy.judge(host, port, address.into()),
            Host::Ipv6(address) => self.policy.judge(host, port, address.into()),
        }
        .map_err(EgressError::NotAllowed)
    }

    /// Judges every address of a host, as when a client insists on dialling itself or a kept connection is used again.
    ///
    /// # Errors
    /// The first address that is not allowed.
    pub fn judge(&self, host: &str, port: u16, addresses: &[IpAddr]) -> Result<(), Denied> {
        self.policy.judge_name(host, port)?;
        addresses.iter().try_for_each(|address| self.policy.judge(host, port, *address))
    }

    /// Resolves once and judges every address. One that is not allowed refuses the whole answer: a name that leads to a
    /// public and to a forbidden place is no honest name.
    ///
    /// # Errors
    /// When the host is none, has no address, or leads to where it may not.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Resolved, EgressError> {
        let start = Instant::now();
        let (name, found) = match parse(host)? {
            Host::Ipv4(address) => (host.to_owned(), vec![IpAddr::V4(address)]),
            Host::Ipv6(address) => (host.to_owned(), vec![IpAddr::V6(address)]),
            Host::Domain(name) => {
                self.policy.judge_name(&name, port).map_err(EgressError::NotAllowed)?;
                let found = self
                    .resolver
                    .resolve(&name)
                    .await
                    .map_err(|source| EgressError::Resolve { host: name.clone(), source })?;
                (name, found)
            }
        };
        if found.is_empty() {
            return Err(EgressError::NoAddress(name));
        }
        self.judge(&name, port, &found).map_err(EgressError::NotAllowed)?;
        let addresses = found.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        Ok(Resolved { addresses, took: start.elapsed() })
    }

    /// Resolves once, judges every address, and connects to the first that answers, in turn.
    ///
    /// # Errors
    /// When it is not allowed, or nobody answers until then.
    pub async fn connect(&self, host: &str, port: u16, until: Instant) -> Result<Connected, EgressError> {
        let resolved = timeout_at(until, self.resolve(host, port))
            .await
            .map_err(|_| EgressError::Timeout { host: host.to_owned(), address: None })??;
        Self::dial(host, &resolved, until).await
    }

    /// Connects to the first of these judged addresses that answers, in turn.
    ///
    /// # Errors
    /// What became of the last one.
    pub async fn dial(host: &str, resolved: &Resolved, until: Instant) -> Result<Connected, EgressError> {
        let start = Instant::now();
        let mut last = EgressError::NoAddress(host.to_owned());
        for (index, address) in resolved.addresses.iter().copied().enumerate() {
            let is_last = index + 1 == resolved.addresses.len();
            let limit = if is_last { until } else { until.min(Instant::now() + EACH_ADDRESS) };
            match timeout_at(limit, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Small requests must not wait for an acknowledgement; a socket that cannot be told so still works.
                    let _ = stream.set_nodelay(true);
                    return Ok(Connected { stream, address, dns: resolved.took, connect: start.elapsed() });
                }
                Ok(Err(source)) if source.kind() == io::ErrorKind::ConnectionRefused => {
                    last = EgressError::Refused { address };
                }
                Ok(Err(source)) => last = EgressError::Unreachable { address, source },
                Err(_) => last = EgressError::Timeout { host: host.to_owned(), address: Some(address) },
            }
        }
        Err(last)
    }
}

/// Reads a host as browsers do (WHATWG URL): decimal, octal and hexadecimal forms of an IPv4 address are that address,
/// an IPv6 address may stand in brackets, a zone id is refused.
fn parse(host: &str) -> Result<Host<String>, EgressError> {
    if let Ok(address) = host.parse() {
        return Ok(Host::Ipv6(address));
    }
    match Host::parse(host) {
        Ok(Host::Domain(name)) if name.trim_end_matches('.').is_empty() => Err(EgressError::BadHost(host.to_owned())),
        Ok(host) => Ok(host),
        Err(_) => Err(EgressError::BadHost(host.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolver::ScriptedResolver;

    fn guard(policy: Policy, resolver: ScriptedResolver) -> Egress {
        Egress::new(policy, Arc::new(resolver))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test]
    async fn one_forbidden_address_refuses_the_whole_answer() {
        let names = ScriptedResolver::default().answer("mixed.example", &[ip("93.184.216.34"), ip("10.0.0.1")]);
        let answer = guard(Policy::closed(), names).resolve("mixed.example", 80).await;
        assert!(matches!(answer, Err(EgressError::NotAllowed(Denied { address: Some(a), .. })) if a == ip("10.0.0.1")));
    }

    #[tokio::test]
    async fn every_spelling_of_an_address_is_that_address() {
        let egress = guard(Policy::closed(), ScriptedResolver::default());
        for host in
            ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "127.0.0.1.", "[::1]", "::1"]
        {
            let answer = egress.resolve(host, 80).await;
            assert!(matches!(answer, Err(EgressError::NotAllowed(_))), "{host}: {answer:?}");
        }
        for host in ["[fe80::1%25eth0]", "fe80::1%eth0", "", ".", "a b", "a/b", "999.1.1.1", "1.2.3.4.5"] {
            let answer = egress.resolve(host, 80).await;
            assert!(matches!(answer, Err(EgressError::BadHost(_))), "{host}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn the_next_address_is_tried_when_one_refuses() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let names = ScriptedResolver::default().answer("two.example", &[ip("127.0.0.9"), ip("127.0.0.1")]);
        let connected = guard(Policy::open(), names).connect("two.example", port, soon()).await.unwrap();
        assert_eq!(connected.address.ip(), ip("127.0.0.1"));
        assert!(connected.stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn nobody_listening_is_refused() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let answer = Egress::open().connect("127.0.0.1", port, soon()).await;
        assert!(matches!(answer, Err(EgressError::Refused { .. })), "{answer:?}");
    }

    #[tokio::test]
    async fn metadata_names_are_refused_unresolved() {
        let egress = guard(Policy::closed(), ScriptedResolver::default());
        for host in ["metadata.google.internal", "METADATA.google.internal.", "metadata", "instance-data"] {
            let answer = egress.resolve(host, 80).await;
            assert!(matches!(answer, Err(EgressError::NotAllowed(Denied { address: None, .. }))), "{host}: {answer:?}");
            assert!(egress.judge_unresolved(host, 80).is_err());
        }
    }
}
