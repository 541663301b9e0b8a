//! Random flows over every shared key, as text, so that the compiler takes part.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value as Json, json};

/// How a flow is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// From which it is drawn.
    pub seed: u64,
    /// At most so many main steps.
    pub most_steps: u64,
}

struct Draw {
    rng: ChaCha8Rng,
    steps: Vec<Drawn>,
}

struct Drawn {
    id: String,
    kind: &'static str,
    transitive: Vec<usize>,
    foreach: bool,
    armed: bool,
    captures: bool,
}

/// A flow that names `child.yaml`, and that child.
pub(super) fn flow_texts(shape: Shape) -> [(String, String); 2] {
    let main = flow(shape, true);
    let child = flow(Shape { seed: shape.seed ^ 0x5eed, most_steps: 4 }, false);
    [("flow.yaml".into(), main.to_string()), ("child.yaml".into(), child.to_string())]
}

fn flow(shape: Shape, parent: bool) -> Json {
    let mut draw = Draw { rng: ChaCha8Rng::seed_from_u64(shape.seed), steps: Vec::new() };
    // Most flows are short, some are long.
    let most = if draw.chance(80) { shape.most_steps.min(12) } else { shape.most_steps };
    let count = 1 + draw.below(most.max(1)) as usize;
    let steps: Vec<Json> = (0..count).map(|index| draw.step(index, parent)).collect();
    let finals: Vec<Json> = (0..draw.below(4)).map(|index| draw.final_step(index as usize)).collect();
    let mut flow = json!({
        "name": if parent { "drawn" } else { "child" },
        "inputs": {"flag": {"type": "boolean", "default": draw.chance(60)},
                   "list": {"type": "array", "default": (0..draw.below(20)).collect::<Vec<_>>()}},
        "vars": {"ref": "${uuid()}", "both": "${inputs.flag ? 'a' : 'b'}"},
        "steps": steps,
        "timeout": draw.pick(&["4h", "4h", "10m", "30s"]),
    });
    if !finals.is_empty() {
        flow["finally"] = Json::Array(finals);
        flow["finallyTimeout"] = json!(draw.pick(&["5m", "1h", "20s"]));
    }
    if parent && draw.chance(20) {
        flow["queueTimeout"] = json!(draw.pick(&["1h", "30s"]));
    }
    if parent && draw.chance(25) {
        let conflict = draw.pick(&["queue", "cancelRunning", "reject"]);
        flow["concurrency"] = json!({"group": "shared-${vars.both}", "max": 1 + draw.below(2), "onConflict": conflict});
    }
    if parent && draw.chance(30) {
        flow["priority"] = json!(draw.pick(&["p0", "p1", "p2"]));
    }
    flow
}

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.rng.random_range(0..bound.max(1))
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn step(&mut self, index: usize, parent: bool) -> Json {
        let id = format!("s{index}");
        let mut step = Map::new();
        step.insert("id".into(), json!(id));
        let kind = self.kind(parent);
        step.insert("type".into(), json!(kind));
        let needs = self.needs(index, kind, &mut step);
        let transitive = self.closure(&needs);
        let mut drawn =
            Drawn { id, kind, transitive, foreach: false, armed: step.contains_key("armBefore"), captures: false };
        self.condition(&mut step, &drawn, &needs);
        self.words(&mut step, &mut drawn);
        if !matches!(kind, "delay" | "wait") {
            self.shared_keys(&mut step, &mut drawn);
        }
        self.steps.push(drawn);
        Json::Object(step)
    }

    fn kind(&mut self, parent: bool) -> &'static str {
        match self.below(100) {
            0..32 => "act",
            32..64 => "look",
            64..72 => "fault",
            72..80 if !self.steps.is_empty() => "expect",
            80..88 => "delay",
            88..93 => "wait",
            _ if parent => "flow",
            _ => "look",
        }
    }

    fn needs(&mut self, index: usize, kind: &str, step: &mut Map<String, Json>) -> Vec<usize> {
        if kind == "expect" {
            let able: Vec<usize> = (0..index)
                .filter(|one| matches!(self.steps[*one].kind, "act" | "look" | "fault") && !self.steps[*one].foreach)
                .collect();
            if !able.is_empty() && self.chance(85) {
                let target = able[self.below(able.len() as u64) as usize];
                let name = self.steps[target].id.clone();
                step.insert("needs".into(), json!([name]));
                step.insert("armBefore".into(), json!(name));
                return vec![target];
            }
        }
        if index > 0 && self.chance(35) {
            return vec![index - 1];
        }
        let count = self.below(4).min(index as u64);
        let mut needs: Vec<usize> = (0..count).map(|_| self.below(index as u64) as usize).collect();
        needs.sort_unstable();
        needs.dedup();
        let names: Vec<&str> = needs.iter().map(|one| self.steps[*one].id.as_str()).collect();
        step.insert("needs".into(), json!(names));
        needs
    }

    fn closure(&self, needs: &[usize]) -> Vec<usize> {
        let mut all: Vec<usize> = needs.to_vec();
        for need in needs {
            all.extend(&self.steps[*need].transitive);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn condition(&mut self, step: &mut Map<String, Json>, drawn: &Drawn, needs: &[usize]) {
        let named = needs.first().map(|need| self.steps[*need].id.clone());
        let condition = match (self.below(12), named) {
            (0, _) => "always()".to_owned(),
            (1, _) => "failed()".to_owned(),
            (2, _) => "success() || inputs.flag".to_owned(),
            (3, _) => "inputs.flag".to_owned(),
            (4, Some(need)) => format!("steps.{need}.status == 'passed'"),
            _ => return,
        };
        if drawn.kind != "wait" && drawn.kind != "flow" || self.chance(50) {
            step.insert("if".into(), json!(condition));
        }
    }

    fn words(&mut self, step: &mut Map<String, Json>, drawn: &mut Drawn) {
        match drawn.kind {
            "delay" => {
                let length = self.pick(&["0s", "300ms", "5s", "40s", "20m"]);
                step.insert("with".into(), json!({"for": length}));
            }
            "wait" => {
                let signal = self.pick(&["go", "stop"]);
                step.insert("with".into(), json!({"signal": signal, "within": self.pick(&["1s", "50s", "20m"])}));
            }
            "flow" => {
                step.insert("with".into(), json!({"flow": "child.yaml", "inputs": {"flag": "${inputs.flag}"}}));
            }
            _ if drawn.armed => {
                step.insert("with".into(), json!({"x": "${inputs.flag}"}));
            }
            _ => {
                let giver = drawn.transitive.iter().rev().find(|one| self.steps[**one].captures).copied();
                let value = match giver {
                    Some(giver) => format!("${{steps.{}.v}}", self.steps[giver].id),
                    None => "${vars.ref}".to_owned(),
                };
                step.insert("with".into(), json!({"x": value}));
            }
        }
    }

    fn shared_keys(&mut self, step: &mut Map<String, Json>, drawn: &mut Drawn) {
        if !drawn.armed && self.chance(22) {
            drawn.foreach = true;
            let size = self.below(25);
            let list = if self.chance(30) { json!("${inputs.list}") } else { json!((0..size).collect::<Vec<_>>()) };
            step.insert("foreach".into(), list);
            if self.chance(60) {
                step.insert("maxParallel".into(), json!(1 + self.below(4)));
            }
            if drawn.kind != "flow" && self.chance(20) {
                step.insert("failFast".into(), json!(true));
            }
            if drawn.kind != "flow" && self.chance(10) {
                step.insert("minItems".into(), json!(1 + self.below(3)));
            }
        }
        if self.chance(45) {
            let interval = self.pick(&["0s", "200ms", "5s", "30s"]);
            let mut retry = json!({"maxAttempts": 1 + self.below(4), "interval": interval});
            if self.chance(50) {
                retry["on"] = self.pick_on(drawn.kind);
                retry["backoff"] = json!(2);
                retry["jitter"] = json!(true);
                retry["maxInterval"] = json!("40s");
            }
            step.insert("retry".into(), retry);
        }
        if self.chance(15) {
            step.insert("continueOnError".into(), json!(true));
        }
        let timeout = self.pick(&["2m", "1h"]);
        step.insert("timeout".into(), json!(timeout));
        if drawn.kind == "flow" {
            return;
        }
        if self.chance(50) {
            drawn.captures = true;
            step.insert("capture".into(), json!({"v": "body.v"}));
        }
        if self.chance(60) {
            step.insert("assert".into(), json!(["status == 200", {"that": "body.ok", "soft": true}]));
        }
        if drawn.kind == "look" && self.chance(25) {
            step.insert("eventually".into(), json!({"timeout": "10s", "interval": "1s"}));
        }
        if self.chance(12) {
            let on_lost = self.pick(&["retry", "error"]);
            step.insert("onLost".into(), json!(on_lost));
        }
    }

    fn pick_on(&mut self, kind: &str) -> Json {
        match self.below(if kind == "flow" { 3 } else { 5 }) {
            0 => json!(["error", "timeout", "failed"]),
            1 => json!(["failed"]),
            2 => json!(["error", "lost"]),
            3 => json!(["connect"]),
            _ => json!(["status >= 500", "error"]),
        }
    }

    fn final_step(&mut self, index: usize) -> Json {
        let kind = self.pick(&["act", "look", "delay"]);
        let with = match kind {
            "delay" => json!({"for": "1s"}),
            _ => match self.steps.iter().find(|one| one.captures && !one.foreach) {
                Some(giver) if index.is_multiple_of(2) => json!({"x": format!("${{steps.{}.v}}", giver.id)}),
                _ => json!({"x": "${vars.ref}"}),
            },
        };
        let mut step = json!({"id": format!("f{index}"), "type": kind, "with": with});
        if self.chance(25) {
            step["if"] = json!(self.pick(&["failed()", "cancelled()", "always()"]));
        }
        if kind == "look" && self.chance(40) {
            step["retry"] = json!({"maxAttempts": 2, "interval": "1s"});
        }
        step
    }
}
