//! Who signs in, over what.

use assay_services::Services;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncWriteExt, BufReader};

use crate::surroundings::{World, fresh};
use crate::target::{Target, read_command};

/// The shared server's address without the user.
fn bare(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    format!("{scheme}://{}", rest.rsplit('@').next().unwrap())
}

#[tokio::test]
async fn a_user_may_do_what_its_rules_say() {
    let world = World::new();
    let url = Services::shared().redis_url();
    let whoami = world.reply(url, json!("ACL WHOAMI")).await;
    assert_eq!(whoami, "app");
    for command in [json!(["GET", "foreign:key"]), json!("FLUSHALL")] {
        let error = world.error(json!({"url": url, "command": command})).await;
        assert!(error.code == "redis.command" && error.message.contains("NOPERM"), "{error:?}");
    }
}

#[tokio::test]
async fn credentials_are_checked_and_never_told() {
    let url = bare(Services::shared().redis_url());
    for (with, says) in [
        (json!({}), "NOAUTH"),
        (json!({"username": "app", "password": "wrong-sesame"}), "WRONGPASS"),
        (json!({"password": "wrong-sesame"}), "WRONGPASS"),
        (json!({"username": "nobody", "password": "wrong-sesame"}), "WRONGPASS"),
    ] {
        let mut with: Json = with;
        with["url"] = json!(url);
        with["command"] = json!("PING");
        let error = World::new().error(with).await;
        assert!(error.code == "redis.auth" && error.message.contains(says), "{error:?}");
        assert!(!error.message.contains("sesame"), "{error:?}");
    }
}

#[tokio::test]
async fn credentials_may_stand_beside_the_url() {
    let url = Services::shared().redis_url();
    let rest = url.strip_prefix("redis://").unwrap();
    let (user, password) = rest.split_once('@').unwrap().0.split_once(':').unwrap();
    let with = json!({"url": bare(url), "username": user, "password": password, "command": "ACL WHOAMI"});
    assert_eq!(World::new().ok(with).await["reply"], user);
}

#[tokio::test]
async fn a_database_is_selected() {
    let world = World::new();
    let url = Services::shared().redis_admin_url();
    let key = fresh("db");
    let with = |db: u32, command: Json| json!({"url": url, "db": db, "command": command});
    world.ok(with(3, json!(["SET", key, "three"]))).await;
    assert_eq!(world.ok(with(0, json!(["GET", key]))).await["reply"], Json::Null);
    assert_eq!(world.reply(&format!("{url}/3"), json!(["GET", key])).await, "three");
    let error = world.error(with(4_000_000, json!("PING"))).await;
    assert!(error.code == "redis.command" && error.message.contains("SELECT"), "{error:?}");
}

#[tokio::test]
async fn tls_is_verified_unless_it_is_not_to_be() {
    let services = Services::shared();
    let url = services.redis_tls_url();
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    let with = |tls: Json| json!({"url": url, "command": "PING", "tls": tls});
    let world = World::new().file("ca.pem", read(services.tls_ca()));
    assert_eq!(world.ok(with(json!({"ca": "ca.pem"}))).await["reply"], "PONG");
    assert_eq!(world.ok(with(json!({"ca": read(services.tls_ca())}))).await["reply"], "PONG");
    assert_eq!(world.ok(with(json!({"verify": false}))).await["reply"], "PONG");
    for tls in [json!({}), json!({"ca": read(services.tls_other_ca())})] {
        let error = World::new().error(with(tls)).await;
        assert!(error.code == "redis.tls" && error.message.contains("nobody trusted"), "{error:?}");
    }
    // And kept connections are kept apart by their trust.
    assert_eq!(world.error(with(json!({}))).await.code, "redis.tls");
}

/// A server from before RESP3: it knows AUTH and answers HELLO as any unknown command.
async fn older(password: &'static str) -> Target {
    Target::new(move |stream, _| async move {
        let mut stream = BufReader::new(stream);
        while let Some(command) = read_command(&mut stream).await {
            let answer = match (command[0].as_str(), command.last().unwrap().as_str()) {
                ("AUTH", word) if word == password => "+OK\r\n",
                ("AUTH", _) => "-ERR invalid password\r\n",
                ("HGETALL", _) => "*2\r\n$1\r\na\r\n$1\r\n1\r\n",
                _ => "-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n",
            };
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_server_without_resp3_is_asked_as_it_was_then() {
    let target = older("sesame").await;
    let with = |password: &str| json!({"url": target.url(), "password": password, "command": "HGETALL h"});
    let world = World::new();
    assert_eq!(world.ok(with("sesame")).await["reply"], json!(["a", "1"]));
    assert_eq!(world.error(with("other")).await.code, "redis.auth");
}
