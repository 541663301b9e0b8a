//! `--on aws` when there is nothing to run on: what is said, and that it is said soon.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use assay_services::Services;

use crate::typed::{Came, Place};

const FLOW: &str = "\
name: fine
steps:
  - {id: order, type: http, with: {url: http://shop/order}, assert: status == 200}
";
/// Within this everything must have been said.
const SOON: Duration = Duration::from_secs(25);

/// The command with these variables and none of the machine's own credentials.
fn command(place: &Place, words: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = place.command(words);
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", place.path(""));
    command.envs(variables.iter().copied());
    command
}

fn assay(place: &Place, words: &[&str], variables: &[(&str, &str)]) -> Came {
    let begin = tokio::time::Instant::now();
    let came = Came::of(command(place, words, variables).output().unwrap());
    assert!(begin.elapsed() < SOON, "{words:?} took {:?}", begin.elapsed());
    came
}

fn credentials(url: &str) -> [(&str, &str); 4] {
    [("AWS_ENDPOINT_URL", url), ("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "1"), ("AWS_SECRET_ACCESS_KEY", "2")]
}

/// A service that gives everybody the same answer.
fn service(status: u16, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 16 * 1024]);
            let head = format!("HTTP/1.1 {status} No\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
            let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
        }
    });
    url
}

#[test]
fn a_stack_that_is_not_there_is_named_with_its_region() {
    let place = Place::new(&[("fine.yaml", FLOW)]);
    let account = "000000000777";
    let emulator = Services::shared().aws_environment(account);
    let variables: Vec<(&str, &str)> = emulator.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for words in [
        &["run", "fine.yaml", "--on", "aws", "--stack", "nowhere"][..],
        &["executions", "--on", "aws", "--stack", "nowhere"],
        &["show", "latest", "--on", "aws", "--stack", "nowhere"],
        &["events", "latest", "--on", "aws", "--stack", "nowhere"],
        &["cancel", "latest", "--on", "aws", "--stack", "nowhere"],
        &["signal", "latest", "go", "--on", "aws", "--stack", "nowhere"],
    ] {
        let came = assay(&place, words, &variables).ends_with(2);
        assert!(came.err.contains("find the stack nowhere in us-east-1"), "{words:?}: {}", came.err);
    }
    assert!(!place.path(".assay").exists(), "nothing is kept here");
}

#[test]
fn what_keeps_it_from_aws_is_said_with_what_to_do() {
    let place = Place::new(&[("fine.yaml", FLOW)]);
    let run = ["run", "fine.yaml", "--on", "aws"];
    let nobody = [("AWS_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    let came = assay(&place, &run, &nobody).ends_with(3);
    assert!(came.err.contains("no usable AWS credentials") && came.err.contains("--profile"), "{}", came.err);

    let came = assay(&place, &[&run[..], &["--profile", "ann"]].concat(), &nobody).ends_with(3);
    assert!(came.err.contains("ann"), "{}", came.err);

    let came = assay(&place, &run, &credentials("http://127.0.0.1:1")).ends_with(3);
    assert!(came.err.contains("could not be reached") && came.err.contains("AWS_ENDPOINT_URL"), "{}", came.err);

    let without_region = [("AWS_ACCESS_KEY_ID", "1"), ("AWS_SECRET_ACCESS_KEY", "2")];
    let came = assay(&place, &run, &without_region).ends_with(3);
    assert!(came.err.contains("no region is named"), "{}", came.err);

    let expired = r#"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The token is expired"}"#;
    let came = assay(&place, &run, &credentials(&service(403, expired))).ends_with(3);
    assert!(came.err.contains("have expired: sign in again"), "{}", came.err);

    let denied = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","message":"User: ann is not authorized to perform: sqs:getqueueurl on resource: arn:aws:sqs:us-east-1:1:x"}"#;
    let came = assay(&place, &run, &credentials(&service(403, denied))).ends_with(3);
    assert!(came.err.contains("not authorized to perform: sqs:getqueueurl"), "{}", came.err);
}

#[test]
fn what_a_server_forbids_is_found_before_anything_is_asked() {
    let bad = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/flows/bad/server-only.yaml"));
    let place = Place::new(&[("bad.yaml", &bad.unwrap()), ("fine.yaml", FLOW)]);
    let came = assay(&place, &["run", "bad.yaml", "--on", "aws"], &[]).ends_with(2);
    for said in ["a server gives flows no `env()`", "a server opens no SQLite file", "a path of the machine"] {
        assert!(came.err.contains(said), "{said}: {}", came.err);
    }
    let here = assay(&place, &["validate", "fine.yaml"], &[]);
    here.ends_with(0);
}

#[test]
fn words_that_do_not_go_together_are_refused() {
    let place = Place::new(&[("fine.yaml", FLOW)]);
    let cases: &[(&[&str], &str)] = &[
        (&["run", "fine.yaml", "--stack", "dev"], "--on"),
        (&["run", "fine.yaml", "--on", "aws", "--store", "x"], "cannot be used with"),
        (&["run", "fine.yaml", "--on", "aws", "--no-store"], "cannot be used with"),
        (&["run", "fine.yaml", "--on", "moon"], "possible values: aws"),
        (&["run", "fine.yaml", "--on", "aws", "--stack", "No_Such"], "is no name of a stack"),
        (&["resume", "--on", "aws"], "goes on by itself"),
    ];
    for (words, said) in cases {
        let came = assay(&place, words, &[]).ends_with(2);
        assert!(came.err.contains(said), "{words:?}: {}", came.err);
    }
}
