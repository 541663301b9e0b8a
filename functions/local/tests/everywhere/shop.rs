//! The demo shop as a process of its own, wired to the systems that `scripts/services` has started.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use assay_services::Services;
use serde_json::Value as Json;

/// A running shop; it ends with this value.
pub(crate) struct Shop {
    process: Child,
    url: String,
    environment: PathBuf,
}

/// What a run came to.
pub(crate) struct Came {
    pub(crate) code: i32,
    pub(crate) records: Vec<Json>,
    pub(crate) err: String,
}

impl Shop {
    /// The shop of this number, with this lie; it is up when this comes back.
    pub(crate) fn start(services: &Services, number: usize, lie: Option<&str>) -> Self {
        let url = services.described("prometheus")["shops"][number].as_str().unwrap().to_owned();
        let environment = services.folder().join("environment.yaml");
        let port = url.rsplit_once(':').unwrap().1;
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(["demo", "--shop-only", "--port", port, "--env"]).arg(&environment);
        if let Some(lie) = lie {
            command.args(["--lie", lie]);
        }
        let mut process = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut err = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("shop is up") {
            assert_ne!(err.read_line(&mut said).unwrap(), 0, "the shop did not start: {said}");
        }
        // What else it says must not fill the pipe.
        std::thread::spawn(move || err.read_to_string(&mut String::new()));
        Self { process, url, environment }
    }

    /// Runs `examples/everywhere.yaml` against it.
    pub(crate) fn run_everywhere(&self) -> Came {
        let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/everywhere.yaml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.arg("run").arg(flow).arg("--env").arg(&self.environment);
        command.args(["--input", &format!("baseUrl={}", self.url), "--json", "--no-store"]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let records = String::from_utf8(output.stdout).unwrap();
        Came {
            code: output.status.code().unwrap(),
            records: records.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
