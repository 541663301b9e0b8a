//! What the code says of the same things.

use std::collections::BTreeSet;
use std::path::Path;

use assay_adapters::aws::StackNames;
use assay_app::ports::QueueName;
use assay_engine::types::StepTypes as _;
use assay_steps::registry::Types;

/// The words of the step types.
pub(crate) fn words() -> BTreeSet<&'static str> {
    Types.names().into_iter().filter_map(|name| name.split('.').next()).collect()
}

/// The names of the stack `dev`.
pub(crate) fn names() -> StackNames {
    StackNames::new("dev").expect("dev is a name")
}

/// The queue of a word.
pub(crate) fn step_queue(word: &str) -> String {
    let queue = QueueName::Steps { step_type: word.to_owned(), pool: None };
    names().queue(&queue).expect("a word has one queue")
}

/// `StepHttp` of `http`.
pub(crate) fn logical(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("Step{}{rest}", first.to_uppercase())
}

/// The sources of a folder, joined.
pub(crate) fn sources(folder: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut text = String::new();
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).expect("a source"));
        }
    }
    text
}
