//! The execution: a state machine that turns events into effects.
//!
//! `apply` works on a draft; only a transition that is known whole changes the execution, so an event whose parts are
//! not all loaded changes nothing and names them.

mod accept;
mod advance;
mod attempts;
mod dispatch;
mod draft;
mod ends;
mod event;
mod keep;
mod limits;
mod look;
mod losses;
mod machine;
mod masks;
mod parts;
mod request;
mod rerun;
mod scope;
mod standing;
mod state;
mod stop;
mod words;

pub use accept::{Acceptance, Refusal, START_BYTES, problem_of};
pub use event::{Change, ChildStart, Effect, Event, Ignored, Token, Transition};
pub use limits::{CAPTURES_EACH, CAPTURES_WHOLE, LIMIT_DEPTH, LIMIT_INSTANCES, LIMIT_SIGNALS, STOP_GRACE};
pub use look::{Look, LookedAt};
pub use machine::Execution;
pub use parts::{
    Active, ActiveState, BLOCK, CarriedInstance, Expansion, InstanceState, Part, PartId, PartIdError, Signal, Start,
    StepState, Values,
};
pub use request::NoRequest;
pub use rerun::{Carried, Earlier, Later, NotCarried, RenewedVar, RerunOptions, RerunRefusal, plan_rerun};
pub use standing::Standing;
pub use state::{FORMAT, Head, Parent, Stop, Timer, UndoEntry, Unsent};

use limits::{ENGINE_PARALLEL, EXTRA_ATTEMPTS, INLINE_VALUES, UNDO_ATTEMPTS};
