//! The egress guard: resolves, judges, connects. Every outgoing connection of a step goes through it.
//!
//! Users supply addresses, so a name is resolved once, every address of the answer is judged, and the connection is made
//! to an address that was judged: nothing is resolved again between the judgement and the connection.

mod address;
mod error;
mod guard;
mod network;
mod policy;
mod resolver;

pub use address::{Class, class_of, embedded_v4};
pub use error::{Denied, EgressError, Why};
pub use guard::{Connected, Egress, Resolved};
pub use network::{Network, NetworkError, Ports, Reach};
pub use policy::{Policy, Rule};
pub use resolver::{Resolver, ScriptedResolver, SystemResolver};
