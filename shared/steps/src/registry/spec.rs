//! From the typed declaration of a step type to what the engine asks for.

use std::marker::PhantomData;
use std::sync::OnceLock;
use std::time::Duration;

use assay_engine::types::{Arming, FlowKind, OutputField, Problem, StepSpec};
use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use crate::contract::StepType;

/// A step type as the engine sees it; its schema is made when it is first asked for.
pub(super) struct Spec<T> {
    schema: OnceLock<Json>,
    of: PhantomData<fn() -> T>,
}

impl<T: StepType> Spec<T> {
    pub(super) const fn new() -> Self {
        Self { schema: OnceLock::new(), of: PhantomData }
    }
}

impl<T: StepType> StepSpec for Spec<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn summary(&self) -> &'static str {
        T::SUMMARY
    }

    fn schema(&self) -> &Json {
        // Subschemas are inlined: what reads the schema need not follow references.
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        self.schema.get_or_init(|| settings.into_generator().into_root_schema_for::<T::Config>().to_value())
    }

    fn connection(&self) -> &'static [&'static str] {
        T::CONNECTION
    }

    fn outputs(&self) -> &'static [OutputField] {
        T::OUTPUTS
    }

    fn expressions(&self) -> &'static [&'static str] {
        T::EXPRESSIONS
    }

    fn check(&self, with: &Json) -> Vec<Problem> {
        T::check(with)
    }

    fn files(&self, with: &Json) -> Vec<String> {
        T::files(with)
    }

    fn repeatable(&self, with: &Json) -> bool {
        T::repeatable(with)
    }

    fn prepares(&self) -> bool {
        T::PREPARES
    }

    fn arming(&self) -> Option<Arming> {
        T::ARMING
    }

    fn waits(&self, with: &Json) -> Option<Duration> {
        T::waits(with)
    }

    fn kind(&self) -> FlowKind {
        T::KIND
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde::Deserialize;

    struct Ping;

    /// Where to.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct PingConfig {
        /// The host.
        host: String,
        /// More about it.
        options: Option<PingOptions>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct PingOptions {
        times: u32,
    }

    impl StepType for Ping {
        const NAME: &'static str = "ping";
        const SUMMARY: &'static str = "Pings a host.";
        const OUTPUTS: &'static [OutputField] = &[OutputField { name: "ms", doc: "milliseconds" }];
        type Config = PingConfig;
        fn check(_with: &Json) -> Vec<Problem> {
            Vec::new()
        }
        fn repeatable(_with: &Json) -> bool {
            true
        }
    }

    #[test]
    fn the_typed_declaration_is_erased_once() {
        static SPEC: Spec<Ping> = Spec::new();
        let spec: &'static dyn StepSpec = &SPEC;
        assert_eq!((spec.name(), spec.outputs()[0].name, spec.arming()), ("ping", "ms", None));
        assert!(std::ptr::eq(spec.schema(), spec.schema()));
        assert_eq!(spec.schema()["additionalProperties"], false);
        assert_eq!(spec.schema()["properties"]["host"]["description"], "The host.");
    }

    #[test]
    fn subschemas_are_inlined() {
        static SPEC: Spec<Ping> = Spec::new();
        assert!(!SPEC.schema().to_string().contains("$ref"), "{}", SPEC.schema());
    }
}
