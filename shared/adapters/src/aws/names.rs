//! What the parts of a deployed stack are called. `template.yaml` gives the same names to the same parts; a test
//! compares them.

use assay_app::ports::QueueName;

/// The names of a stack's parts. A stack is one deployment of `template.yaml` in one account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackNames {
    stack: String,
}

impl StackNames {
    /// The longest name of a stack: a bucket's name has at most 63 characters, with account and region in it.
    pub const LONGEST: usize = 20;

    /// The names of this stack. None: it is not of `a-z 0-9 -`, does not begin with a letter, or is too long.
    #[must_use]
    pub fn new(stack: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = stack.len() <= Self::LONGEST && stack.starts_with(|c: char| c.is_ascii_lowercase());
        (fits && stack.chars().all(plain) && !stack.ends_with('-')).then(|| Self { stack: stack.to_owned() })
    }

    /// The stack itself.
    #[must_use]
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The table of executions, their records, flow versions and admission states.
    #[must_use]
    pub fn table(&self) -> String {
        format!("assay-{}", self.stack)
    }

    /// The table of claims: what step functions may write.
    #[must_use]
    pub fn claims_table(&self) -> String {
        format!("assay-{}-claims", self.stack)
    }

    /// The bucket of blobs.
    #[must_use]
    pub fn bucket(&self, account: &str, region: &str) -> String {
        format!("assay-{}-{account}-{region}", self.stack)
    }

    /// The alias of the key that seals secrets.
    #[must_use]
    pub fn key_alias(&self) -> String {
        format!("alias/assay-{}", self.stack)
    }

    /// A queue: `assay-STACK-dispatcher.fifo`, `assay-STACK-step-kafka`. Step types are served by the function named
    /// after their word before the dot, pools by a queue of their own. None: a name that stands for several queues.
    #[must_use]
    pub fn queue(&self, queue: &QueueName) -> Option<String> {
        match queue {
            QueueName::Dispatcher => Some(format!("assay-{}-dispatcher.fifo", self.stack)),
            QueueName::Steps { step_type, pool } => {
                let word = step_type.split('.').next().unwrap_or(step_type);
                let pool = pool.as_ref().map(|pool| format!("-pool-{pool}")).unwrap_or_default();
                Some(format!("assay-{}-step-{word}{pool}", self.stack))
            }
            QueueName::AllSteps => None,
        }
    }

    /// The queue of delayed messages for the dispatcher: its own takes no delays.
    #[must_use]
    pub fn timers(&self) -> String {
        format!("assay-{}-timers", self.stack)
    }

    /// Where a queue's messages end up that nobody could deal with: `assay-STACK-step-http-dead`.
    #[must_use]
    pub fn dead(queue: &str) -> String {
        match queue.strip_suffix(".fifo") {
            Some(queue) => format!("{queue}-dead.fifo"),
            None => format!("{queue}-dead"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_named_so_that_every_part_can_be() {
        for bad in ["", "-a", "1a", "A", "a_b", "a-", "a23456789012345678901", "ä"] {
            assert_eq!(StackNames::new(bad), None, "{bad}");
        }
        let names = StackNames::new("a2345678901234567890").expect("twenty characters");
        assert!(names.bucket("123456789012", "ap-southeast-2").len() <= 63);
    }

    #[test]
    fn step_types_of_one_word_share_a_queue() {
        let names = StackNames::new("dev").expect("a name");
        let steps = |step_type: &str, pool: Option<&str>| QueueName::Steps {
            step_type: step_type.into(),
            pool: pool.map(Into::into),
        };
        assert_eq!(names.queue(&steps("kafka.expect", None)).as_deref(), Some("assay-dev-step-kafka"));
        assert_eq!(names.queue(&steps("http", Some("lab"))).as_deref(), Some("assay-dev-step-http-pool-lab"));
        let dispatcher = names.queue(&QueueName::Dispatcher).expect("one queue");
        assert_eq!(StackNames::dead(&dispatcher), "assay-dev-dispatcher-dead.fifo");
        assert_eq!(names.queue(&QueueName::AllSteps), None);
    }
}
