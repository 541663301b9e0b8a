//! The plan: a compiled flow. Everything is resolved: steps by index, expressions compiled, defaults merged, durations
//! read, references checked. An execution runs from it; it is made again from the flow version, never stored.

mod model;

pub use model::{
    Assertion, Capture, Concurrency, Condition, DataFile, Foreach, ForeachSource, Input, InputType, OnConflict, OnLost,
    Plan, Priority, Resource, Retry, RetryOn, SecretFrom, SecretReference, Section, Step, StepKind, Var,
};
