//! What the guard closes stays closed, however it is spelled.

use std::sync::Arc;

use assay_egress::{Egress, Policy, ScriptedResolver};
use serde_json::json;

use crate::surroundings::World;
use crate::target::Target;

fn closed(policy: Policy) -> Egress {
    let loopback = "127.0.0.1".parse().unwrap();
    let names = ScriptedResolver::default()
        .answer("loopback.example", &[loopback])
        .answer("mixed.example", &["93.184.216.34".parse().unwrap(), loopback]);
    Egress::new(policy, Arc::new(names))
}

#[tokio::test]
async fn a_forbidden_listener_sees_no_connection() {
    let forbidden = Target::answers(b"+OK\r\n").await;
    let port = forbidden.address.port();
    let own = Policy::closed().with_loopback().with_own_port(port);
    let hosts = [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "LOCALHOST.",
        "loopback.example",
        "mixed.example",
        "user:word@127.0.0.1",
        "example.com@127.0.0.1",
        "%31%32%37.0.0.1",
        "169.254.169.254",
        "metadata.google.internal",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "127.0.0.1\t",
        "127.0.0.1\\@example.com",
    ];
    for policy in [Policy::closed(), own] {
        let world = World::with(closed(policy));
        for host in hosts {
            for scheme in ["redis", "rediss", "REDIS"] {
                let error = world.error(json!({"url": format!("{scheme}://{host}:{port}/0"), "command": "PING"})).await;
                let expected = ["redis.egress", "redis.request", "redis.dns"].contains(&error.code);
                assert!(expected, "{scheme}://{host}: {error:?}");
            }
        }
    }
    // A wait goes through the same guard, when it is armed and when it looks.
    let world = World::with(closed(Policy::closed()));
    let with = json!({"url": forbidden.url(), "stream": "s", "within": "1s"});
    assert_eq!(world.arm(&with).await.unwrap_err().code, "redis.egress");
    let armed = json!({"stream": "s", "at": "0-0", "read": 0, "added": 0, "run": null, "interrupted": false});
    assert_eq!(world.wait(&with, &armed).await.unwrap_err().code, "redis.egress");
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn an_answer_of_the_resolver_that_changes_is_judged_each_time() {
    let target = Target::answers(b"+OK\r\n").await;
    let narrow = Policy::closed().with_loopback();
    let names = ScriptedResolver::default()
        .answer("rebind.example", &["127.0.0.1".parse().unwrap()])
        .answer("rebind.example", &["10.0.0.1".parse().unwrap()]);
    let world = World::with(Egress::new(narrow, Arc::new(names)));
    // A command that leaves a trace, so that no connection is kept.
    let with = json!({"url": format!("redis://rebind.example:{}", target.address.port()), "command": "SELECT 0"});
    world.ok(with.clone()).await;
    assert_eq!(world.error(with).await.code, "redis.egress");
    assert_eq!(target.connections(), 1);
}
