//! Answers with a few bytes changed: each leads to an answer or to a clear error, in time, and never to a panic.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::liar::{Liar, message, mysql_until_answer, packet, postgres_until_answer};
use crate::surroundings::World;

/// How many answers are tried for each protocol.
const TRIES: u64 = 300;

/// A small generator: the same bytes in every run (Knuth, MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    /// The answer with up to four bytes changed, and sometimes cut short.
    fn mutated(&mut self, answer: &[u8]) -> Vec<u8> {
        let mut answer = answer.to_vec();
        for _ in 0..=self.roll(4) {
            let at = self.roll(answer.len());
            answer[at] = [0, 1, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff][self.roll(10)];
        }
        if self.roll(4) == 0 {
            answer.truncate(self.roll(answer.len()));
        }
        answer
    }
}

async fn each_is_understood(liar: Liar, url: String) {
    let mut world = World::new();
    // Some announce what never comes.
    world.timeout = Duration::from_secs(2);
    let mut answered = 0;
    for _ in 0..TRIES {
        match world.run(json!({"url": url, "query": "select v from t"})).await {
            Ok(_) => answered += 1,
            Err(error) => assert!(error.code.starts_with("sql."), "{error:?}"),
        }
    }
    assert_eq!(u64::try_from(liar.connections()).unwrap(), TRIES);
    assert!(answered < TRIES, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_postgres_with_changed_bytes_is_an_answer_or_an_error() {
    let row = message(b'D', &[&[0, 2][..], &[0, 0, 0, 2], b"42", &[255; 4]].concat());
    let valid = [row.clone(), row, message(b'C', b"SELECT 2\0"), message(b'3', b""), message(b'Z', b"I")].concat();
    let dice = Arc::new(std::sync::Mutex::new(Dice(7)));
    let liar = Liar::new(move |mut stream| {
        let answer = dice.lock().unwrap().mutated(&valid);
        async move {
            postgres_until_answer(&mut stream).await;
            let _ = stream.write_all(&answer).await;
        }
    })
    .await;
    let url = liar.postgres();
    each_is_understood(liar, url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_mysql_with_changed_bytes_is_an_answer_or_an_error() {
    let column = b"\x03def\0\0\0\x01v\0\x0c\x2d\0\xff\0\0\0\xfd\0\0\0\0\0";
    let parts: [&[u8]; 5] = [b"\x01", column, b"\0\0\x0242", b"\0\x04", b"\xfe\0\0\x02\0\0\0"];
    let valid: Vec<u8> = parts.iter().zip(1..).flat_map(|(part, number)| packet(number, part)).collect();
    let dice = Arc::new(std::sync::Mutex::new(Dice(7)));
    let liar = Liar::new(move |mut stream| {
        let answer = dice.lock().unwrap().mutated(&valid);
        async move {
            mysql_until_answer(&mut stream).await;
            let _ = stream.write_all(&answer).await;
        }
    })
    .await;
    let url = liar.mysql();
    each_is_understood(liar, url).await;
}
