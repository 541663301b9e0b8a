//! The execution: a state machine that turns events into effects.

mod event;
mod state;

pub use event::{Change, ChildStart, Effect, Event, Ignored, Token, Transition};
pub use state::{
    Active, ActiveState, BLOCK, CarriedInstance, Expansion, FORMAT, Head, InstanceState, Parent, Part, PartId,
    PartIdError, Signal, Standing, Start, StepState, Stop, Timer, UndoEntry, Unsent, Values,
};
