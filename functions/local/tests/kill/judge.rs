//! What must hold after a round, whenever the kills came.

use crate::flow::{CLOSED_WITH, Lost, Sender, main_senders, ship_senders};
use crate::history::History;
use crate::target::Seen;

/// All that is known of a round after its last resume.
pub(crate) struct Facts<'a> {
    pub(crate) kills: usize,
    pub(crate) seen: &'a [Seen],
    /// None: the kill came before the execution was stored.
    pub(crate) main: Option<&'a History>,
    /// The sub-flow, once it was begun.
    pub(crate) ship: Option<&'a History>,
}

/// What does not hold.
pub(crate) fn judge(facts: &Facts<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(main) = facts.main else {
        if !facts.seen.is_empty() {
            wrong.push("the target was asked by an execution that is not stored".to_owned());
        }
        return wrong;
    };
    for (history, senders, last) in [(Some(main), main_senders(), "clean"), (facts.ship, ship_senders(), "unship")] {
        let Some(history) = history else { continue };
        whole(history, &mut wrong);
        for sender in &senders {
            placed(history, sender, facts, &mut wrong);
        }
        cleaned(history, last, facts, &mut wrong);
    }
    ordered(main, &mut wrong);
    for closed in facts.seen.iter().filter(|seen| seen.request == "POST close") {
        if closed.query != CLOSED_WITH {
            wrong.push(format!("captured values were lost: close was asked for {}", closed.query));
        }
    }
    let known: Vec<String> = main_senders().into_iter().chain(ship_senders()).map(|sender| sender.request).collect();
    for seen in facts.seen.iter().filter(|seen| !known.contains(&seen.request)) {
        wrong.push(format!("nobody should have asked {}", seen.request));
    }
    verdicts(main, facts, &mut wrong);
    wrong
}

/// Every execution ends, each step and instance has one verdict, and no record is missing.
fn whole(history: &History, wrong: &mut Vec<String>) {
    wrong.extend(history.gaps());
    let finished = history.of_kind("execution.finished").count();
    if finished != 1 {
        wrong.push(format!("the execution ended {finished} times"));
    }
    for step in history.steps() {
        let instances = history
            .of_kind("step.expanded")
            .find(|record| record["step"] == step)
            .and_then(|record| record["instances"].as_u64());
        let each = (0..instances.unwrap_or(0)).map(|index| u32::try_from(index).ok());
        for instance in std::iter::once(None).chain(each) {
            let times = history.endings(step, instance);
            if times != 1 {
                wrong.push(format!("{step} {instance:?} has {times} verdicts"));
            }
        }
    }
}

/// What the target saw of a place belongs to its recorded attempts.
fn placed(history: &History, sender: &Sender, facts: &Facts<'_>, wrong: &mut Vec<String>) {
    let (step, instance) = (sender.step, sender.instance);
    let seen = facts.seen.iter().filter(|seen| seen.request == sender.request).count();
    let attempts = history.dispatched(step, instance);
    let status = history.status(step, instance);
    let lost = history.lost(step, instance);
    let mut say = |what: &str| {
        let request = &sender.request;
        wrong.push(format!("{request}: {what} (seen {seen}, attempts {attempts:?}, {status}, lost {})", lost.len()));
    };
    if attempts.iter().enumerate().any(|(index, attempt)| *attempt != index as u64 + 1) {
        say("its attempts are not counted one by one");
    }
    if seen > attempts.len() {
        say("more requests than recorded attempts");
    }
    let repeats = match sender.lost {
        Lost::Errored => 0,
        Lost::Repeated(times) => times,
    };
    if attempts.len() > sender.wanted + repeats.min(facts.kills) {
        say("more attempts than it may have");
    }
    if lost.len() > facts.kills {
        say("more attempts lost than processes killed");
    }
    match status {
        "passed" if seen < sender.wanted => say("passed without having been seen"),
        "passed" if seen + lost.len() < attempts.len() => say("an attempt that was not lost was not seen"),
        "passed" if sender.lost == Lost::Errored && !lost.is_empty() => say("passed though an attempt may have acted"),
        "passed" => {}
        "errored" if lost.len() <= repeats => say("errored before its attempts were used up"),
        "errored" if !lost.iter().all(|why| why.starts_with("worker lost, it may have acted")) => {
            say("errored for another reason than a lost worker");
        }
        "errored" => {}
        "skipped" if seen > 0 || !attempts.is_empty() => say("skipped, and yet handed out"),
        "skipped" | "none" => {}
        _ => say("nothing in this flow ends like that"),
    }
}

/// `finally` ran.
fn cleaned(history: &History, last: &str, facts: &Facts<'_>, wrong: &mut Vec<String>) {
    let seen = facts.seen.iter().any(|seen| seen.request == format!("DELETE {last}"));
    match history.status(last, None) {
        "passed" if seen => {}
        // Two kills may take both attempts.
        "errored" if facts.kills > 1 => {}
        _ if !history.started() => {}
        status => wrong.push(format!("{last} is {status}, seen: {seen}")),
    }
}

/// Nothing was handed out before what it needs.
fn ordered(main: &History, wrong: &mut Vec<String>) {
    let needs: [(&str, &[&str]); 5] = [
        ("pay", &["open"]),
        ("items", &["open"]),
        ("again", &["open"]),
        ("close", &["open", "stock", "look", "keyed", "pause", "pay", "items", "ship", "again"]),
        ("clean", &["open", "stock", "look", "keyed", "pause", "pay", "items", "ship", "again", "close"]),
    ];
    for (step, needed) in needs {
        let begun = main.first_dispatch(step);
        for need in needed {
            let ended = History::number(main.ending(need, None));
            if begun.is_some_and(|begun| ended.is_none_or(|ended| ended > begun)) {
                wrong.push(format!("{step} was handed out before {need} had ended"));
            }
            let blocked = step != "clean" && main.status(need, None) != "passed";
            if blocked && main.status(step, None) != "skipped" {
                wrong.push(format!("{step} is {} though {need} did not pass", main.status(step, None)));
            }
        }
        let free = needed.iter().all(|need| main.status(need, None) == "passed");
        if free && main.status(step, None) == "skipped" {
            wrong.push(format!("{step} was skipped though all that it needs passed"));
        }
    }
}

/// The verdicts follow from the steps.
fn verdicts(main: &History, facts: &Facts<'_>, wrong: &mut Vec<String>) {
    let of = |history: &History| {
        let any = |status: &str| history.steps().iter().any(|step| history.status(step, None) == status);
        if any("errored") { "errored" } else { "passed" }
    };
    for history in std::iter::once(main).chain(facts.ship) {
        if history.verdict() != of(history) {
            wrong.push(format!("the verdict is {}, the steps say {}", history.verdict(), of(history)));
        }
    }
    let shipped = facts.ship.map_or("skipped", History::verdict);
    if main.status("ship", None) != shipped {
        wrong.push(format!("ship is {}, its sub-flow {shipped}", main.status("ship", None)));
    }
    if facts.kills == 0 && main.verdict() != "passed" {
        wrong.push(format!("{} though nobody was killed", main.verdict()));
    }
}
