//! A set of systems: shared or one's own, and what can happen to it.
#![expect(clippy::panic, reason = "only tests use this crate, and a test whose systems are missing must fail loudly")]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::script;

/// A set of running systems. Every accessor panics, and says what to do, when its system does not run.
#[derive(Debug)]
pub struct Services {
    folder: PathBuf,
    described: Json,
    /// The folder of a set of one's own.
    own: Option<TempDir>,
}

static SHARED: LazyLock<Services> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "tests have no host that reads the configuration")]
    let given = std::env::var_os("ASSAY_SERVICES").filter(|folder| !folder.is_empty());
    let folder = given.map_or_else(|| script::checkout().join(".services"), PathBuf::from);
    let mut services = Services { folder, described: Json::Null, own: None };
    services.read();
    services
});

impl Services {
    /// The set that all tests share: in `$ASSAY_SERVICES`, or in `.services` of the checkout. Never kill, restart, pause or
    /// stop anything in it.
    ///
    /// # Panics
    /// When it was not started.
    #[must_use]
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// A set of one's own with the named systems, on ports of its own, for as long as the value lives. Redis takes a tenth of
    /// a second, Postgres one, Kafka three to five. When the test's process is killed, the next start of any set removes it.
    ///
    /// # Panics
    /// When a system does not come up; the message ends with its log.
    #[must_use]
    pub fn own(names: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("assay-own-").tempdir();
        let folder = folder.unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        // From here on dropping it ends what was started.
        let mut services = Self { folder: folder.path().to_owned(), described: Json::Null, own: Some(folder) };
        services.run(&[&["start", "--owner", &std::process::id().to_string()], names].concat());
        services.read();
        services
    }

    fn read(&mut self) {
        let file = self.folder.join("services.json");
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}: run `scripts/services start` first", file.display()));
        self.described = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    fn run(&self, words: &[&str]) {
        script::services(&self.folder, words).unwrap_or_else(|why| panic!("{why}"));
    }

    fn act(&self, what: &str, name: &str) {
        assert!(self.own.is_some(), "{what} {name}: others use the shared set, bring one with Services::own");
        self.run(&[what, name]);
    }

    /// The folder of the set; `log/NAME.log` in it holds what a system printed.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What `services.json` says of a system: everything a test may need, by name.
    ///
    /// # Panics
    /// When the system does not run in this set.
    #[must_use]
    pub fn described(&self, name: &str) -> &Json {
        let found = self.described.get(name);
        found.unwrap_or_else(|| panic!("{name} does not run: `scripts/services start {name}` first"))
    }

    /// A text that `services.json` says of a system: `text("redis", "socket")`.
    ///
    /// # Panics
    /// When the system does not run in this set, or has no such text.
    #[must_use]
    pub fn text(&self, name: &str, key: &str) -> &str {
        let found = self.described(name)[key].as_str();
        found.unwrap_or_else(|| panic!("services.json says no {key} of {name}"))
    }

    /// Ends a system as a crash would (`kill -9`, with all its processes), and waits until it is gone.
    ///
    /// # Panics
    /// When it does not run, or the set is shared.
    pub fn kill(&self, name: &str) {
        self.act("kill", name);
    }

    /// Starts a system again, on the same ports and data, and waits until it is ready; one that still runs is ended first, in
    /// its own way.
    ///
    /// # Panics
    /// When it does not come up, or the set is shared.
    pub fn restart(&self, name: &str) {
        self.act("restart", name);
    }

    /// Ends a system in its own way, and waits until it is gone. `restart` brings it back.
    ///
    /// # Panics
    /// When the set is shared.
    pub fn stop(&self, name: &str) {
        self.act("stop", name);
    }

    /// Freezes a system: its port still takes connections, and nobody answers.
    ///
    /// # Panics
    /// When it does not run, or the set is shared.
    pub fn pause(&self, name: &str) {
        self.act("pause", name);
    }

    /// Lets a frozen system go on.
    ///
    /// # Panics
    /// When it does not run, or the set is shared.
    pub fn resume(&self, name: &str) {
        self.act("resume", name);
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if self.own.is_some() {
            // A failure here must not hide the test's own; the next start of any set tries again.
            let _ = script::services(&self.folder, &["stop", "--remove"]);
        }
    }
}
