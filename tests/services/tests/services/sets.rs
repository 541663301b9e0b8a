//! Sets of one's own: what a test can do to a system.

use std::io::{Read, Write};
use std::net::TcpStream;

use assay_services::Services;

use crate::redis::Client;

fn address(services: &Services) -> String {
    format!("127.0.0.1:{}", services.described("redis")["port"])
}

#[test]
fn a_killed_system_comes_back_on_its_port_with_its_data() {
    let services = Services::own(&["redis"]);
    let address = address(&services);
    assert_eq!(Client::connect(&address).ask("SET a 1"), "+OK");
    services.kill("redis");
    assert!(TcpStream::connect(&address).is_err(), "it still answers");
    services.restart("redis");
    assert_eq!(Client::connect(&address).ask("GET a"), "1");
}

#[test]
fn a_frozen_system_keeps_its_connections_and_answers_later() {
    let services = Services::own(&["redis"]);
    let mut client = Client::connect(&address(&services));
    services.pause("redis");
    client.send("PING");
    assert!(client.is_silent());
    services.resume("redis");
    assert_eq!(client.line(), "+PONG");
}

#[test]
fn a_stopped_system_is_gone_until_it_is_restarted() {
    let services = Services::own(&["redis"]);
    let address = address(&services);
    services.stop("redis");
    assert!(TcpStream::connect(&address).is_err(), "it still answers");
    services.restart("redis");
    assert_eq!(Client::connect(&address).ask("PING"), "+PONG");
}

#[test]
fn a_dropped_set_leaves_no_process_and_no_folder() {
    let services = Services::own(&["redis"]);
    let (address, folder) = (address(&services), services.folder().to_owned());
    drop(services);
    assert!(TcpStream::connect(address).is_err(), "it still answers");
    assert!(!folder.exists());
}

#[test]
fn two_sets_do_not_know_each_other() {
    let (one, other) = (Services::own(&["redis"]), Services::own(&["redis"]));
    assert_eq!(Client::connect(&address(&one)).ask("SET a 1"), "+OK");
    assert_eq!(Client::connect(&address(&other)).ask("GET a"), "$-1");
}

/// Asks Postgres to let `app` in: `R` asks for a password, `E` refuses.
fn postgres_says(port: &serde_json::Value) -> u8 {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let words = b"user\0app\0database\0app\0\0";
    let mut message = u32::try_from(words.len() + 8).unwrap().to_be_bytes().to_vec();
    message.extend([0, 3, 0, 0]);
    message.extend(words);
    stream.write_all(&message).unwrap();
    let mut kind = [0];
    stream.read_exact(&mut kind).unwrap();
    kind[0]
}

#[test]
fn a_killed_postgres_starts_again_though_nobody_reaped_it() {
    let services = Services::own(&["postgres"]);
    let port = &services.described("postgres")["port"];
    for _ in 0..2 {
        services.kill("postgres");
        services.restart("postgres");
        assert_eq!(postgres_says(port), b'R');
    }
}

#[test]
#[should_panic(expected = "bring one with Services::own")]
fn the_shared_set_is_not_killed() {
    Services::shared().kill("redis");
}

#[test]
#[should_panic(expected = "kafka does not run")]
fn a_system_that_does_not_run_is_named() {
    let _ = Services::own(&["redis"]).kafka_plain();
}
