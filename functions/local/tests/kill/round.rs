//! One round: run, kill, resume, perhaps kill again, resume to the end, judge.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::flow::{MAIN, REQUESTS, SHIP};
use crate::history::History;
use crate::judge::{Facts, judge};
use crate::random::Random;
use crate::target::Target;

/// Processes killed in one round at most.
const MOST_KILLS: usize = 3;
/// A process that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest time that a process takes on a busy machine, in milliseconds: less than a lease.
const SLOW: u128 = 20_000;
/// How often a process that may have ended by itself is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// Longest time from a request to the kill that follows it, in milliseconds.
const AFTER_REQUEST: u64 = 12;

/// What the rounds share.
pub(crate) struct Bench {
    folder: TempDir,
    target: Target,
    /// How long a run takes that nobody kills, in milliseconds.
    pub(crate) whole: u64,
}

/// When a process is killed.
#[derive(Debug, Clone, Copy)]
enum When {
    /// So many milliseconds after its start.
    After(u64),
    /// So many milliseconds after this many more requests.
    Asked {
        requests: usize,
        then: u64,
    },
    Never,
}

/// A process that is gone.
struct Gone {
    code: Option<i32>,
    out: String,
    err: String,
    millis: u128,
    said: String,
}

/// What a round came to.
pub(crate) struct Round {
    number: u64,
    seed: u64,
    kills: usize,
    /// The verdict; `nothing` when the kill came before the execution was stored.
    pub(crate) came_to: String,
    pub(crate) complaints: Vec<String>,
    story: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let (folder, target) = (tempfile::tempdir().unwrap(), Target::start());
        for (name, text) in [("flow.yaml", MAIN), ("ship.yaml", SHIP)] {
            std::fs::write(folder.path().join(name), text.replace("URL", &target.url)).unwrap();
        }
        let mut bench = Self { folder, target, whole: 0 };
        for name in ["first", "second"] {
            let began = Instant::now();
            let gone = bench.play(name, 0, &bench.run_words(name), When::Never);
            bench.whole = u64::try_from(began.elapsed().as_millis()).unwrap();
            assert_eq!(gone.code, Some(0), "{}{}", gone.out, gone.err);
            assert_eq!(bench.target.seen(name).len(), REQUESTS, "{:?}", bench.target.seen(name));
        }
        bench
    }

    pub(crate) fn round(&self, number: u64, seed: u64) -> Round {
        let mut random = Random::new(seed);
        let name = format!("r{number}");
        let mut gone = vec![self.play(&name, 0, &self.run_words(&name), self.when(&mut random))];
        let mut kills = usize::from(gone[0].code.is_none());
        loop {
            let when = if kills < MOST_KILLS && random.once_in(3) { self.when(&mut random) } else { When::Never };
            let resumed = self.play(&name, gone.len(), &self.resume_words(&name), when);
            let killed = resumed.code.is_none();
            gone.push(resumed);
            if !killed {
                break;
            }
            kills += 1;
        }
        let main = self.history(&name, "latest");
        let children = main.as_ref().map(History::children).unwrap_or_default();
        let ship = children.first().and_then(|child| self.history(&name, child));
        let seen = self.target.seen(&name);
        let mut complaints = judge(&Facts { kills, seen: &seen, main: main.as_ref(), ship: ship.as_ref() });
        if children.len() > 1 {
            complaints.push(format!("sub-flows: {children:?}"));
        }
        complaints.extend(told(&gone, main.as_ref()));
        if random.once_in(4) {
            let once_more = self.play(&name, gone.len(), &self.resume_words(&name), When::Never);
            if once_more.code != Some(0) || !once_more.err.contains("nothing to resume") {
                complaints.push(format!("one more resume: {:?} {}", once_more.code, once_more.err));
            }
        }
        let came_to = main.as_ref().map_or("nothing", History::verdict).to_owned();
        let mut story: String = gone.iter().map(|gone| format!("{}\n{}", gone.said, gone.err)).collect();
        for history in main.iter().chain(&ship) {
            story += &format!("records:\n{}", history.text());
        }
        let asked: Vec<&str> = seen.iter().map(|seen| seen.request.as_str()).collect();
        story += &format!("seen: {}\n", asked.join(", "));
        Round { number, seed, kills, came_to, complaints, story }
    }

    fn when(&self, random: &mut Random) -> When {
        match random.below(2) {
            0 => When::After(random.below(self.whole + self.whole / 8)),
            _ => {
                let requests = usize::try_from(random.below(REQUESTS as u64)).unwrap() + 1;
                When::Asked { requests, then: random.below(AFTER_REQUEST) }
            }
        }
    }

    fn store(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run_words(&self, name: &str) -> Vec<String> {
        let store = self.store(name).display().to_string();
        let round = format!("round={name}");
        ["run", "flow.yaml", "--json", "--store", &store, "--input", &round].map(str::to_owned).to_vec()
    }

    fn resume_words(&self, name: &str) -> Vec<String> {
        ["resume", "--json", "--store", &self.store(name).display().to_string()].map(str::to_owned).to_vec()
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(words).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command
    }

    /// Starts a command and ends it as planned.
    fn play(&self, name: &str, number: usize, words: &[String], when: When) -> Gone {
        let printed = ["out", "err"].map(|what| self.folder.path().join(format!("{name}-{number}.{what}")));
        let [out, err] = printed.each_ref().map(|path| File::create(path).unwrap());
        let before = self.target.seen(name).len();
        let began = Instant::now();
        let mut child = self.command(words).stdout(out).stderr(err).spawn().unwrap();
        match when {
            When::After(millis) => pause(millis),
            When::Asked { requests, then } => {
                let hurry = || child.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE;
                if self.asked(name, before + requests, hurry) {
                    pause(then);
                }
            }
            When::Never => wait(&mut child, began),
        }
        if !matches!(when, When::Never) {
            child.kill().unwrap();
        }
        let code = child.wait().unwrap().code();
        let [out, err] = printed.map(|path| std::fs::read_to_string(path).unwrap());
        let ended = code.map_or("killed".to_owned(), |code| format!("exit code {code}"));
        let millis = began.elapsed().as_millis();
        Gone { code, out, err, millis, said: format!("{} {when:?}: {ended} after {millis} ms", words[0]) }
    }

    /// Waits for requests as long as it is worth it.
    fn asked(&self, name: &str, requests: usize, mut worth_it: impl FnMut() -> bool) -> bool {
        while worth_it() {
            if self.target.wait_for(name, requests, LOOK) {
                return true;
            }
        }
        false
    }

    /// The records, if there is such an execution.
    fn history(&self, name: &str, execution: &str) -> Option<History> {
        if !self.store(name).exists() {
            return None;
        }
        let store = self.store(name).display().to_string();
        let words = ["events", execution, "--json", "--store", &store].map(str::to_owned);
        let output = self.command(&words).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Some(History::read(&String::from_utf8(output.stdout).unwrap())),
            Some(2) if err.contains("there is no execution") => None,
            code => panic!("events {execution} of {name}: {code:?} {err}"),
        }
    }
}

