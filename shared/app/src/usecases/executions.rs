//! What the use cases of executions work on.

use std::sync::Arc;

use crate::delivery::Dispatcher;
use crate::platform::Platform;

/// The use cases of executions. Who may use them is judged before.
pub struct Executions {
    pub(super) platform: Arc<Platform>,
    pub(super) dispatcher: Arc<Dispatcher>,
}

impl Executions {
    /// On this platform; the dispatcher of the same process admits and resumes.
    #[must_use]
    pub fn new(platform: Arc<Platform>, dispatcher: Arc<Dispatcher>) -> Self {
        Self { platform, dispatcher }
    }
}
