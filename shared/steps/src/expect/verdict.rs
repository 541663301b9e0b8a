//! What a wait has come to, as a step's output.

use assay_engine::duration;
use serde_json::Map;

use super::watch::Watch;
use crate::contract::{Expectation, Output};

impl Watch<'_> {
    /// The output: `messages`, `count`, `seen`, and whether what was asked for came true.
    #[must_use]
    pub fn into_output(self) -> Output {
        let expectations = self.expectations();
        let failed = expectations.iter().any(|expectation| !expectation.passed);
        let note = self.state.misses.told().filter(|_| failed && self.rules.count.wants_more(self.state.count));
        let mut fields = Map::new();
        fields.insert("messages".into(), self.state.messages.into());
        fields.insert("count".into(), self.state.count.into());
        fields.insert("seen".into(), self.state.seen.into());
        Output { fields, sent: None, note, expectations }
    }

    fn expectations(&self) -> Vec<Expectation> {
        let (rules, state) = (self.rules, &self.state);
        let passed = rules.count.holds(state.count);
        let mut all = vec![Expectation {
            that: format!("{} within {}", rules.count, duration::text(rules.within)),
            passed,
            reason: (!passed).then(|| counted(state.count, state.seen)),
        }];
        let mut also = |key: &str, text: &str, broken: &Option<String>| {
            all.push(Expectation { that: format!("{key} {text}"), passed: broken.is_none(), reason: broken.clone() });
        };
        if let Some(program) = &rules.ordered_by {
            also("orderedBy", program.text(), &state.disorder);
        }
        if let Some(program) = &rules.distinct_by {
            also("distinctBy", program.text(), &state.indistinct);
        }
        all
    }
}

fn counted(count: u64, seen: u64) -> String {
    match (count, seen) {
        (_, 0) => "no message came".to_owned(),
        (0, 1) => "the one message that came does not match".to_owned(),
        (0, seen) => format!("none of {seen} messages matches"),
        (count, seen) => format!("{count} of {seen} messages count"),
    }
}