/// The random time before a kill: the one thing here that is meant to be slept away.
fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

fn wait(child: &mut Child, began: Instant) {
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The exit codes say the verdict, and somebody said it.
fn told(gone: &[Gone], main: Option<&History>) -> Vec<String> {
    let mut wrong = Vec::new();
    let code = match main.map(History::verdict) {
        Some("passed") | None => 0,
        Some(_) => 3,
    };
    for gone in gone {
        if gone.millis > SLOW {
            wrong.push(format!("{}: too long, the leases of a dead process end at once", gone.said));
        }
        let nothing = gone.err.contains("nothing to resume");
        match gone.code {
            Some(0) if nothing => {}
            Some(ended) if ended == code && !nothing => {}
            Some(ended) => wrong.push(format!("{}: ended with {ended}, not {code}", gone.said)),
            None => {}
        }
    }
    let printed = |gone: &Gone| gone.out.contains("execution.finished");
    if main.is_some() && !gone.iter().any(printed) {
        wrong.push("nobody told the verdict".to_owned());
    }
    if main.is_none() && gone.last().is_none_or(|last| !last.err.contains("nothing to resume")) {
        wrong.push("there is no execution, and yet something to resume".to_owned());
    }
    wrong
}

impl Round {
    pub(crate) fn line(&self) -> String {
        let Self { number, seed, kills, came_to, .. } = self;
        format!("round {number} (seed {seed:#x}): {kills} killed, {came_to}")
    }

    pub(crate) fn story(&self) -> String {
        format!("{}\n- {}\n{}", self.line(), self.complaints.join("\n- "), self.story)
    }
}
