//! The egress guard through the sql step: a forbidden listener sees no connection.

use std::net::IpAddr;
use std::sync::Arc;

use assay_egress::{Egress, Policy, Ports, Reach, ScriptedResolver};
use assay_services::Services;
use serde_json::{Value as Json, json};

use crate::liar::Liar;
use crate::surroundings::World;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn names() -> ScriptedResolver {
    ScriptedResolver::default()
        .answer("loopback.example", &[ip("127.0.0.1")])
        .answer("mapped.example", &[ip("::ffff:127.0.0.1")])
        .answer("mixed.example", &[ip("93.184.216.34"), ip("127.0.0.1")])
        .answer("metadata.example", &[ip("169.254.169.254")])
}

#[tokio::test]
async fn no_spelling_of_a_forbidden_host_is_dialled() {
    let forbidden = Liar::new(|_| async {}).await;
    let world = World::with(Egress::new(Policy::closed(), Arc::new(names())));
    let hosts = [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "%31%32%37.0.0.1",
        "loopback.example",
        "mapped.example",
        "mixed.example",
        "metadata.example",
        "169.254.169.254",
        "metadata.google.internal",
        "0.0.0.0",
        "[fd00:ec2::254]",
        "10.0.0.1",
    ];
    for scheme in ["postgres", "postgresql", "mysql", "mariadb"] {
        for host in hosts {
            let with: Json = json!({"url": format!("{scheme}://a:b@{host}:{}/d", forbidden.port), "query": "select 1"});
            let error = world.error(with).await;
            assert_eq!(error.code, "sql.egress", "{scheme} {host}: {error:?}");
        }
    }
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn nothing_in_the_url_leads_past_the_guard() {
    let forbidden = Liar::new(|_| async {}).await;
    let world = World::with(Egress::new(Policy::closed(), Arc::new(names())));
    let port = forbidden.port;
    for url in [
        format!("postgres://a@93.184.216.34/d?host=127.0.0.1&port={port}"),
        format!("postgres://a@93.184.216.34/d?hostaddr=127.0.0.1&port={port}"),
        "postgres://a@%2Ftmp/d".to_owned(),
        "mysql://a@93.184.216.34/d?socket=/tmp/my.sock".to_owned(),
        format!("postgres://a@93.184.216.34,127.0.0.1:{port}/d"),
        "postgres:///d?host=/tmp".to_owned(),
        "sqlite:/etc/passwd".to_owned(),
    ] {
        let error = world.error(json!({"url": url, "query": "select 1"})).await;
        assert!(matches!(error.code, "sql.egress" | "sql.request"), "{url}: {error:?}");
    }
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn the_judged_address_is_the_one_that_is_dialled() {
    let forbidden = Liar::new(|_| async {}).await;
    let services = Services::shared();
    // Whoever asked twice would judge the first answer and connect to the second.
    let names = ScriptedResolver::default()
        .answer("twice.example", &[ip("127.0.0.1")])
        .answer("twice.example", &[ip("127.0.0.3")]);
    let own = Reach { network: "127.0.0.3".parse().unwrap(), ports: Ports::all() };
    let mut world = World::with(Egress::new(Policy::closed().with_loopback().with_own(own), Arc::new(names)));
    let url = services.postgres_url().replace("127.0.0.1", "twice.example");
    let with = json!({"url": url, "query": "select 1 as v"});
    assert_eq!(world.ok(with.clone()).await["rows"], json!([{"v": 1}]));
    // A session that is kept is judged again.
    world.egress = Egress::new(Policy::closed(), Arc::new(ScriptedResolver::default()));
    assert_eq!(world.error(with).await.code, "sql.egress");
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn the_name_in_the_url_is_the_one_that_the_certificate_must_carry() {
    let services = Services::shared();
    let ca = std::fs::read_to_string(services.tls_ca()).unwrap();
    let names =
        ScriptedResolver::default().answer("other.example", &[ip("127.0.0.1")]).answer("localhost", &[ip("127.0.0.1")]);
    let world = World::with(Egress::new(Policy::open(), Arc::new(names)));
    for (url, scheme) in [(services.postgres_url(), "postgres"), (services.mariadb_url(), "mysql")] {
        let named =
            |name: &str| json!({"url": url.replace("127.0.0.1", name), "query": "select 1 as v", "tls": {"ca": ca}});
        assert_eq!(world.ok(named("localhost")).await["rows"], json!([{"v": 1}]), "{scheme}");
        let error = world.error(named("other.example")).await;
        assert!(error.code == "sql.tls" && error.message.contains("another name"), "{error:?}");
    }
}
