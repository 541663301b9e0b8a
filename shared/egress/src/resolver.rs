//! Names to addresses.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

/// Resolves names. The guard calls it once for a connection and judges all that it answers.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of a name, in the order to try them.
    ///
    /// # Errors
    /// When the name does not exist or nobody can say.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect())
    }
}

/// Answers from a script, one after the other; the last answer for a name stays. For tests of what happens when a name
/// changes its mind.
#[derive(Debug, Default)]
pub struct ScriptedResolver {
    answers: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
}

impl ScriptedResolver {
    /// Adds the next answer for a name.
    #[must_use]
    pub fn answer(self, host: &str, addresses: &[IpAddr]) -> Self {
        let key = host.trim_end_matches('.').to_owned();
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key)
            .or_default()
            .push_back(addresses.to_vec());
        self
    }
}

#[async_trait]
impl Resolver for ScriptedResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let script = answers
            .get_mut(host.trim_end_matches('.'))
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"))?;
        let answer = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
        Ok(answer.unwrap_or_default())
    }
}
