//! Connections that are kept: used again, found dead, replaced, left alone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use crate::surroundings::World;
use crate::target::{Target, read_head};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Answers `count` requests on each connection, then closes it.
async fn answers_times(count: usize, last: &'static [u8]) -> (Target, Arc<Notify>) {
    let closed = Arc::new(Notify::new());
    let tell = Arc::clone(&closed);
    let target = Target::new(move |mut stream, _| {
        let tell = Arc::clone(&tell);
        async move {
            for number in 0..count {
                read_head(&mut stream).await;
                let extra = if number + 1 == count { last } else { b"" };
                let _ = stream.write_all(&[ANSWER, extra].concat()).await;
            }
            drop(stream);
            tell.notify_one();
        }
    })
    .await;
    (target, closed)
}

#[tokio::test]
async fn a_connection_that_the_target_closed_meanwhile_is_replaced() {
    let (target, closed) = answers_times(1, b"").await;
    let world = World::new();
    for number in 1..=3 {
        // Also a POST: it is seen before anything is sent.
        let out = world.ok(json!({"method": "POST", "url": target.url("/"), "text": "x"})).await;
        assert_eq!(out["text"], "ok");
        assert_eq!(target.connections(), number);
        closed.notified().await;
    }
}

#[tokio::test]
async fn bytes_that_nobody_asked_for_end_a_connection() {
    let garbage = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let (target, closed) = answers_times(2, garbage).await;
    let world = World::new();
    let with = json!({"url": target.url("/")});
    for expected in [1, 1, 2, 2] {
        assert_eq!(world.ok(with.clone()).await["text"], "ok");
        assert_eq!(target.connections(), expected);
    }
    closed.notified().await;
}

/// Takes a second request on its first connection and closes without an answer.
async fn dies_on_second() -> Target {
    Target::new(|mut stream, number| async move {
        loop {
            if read_head(&mut stream).await.is_empty() {
                return;
            }
            let _ = stream.write_all(ANSWER).await;
            if number == 0 {
                read_head(&mut stream).await;
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_that_dies_under_a_get_is_replaced_once() {
    let target = dies_on_second().await;
    let world = World::new();
    for _ in 0..3 {
        assert_eq!(world.ok(json!({"url": target.url("/")})).await["text"], "ok");
    }
    assert_eq!(target.connections(), 2);
}

#[tokio::test]
async fn a_post_that_was_sent_is_not_sent_again() {
    let target = dies_on_second().await;
    let world = World::new();
    world.ok(json!({"url": target.url("/")})).await;
    let error = world.error(json!({"method": "POST", "url": target.url("/")})).await;
    assert!(matches!(error.code, "http.incomplete" | "http.reset"), "{error:?}");
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn keep_alive_off_is_respected() {
    let target = Target::honest(|_| async {
        hyper::Response::builder().header("connection", "close").body(Bytes::new()).unwrap()
    })
    .await;
    let world = World::new();
    for number in 1..=3 {
        world.ok(json!({"url": target.url("/")})).await;
        assert_eq!(target.connections(), number);
    }
}

#[tokio::test]
async fn different_settings_do_not_share_a_connection() {
    let target = Target::echo().await;
    let world = World::new();
    world.ok(json!({"url": target.url("/")})).await;
    world.ok(json!({"url": target.url("/"), "version": "1.1"})).await;
    world.ok(json!({"url": target.url("/"), "proxy": target.url("")})).await;
    assert_eq!(target.connections(), 3);
}

#[tokio::test]
async fn many_at_once_all_get_their_own_answer() {
    let target = Target::echo().await;
    let world = Arc::new(World::new());
    let calls = (0..64).map(|number| {
        let (world, url) = (Arc::clone(&world), target.url(&format!("/{number}")));
        async move { (number, world.ok(json!({"url": url})).await) }
    });
    for (number, out) in futures_util::future::join_all(calls).await {
        assert_eq!(out["body"]["uri"], format!("/{number}"));
    }
    assert!(target.connections() <= 64);
}

#[tokio::test]
async fn a_stop_ends_a_request_and_its_connection() {
    let (told, heard) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, end) = (Arc::clone(&told), Arc::clone(&heard));
    let target = Target::new(move |mut stream, _| {
        let (tell, end) = (Arc::clone(&tell), Arc::clone(&end));
        async move {
            read_head(&mut stream).await;
            tell.notify_one();
            // Ends when the other side closes.
            read_head(&mut stream).await;
            end.notify_one();
        }
    })
    .await;
    let world = World::new();
    let stop = world.stop.clone();
    let stopping = async {
        told.notified().await;
        stop.cancel();
    };
    let (error, ()) = tokio::join!(world.error(json!({"url": target.url("/")})), stopping);
    assert_eq!(error.code, "step.stopped");
    assert!(error.message.contains("waiting for the first byte"), "{error:?}");
    tokio::time::timeout(Duration::from_secs(5), heard.notified()).await.unwrap();
}
