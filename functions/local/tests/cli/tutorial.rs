//! The tutorial works as it is typed: its blocks are taken out of the page and run against the demo's shop.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What stands behind the three backticks, and the text of the block.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (inside, line.strip_prefix("```")) {
            (false, Some(info)) => {
                found.push((info.to_owned(), String::new()));
                inside = true;
            }
            (true, Some(_)) => inside = false,
            (true, None) => found.last_mut().unwrap().1.push_str(&format!("{line}\n")),
            (false, None) => {}
        }
    }
    found
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn shell(script: &str, folder: &Path) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_assay"));
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.parent().unwrap().display());
    let mut command = Command::new("sh");
    command.args(["-eu", "-c", script]).current_dir(folder).env_clear();
    command.env("PATH", path).env("USER", "ann").stdin(Stdio::null());
    command
}

#[test]
fn the_tutorial_works_as_it_is_typed() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial.md")).unwrap();
    let port = free_port().to_string();
    let place = tempfile::tempdir().unwrap();
    let mut folder = place.path().to_owned();
    let mut shop = None;
    let mut typed = 0;
    for (info, text) in blocks(&page) {
        let text = text.replace("8080", &port);
        let mut words = info.split(' ');
        let (kind, rest) = (words.next().unwrap_or_default(), words.collect::<Vec<_>>());
        let named = |key: &str| rest.iter().find_map(|word| word.strip_prefix(key));
        if let Some(file) = named("file=") {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        } else if kind == "sh" && named("terminal=").is_some() {
            let mut child = shell(&format!("exec {text}"), &folder).stderr(Stdio::piped()).spawn().unwrap();
            let mut said = String::new();
            BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
            assert!(said.contains("a small shop is up"), "{said}");
            shop = Some(Ended(child));
        } else if kind == "sh" {
            let expected: i32 = named("exit=").map_or(0, |code| code.parse().unwrap());
            let output = shell(&text, &folder).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let told = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(expected), "{text}\n{told}\n{said}");
            if text.contains("cd shop-tests") {
                folder = folder.join("shop-tests");
            }
            typed += 1;
        }
    }
    assert!(typed >= 12 && shop.is_some(), "{typed} blocks were typed");
}
