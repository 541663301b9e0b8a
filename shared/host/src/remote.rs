//! Executions of a stack on AWS, as a person's machine sees them: started, watched and stopped from here, moved over there.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use assay_adapters::aws::{Account, AwsError, StackNames, StackParts};
use assay_adapters::memory::MemoryNotifier;
use assay_app::delivery::{Dispatcher, DispatcherOptions};
use assay_app::plans::Plans;
use assay_app::platform::{Charge, Platform, Ports};
use assay_app::ports::{PortError, QueueName, SecretBox};
use assay_app::usecases::Executions;
use assay_engine::admission::Quota;
use assay_engine::expr::Programs;

use crate::clock::SystemClock;
use crate::compiler::BuiltInCompiler;
use crate::notes::Notes;

/// What an organization may use of a stack: whoever admits its executions, a function or a command, must say the same.
pub const STACK_QUOTA: Quota = Quota { slots: 1_000, waiting: 100_000, width: 64 };

/// Which stack, and whose credentials.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// The stack's name.
    pub stack: String,
    /// The profile of the shared configuration files.
    pub profile: Option<String>,
    /// The region; none: what environment or profile say.
    pub region: Option<String>,
}

/// Why a stack cannot be used from here.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// What was asked for is not there: another name, region or account may help.
    #[error("{0}")]
    NoStack(String),
    /// It may be there.
    #[error("{0}")]
    Unusable(String),
}

/// A stack on AWS.
pub struct Remote {
    platform: Arc<Platform>,
    executions: Arc<Executions>,
    secret_box: Arc<dyn SecretBox>,
    notes: Arc<Notes>,
    place: String,
}

impl Remote {
    /// Finds the stack. Nothing of it moves here: what is started is admitted, and its functions do the rest.
    ///
    /// # Errors
    /// When there is no such stack, or it cannot be asked; the message says what to do.
    pub async fn open(options: &RemoteOptions, programs: Arc<Programs>) -> Result<Self, RemoteError> {
        let names = StackNames::new(&options.stack).ok_or_else(|| {
            RemoteError::NoStack(format!(
                "`{}` is no name of a stack: lower-case letters, digits and `-`, a letter first, {} characters at most",
                options.stack,
                StackNames::LONGEST
            ))
        })?;
        let account = Account { profile: options.profile.clone(), region: options.region.clone() };
        let clock = Arc::new(SystemClock);
        let parts = StackParts::find(&account, names, Vec::<QueueName>::new(), clock.clone(), &process()).await;
        let parts = parts.map_err(|error| explained(options, &error))?;
        let place = format!("the stack {} ({}, account {})", options.stack, parts.region, parts.account);
        let ports = Ports {
            store: parts.store,
            queue: parts.queue,
            // Records are read from the store: functions cannot call back.
            notifier: Arc::new(MemoryNotifier::default()),
            blobs: parts.blobs,
            clock,
        };
        let plans = Arc::new(Plans::new(Arc::new(BuiltInCompiler { programs })));
        let platform = Arc::new(Platform::new(ports, plans, Charge::everything(), STACK_QUOTA));
        let dispatcher = Arc::new(Dispatcher::new(platform.clone(), DispatcherOptions::default()));
        let executions = Arc::new(Executions::new(platform.clone(), dispatcher));
        Ok(Self { platform, executions, secret_box: parts.secret_box, notes: Arc::default(), place })
    }

    /// What can be done with executions.
    #[must_use]
    pub fn executions(&self) -> &Arc<Executions> {
        &self.executions
    }

    /// The ports.
    #[must_use]
    pub fn platform(&self) -> &Arc<Platform> {
        &self.platform
    }

    /// Seals values so that only step functions of the stack open them.
    #[must_use]
    pub fn secret_box(&self) -> &Arc<dyn SecretBox> {
        &self.secret_box
    }

    /// What steps say of themselves: nothing here, they act elsewhere.
    #[must_use]
    pub fn notes(&self) -> &Arc<Notes> {
        &self.notes
    }

    /// Stack, region and account, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// A name that no other process writes under.
fn process() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("command-{}-{random:016x}", std::process::id())
}

fn explained(options: &RemoteOptions, error: &PortError) -> RemoteError {
    let RemoteOptions { stack, profile, .. } = options;
    let whose = profile.as_ref().map_or_else(String::new, |profile| format!(" of the profile {profile}"));
    let unusable = |text: String| RemoteError::Unusable(format!("failed to {error}: {text}"));
    match AwsError::of(error) {
        Some(AwsError::Absent { .. }) => RemoteError::NoStack(format!(
            "failed to {error}: AWS knows none in this region and account; --stack, --profile, --region or the variables \
             ASSAY_STACK, AWS_PROFILE and AWS_REGION name others"
        )),
        Some(said @ AwsError::NoCredentials(_)) => unusable(match profile {
            Some(profile) => format!("{said}; the profile {profile} gives none: is it there, and signed in?"),
            None => format!("{said}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile NAME"),
        }),
        Some(said @ AwsError::BadCredentials { code, .. }) if code.contains("Expired") => {
            unusable(format!("{said}; the credentials{whose} have expired: sign in again"))
        }
        Some(said @ AwsError::BadCredentials { .. }) => unusable(format!("{said}; check the credentials{whose}")),
        Some(said @ AwsError::Denied(_)) => unusable(format!("{said}; whoever looks after {stack} can allow it")),
        Some(said @ AwsError::Unreachable(_)) => {
            unusable(format!("{said}; check the network, the region and AWS_ENDPOINT_URL"))
        }
        Some(said) => unusable(said.to_string()),
        None => RemoteError::Unusable(format!("failed to {error}")),
    }
}
