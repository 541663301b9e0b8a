//! Connections that are kept: used again, found dead, replaced, left alone.

use std::sync::Arc;

use assay_egress::{Egress, Policy, ScriptedResolver};
use serde_json::json;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::sync::Notify;

use crate::surroundings::World;
use crate::target::{Target, WELCOME, read_command};

#[tokio::test]
async fn a_connection_is_used_again_by_the_same_user_only() {
    let target = Target::answers(b"+OK\r\n").await;
    let world = World::new();
    for (extra, expected) in [
        (json!({}), 1),
        (json!({}), 1),
        (json!({"username": "a", "password": "b"}), 2),
        (json!({"username": "a", "password": "c"}), 3),
        (json!({"db": 3}), 4),
        (json!({"username": "a", "password": "b"}), 4),
    ] {
        let mut with = json!({"url": target.url(), "command": "GET k"});
        with.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        world.ok(with).await;
        assert_eq!(target.connections(), expected, "{extra}");
    }
}

#[tokio::test]
async fn connections_are_not_shared_between_owners() {
    let target = Target::answers(b"+OK\r\n").await;
    let mut world = World::new();
    for (owner, expected) in [("org_a", 1), ("org_a", 1), ("org_b", 2), ("org_a", 2)] {
        world.egress = Egress::open().owned_by(owner);
        world.reply(&target.url(), json!("GET k")).await;
        assert_eq!(target.connections(), expected, "{owner}");
    }
}

#[tokio::test]
async fn a_kept_connection_is_judged_again() {
    let target = Target::answers(b"+OK\r\n").await;
    let mut world = World::with(Egress::new(Policy::closed().with_loopback(), Arc::new(ScriptedResolver::default())));
    world.reply(&target.url(), json!("GET k")).await;
    world.egress = Egress::new(Policy::closed(), Arc::new(ScriptedResolver::default()));
    assert_eq!(world.error(json!({"url": target.url(), "command": "GET k"})).await.code, "redis.egress");
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn what_changes_a_connection_ends_its_use() {
    let target = Target::answers(b"+OK\r\n").await;
    let world = World::new();
    for (number, command) in ["SELECT 3", "MULTI", "watch k", "client setname x"].iter().enumerate() {
        world.reply(&target.url(), json!(command)).await;
        assert_eq!(target.connections(), number + 1, "{command}");
    }
}

/// Answers one command on each connection, sends `last` after it, and closes.
async fn answers_once(last: &'static [u8]) -> (Target, Arc<Notify>) {
    let closed = Arc::new(Notify::new());
    let tell = Arc::clone(&closed);
    let target = Target::new(move |stream, _| {
        let tell = Arc::clone(&tell);
        async move {
            let mut stream = BufReader::new(stream);
            read_command(&mut stream).await;
            let _ = stream.write_all(WELCOME).await;
            read_command(&mut stream).await;
            let _ = stream.write_all(&[b"+OK\r\n", last].concat()).await;
            drop(stream);
            tell.notify_one();
        }
    })
    .await;
    (target, closed)
}

#[tokio::test]
async fn a_connection_that_the_target_closed_meanwhile_is_replaced() {
    let (target, closed) = answers_once(b"").await;
    let world = World::new();
    for number in 1..=3 {
        // Also a command that writes: it is seen before anything is sent.
        assert_eq!(world.reply(&target.url(), json!("INCR k")).await, "OK");
        assert_eq!(target.connections(), number);
        closed.notified().await;
    }
}

#[tokio::test]
async fn replies_that_nobody_asked_for_end_a_connection() {
    let (target, closed) = answers_once(b"+EVIL\r\n").await;
    let world = World::new();
    for number in 1..=3 {
        assert_eq!(world.reply(&target.url(), json!("GET k")).await, "OK");
        assert_eq!(target.connections(), number);
        closed.notified().await;
    }
}

/// Takes a second command on its first connection and closes without an answer.
async fn dies_on_second() -> Target {
    Target::new(|stream, number| async move {
        let mut stream = BufReader::new(stream);
        read_command(&mut stream).await;
        let _ = stream.write_all(WELCOME).await;
        while read_command(&mut stream).await.is_some() {
            let _ = stream.write_all(b"+OK\r\n").await;
            if number == 0 {
                read_command(&mut stream).await;
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_that_dies_under_a_read_is_replaced_once() {
    let target = dies_on_second().await;
    let world = World::new();
    for _ in 0..3 {
        assert_eq!(world.reply(&target.url(), json!("GET k")).await, "OK");
    }
    assert_eq!(target.connections(), 2);
}

#[tokio::test]
async fn a_write_that_was_sent_is_not_sent_again() {
    let target = dies_on_second().await;
    let world = World::new();
    world.reply(&target.url(), json!("GET k")).await;
    let error = world.error(json!({"url": target.url(), "command": "INCR k"})).await;
    assert_eq!((error.code, target.connections()), ("redis.closed", 1));
}
