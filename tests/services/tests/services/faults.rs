//! What goes wrong around the script itself.

use std::io::Write;
use std::net::TcpListener;
use std::process::Command;

use crate::redis::Client;
use crate::script::{Folder, command, described, printed, run};

/// The one process of Redis in a set, which answers.
fn redis(folder: &Folder) -> String {
    let described = described(folder.path());
    let redis = &described["redis"];
    let mut client = Client::connect(&format!("127.0.0.1:{}", redis["port"]));
    assert_eq!(client.ask("PING"), "+PONG");
    redis["pid"].to_string()
}

#[test]
fn a_second_start_finds_everything_running() {
    let folder = Folder::new();
    assert!(run(folder.path(), &["start", "redis"]).contains("ready in"));
    let pid = redis(&folder);
    assert!(run(folder.path(), &["start", "redis"]).contains("runs already"));
    assert_eq!(redis(&folder), pid);
}

#[test]
fn starts_beside_each_other_start_one_server() {
    let folder = Folder::new();
    let starts: Vec<_> = (0..4).map(|_| command(folder.path(), &["start", "redis"]).spawn().unwrap()).collect();
    let texts: Vec<String> = starts.into_iter().map(|start| printed(start.wait_with_output().unwrap())).collect();
    assert_eq!(texts.iter().filter(|text| text.contains("ready in")).count(), 1, "{texts:?}");
    assert_eq!(texts.iter().filter(|text| text.contains("runs already")).count(), 3, "{texts:?}");
    redis(&folder);
}

#[test]
fn a_second_stop_is_no_error() {
    let folder = Folder::new();
    run(folder.path(), &["start", "redis"]);
    assert!(run(folder.path(), &["stop", "redis"]).contains("stopped"));
    assert!(run(folder.path(), &["stop", "redis"]).contains("did not run"));
    assert!(described(folder.path())["redis"].is_null());
}

#[test]
fn a_script_killed_at_any_moment_leaves_nothing_that_the_next_start_does_not_know() {
    let folder = Folder::new();
    // Each is killed a little later than the one before: while it reads, prepares, launches, waits.
    for step in 0..12 {
        let mut start = command(folder.path(), &["start", "redis"]).spawn().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let _ = receiver.recv_timeout(std::time::Duration::from_millis(step * 25));
        drop(sender);
        start.kill().unwrap();
        start.wait().unwrap();
        run(folder.path(), &["start", "redis"]);
        let pid = redis(&folder);
        assert_eq!(servers_of(&folder), [pid], "killed after {} ms", step * 25);
        run(folder.path(), &["stop", "redis"]);
        assert!(servers_of(&folder).is_empty());
    }
}

/// The pids of the Redis servers that a set's folder holds the settings of.
fn servers_of(folder: &Folder) -> Vec<String> {
    let data = std::fs::canonicalize(folder.path().join("data")).unwrap();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let Ok(link) = std::fs::read_link(entry.path().join("cwd")) else { continue };
        let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if link == data.join("redis") && name.starts_with("redis") {
            found.push(entry.file_name().into_string().unwrap());
        }
    }
    found
}

#[test]
fn a_port_that_somebody_else_took_is_exchanged_by_start_and_reported_by_restart() {
    let folder = Folder::new();
    run(folder.path(), &["start", "redis"]);
    let port = described(folder.path())["redis"]["port"].as_u64().unwrap();
    run(folder.path(), &["stop", "redis"]);
    let _taken = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();

    let refused = command(folder.path(), &["restart", "redis"]).output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("somebody has taken one of its ports") && said.contains(&port.to_string()), "{said}");

    run(folder.path(), &["start", "redis"]);
    assert_ne!(described(folder.path())["redis"]["port"], port);
    redis(&folder);
}

