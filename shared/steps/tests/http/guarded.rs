//! The egress guard through the http step: whatever is tried, a forbidden listener sees no connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_egress::{Egress, Policy, Ports, Reach, Rule, ScriptedResolver};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use crate::spellings::HOSTS;
use crate::surroundings::World;
use crate::target::Target;

/// A listener that nobody may reach, on every address of this machine, IPv6 too where there is any.
struct Forbidden {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Forbidden {
    async fn new() -> Self {
        let connections = Arc::new(AtomicUsize::new(0));
        let v4 = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = v4.local_addr().unwrap().port();
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        for listener in [Some(v4), v6].into_iter().flatten() {
            let count = Arc::clone(&connections);
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self { port, connections }
    }

    fn seen(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A guard as on a server, with names that lead to forbidden places.
fn closed(policy: Policy) -> Egress {
    let local = ip("127.0.0.1");
    let mut names = ScriptedResolver::default();
    for (name, addresses) in [
        ("loopback.example", vec![local]),
        ("localhost", vec![ip("::1"), local]),
        ("sub.localhost", vec![local]),
        ("loopback6.example", vec![ip("::1")]),
        ("mapped.example", vec![ip("::ffff:127.0.0.1")]),
        ("mixed.example", vec![ip("93.184.216.34"), local]),
        ("mixed-last.example", vec![local, ip("93.184.216.34")]),
        ("unspecified.example", vec![ip("0.0.0.0")]),
        ("unspecified6.example", vec![ip("::")]),
        ("private.example", vec![ip("10.0.0.1")]),
        ("ula.example", vec![ip("fd12::1")]),
        ("link.example", vec![ip("169.254.169.254")]),
        ("nat64.example", vec![ip("64:ff9b::7f00:1")]),
        ("sixtofour.example", vec![ip("2002:7f00:1::")]),
        ("teredo.example", vec![ip("2001:0:808:808::80ff:fffe")]),
    ] {
        names = names.answer(name, &addresses);
    }
    Egress::new(policy, Arc::new(names))
}

#[tokio::test]
async fn no_spelling_of_a_forbidden_place_is_connected_to() {
    let forbidden = Forbidden::new().await;
    let world = World::with(closed(Policy::closed()));
    assert!(HOSTS.len() >= 60, "{} vectors", HOSTS.len());
    let mut wrong = Vec::new();
    for host in HOSTS {
        let url = format!("http://{host}:{}/", forbidden.port);
        match world.run(json!({"url": url})).await {
            Err(error) if matches!(error.code, "http.egress" | "http.request") => {}
            other => wrong.push(format!("{host}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(forbidden.seen(), 0);
}

#[tokio::test]
async fn userinfo_and_other_tricks_of_urls_do_not_move_the_host() {
    let forbidden = Forbidden::new().await;
    let world = World::with(closed(Policy::closed()));
    let port = forbidden.port;
    for url in [
        format!("http://example.com@127.0.0.1:{port}/"),
        format!("http://example.com:80@127.0.0.1:{port}/"),
        format!("http://example.com%2f@127.0.0.1:{port}/"),
        format!("http://example.com\\@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}\\@example.com/"),
        format!("http://127.0.0.1:{port}#@example.com/"),
        format!("http://127.0.0.1:{port}?@example.com/"),
        format!("http://example.com@[::1]:{port}/"),
        format!("http:127.0.0.1:{port}/"),
        format!("http:/127.0.0.1:{port}/"),
        format!("http:\\\\127.0.0.1:{port}/"),
        format!("http:////127.0.0.1:{port}/"),
        format!("hTTp://127.0.0.1:{port}/"),
        format!("http://127.0.0.1\t:{port}/"),
        format!("ht\ntp://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
    ] {
        let error = world.error(json!({"url": url, "baseUrl": "http://127.0.0.1"})).await;
        // A backslash ends the host, so one of them means example.com, which this resolver does not know.
        let expected = ["http.egress", "http.request", "http.dns"].contains(&error.code);
        assert!(expected, "{url}: {error:?}");
    }
    for trick in ["//127.0.0.1/", "\\\\127.0.0.1\\", "@127.0.0.1/", ":80@127.0.0.1/"] {
        let error = world.error(json!({"url": trick, "baseUrl": "http://unknown.example"})).await;
        assert_eq!(error.code, "http.dns", "{trick}: {error:?}");
    }
    assert_eq!(forbidden.seen(), 0);
}

/// A policy that lets a test's own target be reached on this machine, and the forbidden listener not.
fn all_but(forbidden: &Forbidden) -> Policy {
    Policy::closed().with_loopback().with_own_port(forbidden.port)
}

#[tokio::test]
async fn with_loopback_open_the_platforms_own_ports_stay_closed() {
    let forbidden = Forbidden::new().await;
    let world = World::with(closed(all_but(&forbidden)));
    for host in HOSTS {
        let error = world.error(json!({"url": format!("http://{host}:{}/", forbidden.port)})).await;
        assert!(matches!(error.code, "http.egress" | "http.request"), "{host}: {error:?}");
    }
    let target = Target::echo().await;
    let out = world.ok(json!({"url": target.url("/")})).await;
    assert_eq!(out["status"], 200);
    assert_eq!(forbidden.seen(), 0);
}

async fn redirects_to(location: String, status: u16) -> Target {
    Target::honest(move |_| {
        let location = location.clone();
        async move {
            let answer = hyper::Response::builder().status(status).header("location", location);
            answer.body(bytes::Bytes::new()).unwrap()
        }
    })
    .await
}

#[tokio::test]
async fn each_redirect_is_judged_again() {
    let forbidden = Forbidden::new().await;
    let world = World::with(closed(all_but(&forbidden)));
    let port = forbidden.port;
    let mut hosts: Vec<&str> =
        vec!["127.0.0.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "a@127.0.0.1", "localhost"];
    hosts.extend(["loopback.example", "mixed.example", "169.254.169.254", "metadata.google.internal", "10.0.0.1"]);
    for host in hosts {
        for status in [301, 302, 303, 307, 308] {
            let target = redirects_to(format!("http://{host}:{port}/latest"), status).await;
            let error = world.error(json!({"url": target.url("/"), "followRedirects": 5})).await;
            assert_eq!(error.code, "http.egress", "{host} {status}: {error:?}");
        }
    }
    // Relative to the scheme, and other schemes.
    for (location, code) in [
        (format!("//127.0.0.1:{port}/"), "http.egress"),
        (format!("\\\\127.0.0.1:{port}/"), "http.egress"),
        (format!("https://127.0.0.1:{port}/"), "http.egress"),
        (format!("ftp://127.0.0.1:{port}/"), "http.redirects"),
        (format!("gopher://127.0.0.1:{port}/_x"), "http.redirects"),
    ] {
        let target = redirects_to(location.clone(), 302).await;
        let error = world.error(json!({"url": target.url("/"), "followRedirects": 5})).await;
        assert_eq!(error.code, code, "{location}: {error:?}");
    }
    assert_eq!(forbidden.seen(), 0);
}

#[tokio::test]
async fn the_end_of_a_chain_of_redirects_is_judged_too() {
    let forbidden = Forbidden::new().await;
    let mut next = format!("http://127.0.0.1:{}/", forbidden.port);
    for _ in 0..4 {
        next = redirects_to(next, 302).await.url("/");
    }
    let world = World::with(closed(all_but(&forbidden)));
    let error = world.error(json!({"url": next, "followRedirects": 10})).await;
    assert_eq!(error.code, "http.egress");
    assert_eq!(forbidden.seen(), 0);
}

#[tokio::test]
async fn an_answer_of_the_resolver_that_changes_is_judged_each_time() {
    let forbidden = Forbidden::new().await;
    let target = Target::honest(|_| async {
        hyper::Response::builder().header("connection", "close").body(bytes::Bytes::new()).unwrap()
    })
    .await;
    let narrow =
        Policy::closed().with_loopback().with_own(Reach { network: "127.0.0.2".parse().unwrap(), ports: Ports::all() });
    // First a harmless answer, then the forbidden one: what was judged before counts for nothing.
    let names = ScriptedResolver::default()
        .answer("rebind.example", &[ip("127.0.0.1")])
        .answer("rebind.example", &[ip("127.0.0.2")])
        .answer("rebind.example", &[ip("127.0.0.1"), ip("127.0.0.2")]);
    let world = World::with(Egress::new(narrow, Arc::new(names)));
    let with = json!({"url": format!("http://rebind.example:{}/", target.port())});
    assert_eq!(world.ok(with.clone()).await["remoteAddress"], target.address.to_string());
    assert_eq!(world.error(with.clone()).await.code, "http.egress");
    assert_eq!(world.error(with).await.code, "http.egress");
    assert_eq!(target.connections(), 1);
    assert_eq!(forbidden.seen(), 0);
}

#[tokio::test]
async fn a_name_is_resolved_once_between_judgement_and_connection() {
    let target = Target::echo().await;
    // Whoever asked twice would judge the first answer and connect to the second.
    let names = ScriptedResolver::default()
        .answer("twice.example", &[ip("127.0.0.1")])
        .answer("twice.example", &[ip("127.0.0.3")]);
    let own = Reach { network: "127.0.0.3".parse().unwrap(), ports: Ports::all() };
    let world = World::with(Egress::new(Policy::closed().with_loopback().with_own(own), Arc::new(names)));
    let out = world.ok(json!({"url": format!("http://twice.example:{}/", target.port())})).await;
    assert_eq!(out["remoteAddress"], target.address.to_string());
}

#[tokio::test]
async fn a_kept_connection_is_judged_again() {
    let target = Target::echo().await;
    let mut world = World::with(closed(Policy::closed().with_loopback()));
    let with = json!({"url": target.url("/")});
    world.ok(with.clone()).await;
    world.egress = closed(Policy::closed());
    assert_eq!(world.error(with.clone()).await.code, "http.egress");
    world.egress = Egress::new(
        Policy::closed().with_loopback().narrowed_to(vec![Rule::Host("*.example.com".into(), Ports::all())]),
        Arc::new(ScriptedResolver::default()),
    );
    assert_eq!(world.error(with).await.code, "http.egress");
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn connections_are_not_shared_between_owners() {
    let target = Target::echo().await;
    let mut world = World::new();
    for (owner, expected) in [("org_a", 1), ("org_a", 1), ("org_b", 2), ("org_a", 2)] {
        world.egress = Egress::open().owned_by(owner);
        world.ok(json!({"url": target.url("/")})).await;
        assert_eq!(target.connections(), expected, "{owner}");
    }
}

#[tokio::test]
async fn a_proxy_opens_nothing_that_the_guard_closes() {
    let forbidden = Forbidden::new().await;
    let proxy = Target::echo().await;
    let through = |url: String| json!({"url": url, "proxy": proxy.url("")});
    let port = forbidden.port;
    // The proxy itself, then what it is asked for, by address or by a metadata service's name.
    let closed_world = World::with(closed(Policy::closed()));
    assert_eq!(closed_world.error(through("http://example.com/".into())).await.code, "http.egress");
    assert_eq!(proxy.connections(), 0);
    let world = World::with(closed(all_but(&forbidden)));
    for host in ["169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "10.0.0.1", "metadata.google.internal"] {
        for scheme in ["http", "https"] {
            let error = world.error(through(format!("{scheme}://{host}/"))).await;
            assert_eq!(error.code, "http.egress", "{scheme} {host}: {error:?}");
        }
    }
    assert_eq!(world.error(through(format!("http://127.0.0.1:{port}/"))).await.code, "http.egress");
    let proxied: Json = json!({"url": "http://example.com/", "proxy": format!("http://127.0.0.1:{port}")});
    assert_eq!(world.error(proxied).await.code, "http.egress");
    assert_eq!(proxy.connections(), 0);
    assert_eq!(forbidden.seen(), 0);
}

#[tokio::test]
async fn a_token_endpoint_is_judged_like_any_target() {
    let forbidden = Forbidden::new().await;
    let world = World::with(closed(all_but(&forbidden)));
    let target = Target::echo().await;
    for host in ["127.0.0.1", "169.254.169.254", "metadata.google.internal", "loopback.example"] {
        let oauth = json!({"tokenUrl": format!("http://{host}:{}/token", forbidden.port), "clientId": "a", "clientSecret": "b"});
        let error = world.error(json!({"url": target.url("/"), "auth": {"oauth2": oauth}})).await;
        assert_eq!(error.code, "http.egress", "{host}: {error:?}");
    }
    assert_eq!(forbidden.seen(), 0);
    assert_eq!(target.connections(), 0);
}
