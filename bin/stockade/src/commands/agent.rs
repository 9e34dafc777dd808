//! `stockade agent`: bans that others decided.

use crate::cli::{AgentArgs, Global};
use crate::exit::Outcome;

/// Runs it, or removes its queue.
#[cfg(feature = "aws")]
pub(crate) fn run(global: &Global, args: &AgentArgs) -> Outcome {
    if args.leave { with_aws::leave(global) } else { with_aws::run(global, args) }
}

/// Says that this build cannot.
#[cfg(not(feature = "aws"))]
pub(crate) fn run(_: &Global, _: &AgentArgs) -> Outcome {
    let message = "this build has no AWS: it was made without the feature `aws`";
    Err(crate::exit::Failure::usage(message)
        .hint(Some("install the build with AWS, or build with `--features aws`")))
}

#[cfg(feature = "aws")]
mod with_aws {
    use std::io::Write;

    use serde_json::json;
    use stockade_config::{Config, Problems};
    use stockade_runtime::agent::{self, AgentOptions, Dead, Left};
    use stockade_runtime::daemon::{DaemonError, RunOptions};

    use super::{AgentArgs, Global, Outcome};
    use crate::commands::run::start_log;
    use crate::config;
    use crate::exit::{Exit, Failure};

    pub(super) fn run(global: &Global, args: &AgentArgs) -> Outcome {
        start_log(global);
        let run =
            RunOptions { dry_run: args.dry_run, socket: global.socket.clone(), ..RunOptions::default() };
        let options = AgentOptions { once: args.once };
        agent::run(&|| load(global), &options, &run).map_err(|error| {
            if let DaemonError::Config(problems) = &error {
                config::print_errors(problems);
            }
            let usage = match &error {
                DaemonError::Config(_) | DaemonError::NoJail => true,
                DaemonError::Agent(error) => {
                    matches!(error, agent::AgentError::NoResponder { .. } | agent::AgentError::NoPlace { .. })
                }
                _ => false,
            };
            Failure::new(if usage { Exit::Usage } else { Exit::Failed }, &error).hint(error.hint())
        })?;
        Ok(Exit::Done)
    }

    pub(super) fn leave(global: &Global) -> Outcome {
        let config = config::load(global)?;
        let (queue, left) =
            agent::leave(&config).map_err(|error| Failure::new(Exit::Failed, &error).hint(error.hint()))?;
        let mut out = anstream::stdout().lock();
        if global.json {
            let dead = match left.dead {
                Dead::Kept { messages } => json!({"kept": true, "messages": messages}),
                Dead::Gone => json!({"kept": false, "removed": true}),
                Dead::None => json!({"kept": false, "removed": false}),
            };
            let Left { subscription, queue: removed, .. } = left;
            let all = json!({"queue": queue, "removed": removed, "subscription": subscription, "dead_letters": dead});
            writeln!(out, "{all}")?;
            return Ok(Exit::Done);
        }
        let said = |removed: bool| if removed { "removed" } else { "was not there" };
        writeln!(out, "subscription: {}", said(left.subscription))?;
        writeln!(out, "queue `{queue}`: {}", said(left.queue))?;
        match left.dead {
            Dead::None => writeln!(out, "dead-letter queue: was not there")?,
            Dead::Gone => writeln!(out, "dead-letter queue: removed, it was empty")?,
            Dead::Kept { messages } => {
                writeln!(out, "dead-letter queue `{queue}-dead`: kept, it holds {messages} messages")?;
            }
        }
        Ok(Exit::Done)
    }

    /// The configuration, with the jails enabled that the agent names.
    fn load(global: &Global) -> Result<Config, Problems> {
        let config = stockade_config::load(&config::paths(global), &config::environment)?;
        let named = &config.program.agent.jails;
        let disabled: Vec<String> =
            named.iter().filter(|name| config.disabled.contains(name)).cloned().collect();
        if disabled.is_empty() { Ok(config) } else { config::load_enabling(global, &disabled) }
    }
}
