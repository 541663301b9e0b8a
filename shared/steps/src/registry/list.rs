//! THE list of step types. Adding one is one line at the end of this file.

use assay_engine::types::{StepSpec, StepTypes};

use super::Runners;
use super::spec::Spec;

/// The built-in step types, for the compiler.
#[derive(Debug, Clone, Copy, Default)]
pub struct Types;

impl StepTypes for Types {
    fn get(&self, name: &str) -> Option<&'static dyn StepSpec> {
        specs().into_iter().find(|spec| spec.name() == name)
    }

    fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = specs().into_iter().map(StepSpec::name).collect();
        names.sort_unstable();
        names
    }
}

macro_rules! step_types {
    ($($feature:literal $step_type:ty;)*) => {
        fn specs() -> Vec<&'static dyn StepSpec> {
            vec![$({
                static SPEC: Spec<$step_type> = Spec::new();
                &SPEC
            }),*]
        }

        impl Runners {
            /// The runners whose features are on.
            #[must_use]
            pub fn built_in() -> Self {
                let runners = Self::none();
                $(
                    #[cfg(feature = $feature)]
                    let runners = runners.with(<$step_type>::default());
                )*
                runners
            }
        }
    };
}

step_types! {
    "http" crate::http::Http;
    "redis" crate::redis::Redis;
    "redis" crate::redis::RedisExpect;
    "loki" crate::loki::Loki;
    "prometheus" crate::prometheus::Prometheus;
    "sql" crate::sql::Sql;
    "kafka" crate::kafka::KafkaPublish;
    "kafka" crate::kafka::KafkaExpect;
}
