//! The other way to have the systems: `localstack/compose.yaml`, by hand or for what cannot be had natively.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use saphyr_parser::{Event, Parser};

use crate::script::{self, Folder, described, printed};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Every text in compose.yaml: keys and values alike.
fn texts() -> Vec<String> {
    let text = fs::read_to_string(format!("{ROOT}/localstack/compose.yaml")).unwrap();
    let events = Parser::new_from_str(&text).map(|event| event.expect("compose.yaml is YAML").0);
    let scalar = |event| if let Event::Scalar(text, ..) = event { Some(text.into_owned()) } else { None };
    events.filter_map(scalar).collect()
}

/// What a Python expression over the script's modules gives, a line each.
fn python(expression: &str) -> Vec<String> {
    let code = format!(
        "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, '{ROOT}/scripts/lib')\n\
         from services import aws, command, containers, dynamodb, kafka, loki, postgres, redis\n\
         print('\\n'.join({expression}))"
    );
    let output = Command::new("python3").args(["-c", &code]).output().unwrap();
    printed(output).lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}

#[test]
fn compose_offers_every_system_on_ports_that_the_script_can_choose_on_loopback() {
    let texts = texts();
    for name in python("command.SYSTEMS") {
        assert!(texts.contains(&name), "compose.yaml has no {name}");
    }
    let published: Vec<&String> =
        texts.iter().filter(|text| text.contains("_PORT:-") && !text.contains('\n')).collect();
    assert!(published.iter().all(|text| text.starts_with("127.0.0.1:${ASSAY_")), "{published:?}");
    // Loki's and Kafka's ports for themselves are published nowhere.
    let inner = ["ASSAY_LOKI_GRPC_PORT", "ASSAY_KAFKA_CONTROLLER_PORT"];
    let all = "containers.variable(s.name, p) for s in command.SYSTEMS.values() for p in s.ports";
    for variable in python(&format!("[{all}]")).iter().filter(|variable| !inner.contains(&variable.as_str())) {
        let count = published.iter().filter(|text| text.contains(&format!("${{{variable}:-"))).count();
        assert_eq!(count, 1, "{variable}");
    }
}

#[test]
fn compose_has_the_users_and_settings_of_the_script() {
    let texts: Vec<String> =
        texts().iter().flat_map(|text| text.lines()).map(|line| line.trim_end_matches(';').to_owned()).collect();
    let mut expected = python("redis.CONF.splitlines()[-2:]");
    expected.extend(python("postgres.ROLES.splitlines()"));
    expected.extend(python("kafka.SASL.format('sasl').splitlines() + kafka.SASL.format('sasltls').splitlines()"));
    let own = ["inter.broker.listener.name=", "num.network", "num.io", "log."]; // what differs in a container, or matters not
    let settings = python("kafka.SETTINGS.splitlines()");
    expected.extend(settings.into_iter().filter(|line| !own.iter().any(|prefix| line.starts_with(prefix))));
    for line in expected {
        let line = line.trim_end_matches(';');
        assert!(texts.iter().any(|text| text == line), "compose.yaml does not say: {line}");
    }
    assert!(texts.contains(&format!("grafana/loki:{}", python("[loki.VERSION]")[0])));
    let emulator = format!("\"ministack[full]=={}\"", python("[aws.VERSION]")[0]);
    assert!(texts.iter().any(|text| text.contains(&emulator)), "compose.yaml does not say {emulator}");
    assert!(texts.contains(&format!("amazon/dynamodb-local:{}", python("[dynamodb.VERSION]")[0])));
    assert!(texts.contains(&format!("apache/kafka:{}", python("[kafka.VERSION]")[0])));
}

