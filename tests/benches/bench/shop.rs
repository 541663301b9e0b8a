//! The demo shop as a process of its own, wired to the systems that `scripts/services` has started.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use assay_services::Services;

/// A running shop; it ends with this value.
pub(crate) struct Shop {
    process: Child,
    /// Where it is.
    pub(crate) url: String,
    /// The file that says where everything else is.
    pub(crate) environment: PathBuf,
}

impl Shop {
    /// Starts it on the last of the ports that Prometheus looks at; it is up when this comes back.
    pub(crate) fn start(assay: &str) -> Self {
        let services = Services::shared();
        let url = services.described("prometheus")["shops"].as_array().unwrap().last().unwrap().as_str().unwrap();
        let environment = services.folder().join("environment.yaml");
        let port = url.rsplit_once(':').unwrap().1;
        let mut command = Command::new(assay);
        command.args(["demo", "--shop-only", "--port", port, "--env"]).arg(&environment);
        let mut process = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut err = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("shop is up") {
            assert_ne!(err.read_line(&mut said).unwrap(), 0, "the shop did not start: {said}");
        }
        // What else it says must not fill the pipe.
        std::thread::spawn(move || err.read_to_string(&mut String::new()));
        Self { process, url: url.to_owned(), environment }
    }

    /// The options of a run against it.
    pub(crate) fn options(&self) -> [String; 4] {
        let environment = self.environment.to_str().unwrap().to_owned();
        ["--env".to_owned(), environment, "--input".to_owned(), format!("baseUrl={}", self.url)]
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
