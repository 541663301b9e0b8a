//! The real systems that tests talk to, as `scripts/services` has started them: `docs/services.md` says how.
//!
//! Most tests use the set that all share, [`Services::shared`], and keep apart by names of their own (a database, a topic, a
//! key prefix). A test that kills, restarts or freezes a system brings a set of its own, [`Services::own`]. Systems are named
//! as in `scripts/services`: `postgres mariadb redis kafka loki prometheus aws dynamodb`.

mod script;
mod set;
mod systems;

pub use set::Services;