/// Stands in for Docker: keeps what it was asked, and serves `/ready` on Loki's port while "its container" runs.
const DOCKER: &str = r#"#!/bin/sh
here=${0%/*}
echo "$* port=$ASSAY_LOKI_PORT tls=$ASSAY_TLS" >>"$here/asked"
case "$*" in
  *" up "*) python3 -m http.server "$ASSAY_LOKI_PORT" --bind 127.0.0.1 --directory "$here" </dev/null >/dev/null 2>&1 & echo $! >"$here/pid" ;;
  *" ps "*) if [ -f "$here/pid" ]; then echo some-container; fi ;;
  *" kill "*|*" stop "*|*" rm "*) if [ -f "$here/pid" ]; then kill -9 "$(cat "$here/pid")"; rm "$here/pid"; fi ;;
esac
"#;

/// A machine with Docker, and with nothing that could bring Loki natively.
struct Machine {
    programs: tempfile::TempDir,
    cache: tempfile::TempDir,
    set: Folder,
}

impl Machine {
    fn new() -> Self {
        let programs = tempfile::tempdir().unwrap();
        for name in ["sh", "cat", "mv", "rm", "chmod", "openssl", "git"] {
            symlink(on_path(name), programs.path().join(name)).unwrap();
        }
        let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
        let python = printed(python);
        fs::write(programs.path().join("python3"), format!("#!/bin/sh\nexec {} \"$@\"\n", python.trim())).unwrap();
        fs::write(programs.path().join("docker"), DOCKER).unwrap();
        fs::write(programs.path().join("ready"), "ready").unwrap();
        for name in ["python3", "docker"] {
            fs::set_permissions(programs.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { programs, cache: tempfile::tempdir().unwrap(), set: Folder::new() }
    }

    fn output(&self, words: &[&str]) -> Output {
        let mut command = script::command(self.set.path(), words);
        command.env("PATH", self.programs.path()).env("ASSAY_CACHE", self.cache.path()).output().unwrap()
    }

    /// Runs the script, and gives what it asked of Docker meanwhile.
    fn run(&self, words: &[&str]) -> String {
        let asked = self.programs.path().join("asked");
        let _ = fs::remove_file(&asked);
        printed(self.output(words));
        fs::read_to_string(asked).unwrap_or_default()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.output(&["stop", "--remove"]);
    }
}

fn on_path(name: &str) -> PathBuf {
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap();
    Path::new(printed(found).trim()).to_owned()
}

#[test]
fn what_cannot_be_had_natively_comes_as_a_container_on_the_same_ports() {
    let machine = Machine::new();
    let asked = machine.run(&["start", "loki"]);
    assert!(asked.contains("/localstack/compose.yaml up -d --no-deps loki port="), "{asked}");
    assert!(asked.contains(&format!("tls={}", machine.set.path().join("tls").display())), "{asked}");
    let loki = described(machine.set.path())["loki"].clone();
    assert!(loki["container"].as_str().unwrap().starts_with("assay-") && loki["pid"].is_null(), "{loki}");

    assert!(!machine.run(&["start", "loki"]).contains(" up "), "a second start finds it running");
    assert!(machine.run(&["pause", "loki"]).contains(" pause loki"));
    assert!(machine.run(&["resume", "loki"]).contains(" unpause loki"));
    assert!(machine.run(&["kill", "loki"]).contains(" kill loki"));
    assert!(!machine.output(&["status", "loki"]).status.success());
    assert!(machine.run(&["restart", "loki"]).contains(&format!(" up -d --no-deps loki port={}", loki["port"])));
    assert_eq!(described(machine.set.path())["loki"], loki);
    assert!(machine.run(&["stop", "--remove"]).contains(" rm -s -f -v loki"));
}

#[test]
fn what_cannot_be_had_at_all_is_named_with_what_to_do_and_the_rest_starts() {
    let machine = Machine::new();
    fs::remove_file(machine.programs.path().join("docker")).unwrap();
    symlink(on_path("redis-server"), machine.programs.path().join("redis-server")).unwrap();
    let output = machine.output(&["start", "redis", "loki"]);
    assert_eq!(output.status.code(), Some(1));
    let (said, complained) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(said.contains("redis       ready in"), "{said}");
    assert!(complained.contains("loki        could not be had: put `loki` on the PATH"), "{complained}");
}