#[test]
fn a_pid_that_belongs_to_somebody_else_now_is_not_mistaken_for_the_server() {
    let folder = Folder::new();
    run(folder.path(), &["start", "redis"]);
    run(folder.path(), &["kill", "redis"]);
    // As if this very test had got the pid of the dead server.
    let mine = std::fs::read_to_string("/proc/self/stat").unwrap();
    let mut fields: Vec<&str> = mine.split(' ').collect();
    fields[21] = "1";
    let mut file = std::fs::File::create(folder.path().join("run/redis.pid")).unwrap();
    file.write_all(fields.join(" ").as_bytes()).unwrap();

    assert!(run(folder.path(), &["start", "redis"]).contains("ready in"));
    assert_ne!(redis(&folder), std::process::id().to_string());
}

#[test]
fn a_server_that_does_not_come_up_is_reported_with_the_end_of_its_log() {
    let folder = Folder::new();
    run(folder.path(), &["start", "redis"]);
    run(folder.path(), &["stop", "redis"]);
    let kept = folder.path().join("data/redis/appendonlydir/appendonly.aof.manifest");
    std::fs::write(kept, "no manifest").unwrap();
    let output = command(folder.path(), &["start", "redis"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("its log ends") && said.contains("manifest"), "{said}");
}

#[test]
fn the_set_of_a_dead_process_is_removed_by_the_next_start() {
    let owned = tempfile::Builder::new().prefix("assay-own-").tempdir().unwrap().keep();
    let mut owner = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    run(&owned, &["start", "redis", "--owner", &owner.id().to_string()]);
    let port = described(&owned)["redis"]["port"].as_u64().unwrap();
    owner.kill().unwrap();
    owner.wait().unwrap();
    let folder = Folder::new();
    run(folder.path(), &["start", "redis"]);
    assert!(!owned.exists());
    assert!(std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err());
}

#[test]
fn a_set_runs_as_long_as_one_of_its_processes_wants_it() {
    let folder = Folder::new();
    let mut owners: Vec<_> =
        (0..2).map(|_| Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap()).collect();
    let ids: Vec<String> = owners.iter().map(|owner| owner.id().to_string()).collect();
    for id in &ids {
        run(folder.path(), &["start", "redis", "--owner", id]);
    }
    assert!(run(folder.path(), &["stop", "--owner", &ids[0]]).contains("they stay"));
    redis(&folder);
    run(folder.path(), &["start", "redis", "--owner", &ids[0]]);
    // One that died without a word wants nothing.
    owners[1].kill().unwrap();
    owners[1].wait().unwrap();
    assert!(run(folder.path(), &["stop", "--owner", &ids[0]]).contains("stopped"));
    owners[0].kill().unwrap();
    owners[0].wait().unwrap();
}

#[test]
fn a_set_started_by_hand_stays_when_a_process_is_done_with_it() {
    let folder = Folder::new();
    let me = std::process::id().to_string();
    run(folder.path(), &["start", "redis"]);
    run(folder.path(), &["start", "redis", "--owner", &me]);
    assert!(run(folder.path(), &["stop", "--owner", &me]).contains("they stay"));
    redis(&folder);
    assert!(run(folder.path(), &["stop"]).contains("stopped"));
}

#[test]
fn every_server_listens_on_loopback_only() {
    let folder = Folder::new();
    run(folder.path(), &["start", "postgres", "mariadb", "redis", "prometheus", "aws", "dynamodb"]);
    let described = described(folder.path());
    for name in ["postgres", "mariadb", "redis", "prometheus", "aws", "dynamodb"] {
        let inodes = sockets_of(&described[name]["pid"].to_string());
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            for line in std::fs::read_to_string(table).unwrap().lines().skip(1) {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let loopback =
                    fields[1].starts_with("0100007F") || fields[1].starts_with("0000000000000000FFFF00000100007F");
                assert!(fields[3] != "0A" || loopback || !inodes.contains(&fields[9].to_owned()), "{name}: {line}");
            }
        }
    }
}

/// The inodes of the sockets of a process.
fn sockets_of(pid: &str) -> Vec<String> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let name = |link: std::path::PathBuf| {
        link.to_string_lossy().strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned)
    };
    links.filter_map(name).collect()
}
