//! The records of one execution, as `assay events --json` prints them.

use serde_json::Value as Json;

pub(crate) struct History {
    records: Vec<Json>,
}

impl History {
    pub(crate) fn read(lines: &str) -> Self {
        let parsed = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { records: lines.lines().map(parsed).collect() }
    }

    pub(crate) fn of_kind<'a>(&'a self, kind: &str) -> std::vec::IntoIter<&'a Json> {
        let found: Vec<&Json> = self.records.iter().filter(|record| record["kind"] == kind).collect();
        found.into_iter()
    }

    fn of_place<'a>(&'a self, kind: &str, step: &str, instance: Option<u32>) -> std::vec::IntoIter<&'a Json> {
        let instance = instance.map(u64::from);
        let here = |record: &&Json| record["step"] == step && record["instance"].as_u64() == instance;
        let found: Vec<&Json> = self.of_kind(kind).filter(here).collect();
        found.into_iter()
    }

    /// The attempts that were handed out, in their order.
    pub(crate) fn dispatched(&self, step: &str, instance: Option<u32>) -> Vec<u64> {
        self.of_place("step.dispatched", step, instance).filter_map(|record| record["attempt"].as_u64()).collect()
    }

    /// How often a place got its status; the number should be 1.
    pub(crate) fn endings(&self, step: &str, instance: Option<u32>) -> usize {
        self.of_place("step.finished", step, instance).count()
    }

    pub(crate) fn ending<'a>(&'a self, step: &str, instance: Option<u32>) -> Option<&'a Json> {
        self.of_place("step.finished", step, instance).next()
    }

    pub(crate) fn status<'a>(&'a self, step: &str, instance: Option<u32>) -> &'a str {
        self.ending(step, instance).and_then(|record| record["status"].as_str()).unwrap_or("none")
    }

    /// Why the attempts of a place were lost.
    pub(crate) fn lost<'a>(&'a self, step: &str, instance: Option<u32>) -> Vec<&'a str> {
        let ended = self.of_place("step.attemptEnded", step, instance);
        let errors =
            ended.chain(self.of_place("step.finished", step, instance)).map(|record| &record["result"]["error"]);
        errors.filter(|error| error["code"] == "step.lost").filter_map(|error| error["message"].as_str()).collect()
    }

    /// The number of the record that says so.
    pub(crate) fn number(record: Option<&Json>) -> Option<u64> {
        record.and_then(|record| record["seq"].as_u64())
    }

    pub(crate) fn first_dispatch(&self, step: &str) -> Option<u64> {
        Self::number(self.of_kind("step.dispatched").find(|record| record["step"] == step))
    }

    pub(crate) fn verdict(&self) -> &str {
        self.of_kind("execution.finished").next().and_then(|record| record["status"].as_str()).unwrap_or("none")
    }

    pub(crate) fn started(&self) -> bool {
        self.of_kind("execution.started").next().is_some()
    }

    /// The names of its steps.
    pub(crate) fn steps(&self) -> Vec<&str> {
        let steps = self.of_kind("execution.started").filter_map(|record| record["steps"].as_array()).flatten();
        steps.filter_map(Json::as_str).collect()
    }

    /// The sub-flows that were begun.
    pub(crate) fn children(&self) -> Vec<String> {
        let mut children: Vec<String> =
            self.of_kind("step.started").filter_map(|record| record["child"].as_str()).map(str::to_owned).collect();
        children.dedup();
        children
    }

    /// What is wrong with the numbers and the times.
    pub(crate) fn gaps(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (index, record) in self.records.iter().enumerate() {
            if record["seq"].as_u64() != Some(index as u64 + 1) {
                found.push(format!("the record at place {} has the number {}", index + 1, record["seq"]));
            }
        }
        found
    }

    /// A line for each record.
    pub(crate) fn text(&self) -> String {
        let line = |record: &Json| {
            let instance = record["instance"].as_u64().map(|index| format!("[{index}]")).unwrap_or_default();
            let [kind, step, status] = ["kind", "step", "status"].map(|key| record[key].as_str().unwrap_or_default());
            let error = record["result"]["error"]["message"].as_str().or(record["reason"].as_str()).unwrap_or_default();
            format!("  {} {kind} {step}{instance} {} {status} {error}\n", record["seq"], record["attempt"])
        };
        self.records.iter().map(line).collect()
    }
}
