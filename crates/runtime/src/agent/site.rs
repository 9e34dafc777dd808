//! What a host's configuration comes to for the agent.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustix::system::uname;
use stockade_aws::{Access, wire};
use stockade_config::{Backend, Config, JailConfig, Program, ResponderConfig, ResponderKind, StoreConfig};
use stockade_core::ports::Scope;
use stockade_core::{BanTime, Jail};
use stockade_respond::Fail2banClient;
use stockade_source::aws::queue::QueueSpec;

use super::AgentError;

/// How long a message that was taken is hidden at first. It is hidden for longer while it is worked on; what was handed
/// to a poll that nobody hears any more, because the agent was stopped or killed, comes again after this.
const VISIBILITY: std::time::Duration = std::time::Duration::from_secs(30);
/// As long as SQS keeps a message.
const MAX_RETENTION: std::time::Duration = std::time::Duration::from_secs(14 * 24 * 60 * 60);

/// Where AWS is.
pub(crate) fn access(program: &Program) -> Access {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Access { region: some(&program.aws.region), endpoint: some(&program.aws.endpoint) }
}

/// What this host's queue should be.
pub(super) fn queue(config: &Config) -> QueueSpec {
    let agent = &config.program.agent;
    let name =
        if agent.queue.is_empty() { wire::queue_name(&host(&config.program)) } else { agent.queue.clone() };
    QueueSpec {
        name,
        topic: config.program.aws.topic.clone(),
        jails: config.jails.iter().map(|jail| jail.jail.name.to_string()).collect(),
        retention: agent.retention.min(MAX_RETENTION),
        visibility: VISIBILITY,
        max_receives: agent.max_receives,
    }
}

/// The name of this host.
fn host(program: &Program) -> String {
    if program.host.is_empty() {
        uname().nodename().to_string_lossy().into_owned()
    } else {
        program.host.clone()
    }
}

/// The configuration of a daemon that reads no log: the jails that the agent takes bans for, and who carries them out.
pub(super) fn for_agent(mut config: Config) -> Result<Config, AgentError> {
    let agent = config.program.agent.clone();
    if let Some(name) = agent.responders.iter().find(|name| responder(&config.program, name).is_none()) {
        return Err(AgentError::NoResponder { name: name.clone() });
    }
    let chosen: Vec<Arc<str>> = agent.responders.iter().map(|name| name.as_str().into()).collect();
    let client = fail2ban(&config.program, &chosen)?;
    let names: Vec<String> = match &client {
        _ if !agent.jails.is_empty() => agent.jails.clone(),
        Some(client) => client.jails().map_err(|error| AgentError::Fail2ban { error })?,
        None => config.jails.iter().map(|jail| jail.jail.name.to_string()).collect(),
    };
    let mut seen = BTreeSet::new();
    let mut jails = Vec::with_capacity(names.len());
    for name in names.into_iter().filter(|name| seen.insert(name.clone())) {
        let mut jail = match config.jail(&name) {
            Some(jail) => without_source(jail.clone()),
            None => unknown(&name, &config.program),
        };
        if let Some(client) = &client
            && config.jail(&name).is_none()
        {
            jail.jail.bantime = client.bantime(&name).map_err(|error| AgentError::Fail2ban { error })?;
        }
        if !chosen.is_empty() {
            jail.responders.clone_from(&chosen);
            jail.actions.clear();
        }
        jails.push(jail);
    }
    let used = |one: &ResponderConfig| jails.iter().any(|jail| jail.responders.contains(&one.name));
    config.program.responders.retain(used);
    config.jails = jails;
    config.program.store = StoreConfig::File(agent.store);
    Ok(config)
}

/// Of each jail whether all who carry out its bans can be asked what is in force.
pub(super) fn in_bulk(config: &Config) -> Vec<bool> {
    let asked = |name: &Arc<str>| {
        let kind = responder(&config.program, name).map(|one| &one.kind);
        matches!(
            kind,
            Some(
                ResponderKind::Nftables { .. } | ResponderKind::Fail2banClient { .. } | ResponderKind::DryRun
            )
        )
    };
    config.jails.iter().map(|jail| jail.responders.iter().all(asked)).collect()
}

/// Whether the firewall's table is among what is changed.
pub(super) fn uses_nftables(config: &Config) -> bool {
    config.program.responders.iter().any(|one| matches!(one.kind, ResponderKind::Nftables { .. }))
}

fn responder<'p>(program: &'p Program, name: &str) -> Option<&'p ResponderConfig> {
    program.responders.iter().find(|one| *one.name == *name)
}

/// fail2ban, if it is what carries bans out.
fn fail2ban(program: &Program, chosen: &[Arc<str>]) -> Result<Option<Fail2banClient>, AgentError> {
    let among = |one: &&ResponderConfig| chosen.is_empty() || chosen.contains(&one.name);
    let argv = program.responders.iter().filter(among).find_map(|one| match &one.kind {
        ResponderKind::Fail2banClient { argv, timeout } => Some((argv, *timeout)),
        _ => None,
    });
    let client = argv.map(|(argv, timeout)| Fail2banClient::new(argv, timeout)).transpose();
    client.map_err(|error| AgentError::Fail2ban { error })
}

/// A jail that reads nothing.
fn without_source(jail: JailConfig) -> JailConfig {
    JailConfig {
        rules: Vec::new(),
        filter: None,
        journal_filter: None,
        ignore_command: None,
        logpaths: Vec::new(),
        journalmatch: Vec::new(),
        ..jail
    }
}

/// A jail that is not configured here: its bans keep out all packets, by everybody who carries out bans.
fn unknown(name: &str, program: &Program) -> JailConfig {
    let jail = Jail { bantime: BanTime::For(std::time::Duration::from_secs(600)), ..Jail::new(name) };
    JailConfig {
        scope: Scope { jail: Arc::clone(&jail.name), ports: Vec::new(), protocols: Vec::new() },
        jail,
        ignore_self: true,
        ignore_hosts: Vec::new(),
        ignore_files: Vec::new(),
        ignore_command: None,
        rules: Vec::new(),
        filter: None,
        journal_filter: None,
        backend: Backend::Files,
        logpaths: Vec::new(),
        journalmatch: Vec::new(),
        zone: None,
        responders: program.responders.iter().map(|one| Arc::clone(&one.name)).collect(),
        actions: Vec::new(),
    }
}
