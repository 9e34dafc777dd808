//! One command, given to the shell.

use std::sync::Mutex;
use std::time::Duration;

use super::template::Script;
use crate::run::{Ended, Run};

pub(super) const SHELL: &str = "/bin/sh";

/// One command of all actions at a time: they change the same files and tables, and were written for a fail2ban that
/// does it so.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Why a command did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It said so, or could not begin.
    Failed(String),
    /// It took too long and was killed.
    TimedOut(String),
}

impl Failure {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Failed(text) | Self::TimedOut(text) => text,
        }
    }
}

/// Runs a command of the action `action`. Its `option` (`actionban`) is for messages.
pub(super) fn run(action: &str, option: &str, script: Script, timeout: Duration) -> Result<(), Failure> {
    // A panic of another thread leaves nothing behind that would matter here.
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let variables: Vec<(&str, String)> =
        script.variables.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let arguments = ["-c".into(), script.text.into()];
    let run = Run {
        program: SHELL.as_ref(),
        arguments: &arguments,
        variables: &variables,
        inherit: true,
        output: true,
        timeout,
    };
    match run.to_end() {
        Ended::Well { said } => {
            tracing::debug!(action, command = option, said, "ran");
            Ok(())
        }
        Ended::Badly { status, said } => {
            let said = if said.is_empty() { said } else { format!(": {said}") };
            Err(Failure::Failed(format!("`{option}` of `{action}` ended with {status}{said}")))
        }
        Ended::TimedOut => Err(Failure::TimedOut(format!(
            "`{option}` of `{action}` was killed: it took more than {} s",
            timeout.as_secs_f64()
        ))),
        Ended::NotStarted(error) => {
            Err(Failure::Failed(format!("cannot run `{option}` of `{action}`: {SHELL}: {error}")))
        }
    }
}
