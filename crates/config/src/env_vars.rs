//! Every environment variable that Stockade reads, in one place.
//!
//! A variable counts more than `stockade.toml`; one that is empty counts as not set. Lists are separated by commas or
//! blanks. Jails and responders cannot be set by variables, of the tables only `[repair.playbooks]` and
//! `[repair.accounts]`.

use crate::program::SETTINGS;

/// One environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: &'static str,
    /// The setting of `stockade.toml` that it overrides; `None` for one that stands for itself.
    pub key: Option<&'static str>,
    /// The version of Stockade it appeared in.
    pub since: &'static str,
}

/// The directory of the configuration files, if `-c` does not name one.
pub const CONFIG: &str = "STOCKADE_CONFIG";

/// How far single playbooks may go: `P01=act,P03=approve`.
pub const REPAIR_PLAYBOOKS: &str = "STOCKADE_REPAIR_PLAYBOOKS";
/// The ARNs of the roles of other accounts.
pub const REPAIR_MEMBERS: &str = "STOCKADE_REPAIR_MEMBERS";
/// What the trust of these roles asks for.
pub const REPAIR_EXTERNAL_ID: &str = "STOCKADE_REPAIR_EXTERNAL_ID";

/// All of them.
pub const ENV_VARS: &[EnvVar] = &[
    EnvVar { name: CONFIG, key: None, since: "0.1.0" },
    of("STOCKADE_STORE", "store", "0.1.0"),
    of("STOCKADE_HOST", "host", "0.1.0"),
    of("STOCKADE_DURABILITY", "durability", "0.1.0"),
    of("STOCKADE_SOCKET", "socket", "0.1.0"),
    of("STOCKADE_RECONCILE_EVERY", "reconcile_every", "0.1.0"),
    of("STOCKADE_GUARDS_PROTECT", "guards.protect", "0.1.0"),
    of("STOCKADE_GUARDS_PROTECT_OWN", "guards.protect_own", "0.1.0"),
    of("STOCKADE_GUARDS_PROTECT_GATEWAY", "guards.protect_gateway", "0.1.0"),
    of("STOCKADE_GUARDS_PROTECT_SESSIONS", "guards.protect_sessions", "0.1.0"),
    of("STOCKADE_GUARDS_MAX_BANS_PER_MINUTE", "guards.max_bans_per_minute", "0.1.0"),
    of("STOCKADE_GUARDS_MIN_PREFIX_V4", "guards.min_prefix_v4", "0.1.0"),
    of("STOCKADE_GUARDS_MIN_PREFIX_V6", "guards.min_prefix_v6", "0.1.0"),
    of("STOCKADE_RETENTION_MATCHES", "retention.matches", "0.1.0"),
    of("STOCKADE_RETENTION_DECISIONS", "retention.decisions", "0.1.0"),
    of("STOCKADE_RETENTION_BANS", "retention.bans", "0.1.0"),
    of("STOCKADE_RETENTION_MAX_MATCHES", "retention.max_matches", "0.1.0"),
    of("STOCKADE_RETENTION_MAX_DECISIONS", "retention.max_decisions", "0.1.0"),
    of("STOCKADE_LIMITS_MAX_TRACKED_KEYS", "limits.max_tracked_keys", "0.1.0"),
    of("STOCKADE_FAIL2BAN_LOG_FILE", "fail2ban_log.file", "0.1.0"),
    of("STOCKADE_FAIL2BAN_LOG_LEVEL", "fail2ban_log.level", "0.1.0"),
    of("STOCKADE_AWS_REGION", "aws.region", "0.1.0"),
    of("STOCKADE_AWS_ENDPOINT", "aws.endpoint", "0.1.0"),
    of("STOCKADE_AWS_TABLE", "aws.table", "0.1.0"),
    of("STOCKADE_AWS_SHARED_TABLE", "aws.shared_table", "0.1.0"),
    of("STOCKADE_AWS_TOPIC", "aws.topic", "0.1.0"),
    of("STOCKADE_AWS_SNAPSHOT", "aws.snapshot", "0.1.0"),
    of("STOCKADE_AGENT_QUEUE", "agent.queue", "0.1.0"),
    of("STOCKADE_AGENT_JAILS", "agent.jails", "0.1.0"),
    of("STOCKADE_AGENT_RESPONDERS", "agent.responders", "0.1.0"),
    of("STOCKADE_AGENT_STORE", "agent.store", "0.1.0"),
    of("STOCKADE_AGENT_RETENTION", "agent.retention", "0.1.0"),
    of("STOCKADE_AGENT_MAX_RECEIVES", "agent.max_receives", "0.1.0"),
    of("STOCKADE_AGENT_SNAPSHOT_EVERY", "agent.snapshot_every", "0.1.0"),
    of("STOCKADE_EVENTS_QUEUE", "events.queue", "0.1.0"),
    of("STOCKADE_RULES_DISABLED", "rules.disabled", "0.1.0"),
    of("STOCKADE_REPAIR_MODE", "repair.mode", "0.1.0"),
    of("STOCKADE_REPAIR_TRIAL", "repair.trial", "0.1.0"),
    of("STOCKADE_REPAIR_EVERY", "repair.every", "0.1.0"),
    of("STOCKADE_REPAIR_REGIONS", "repair.regions", "0.1.0"),
    of("STOCKADE_REPAIR_OWN_ACCOUNT", "repair.own_account", "0.1.0"),
    of("STOCKADE_REPAIR_TAG_EXEMPTS", "repair.tag_exempts", "0.1.0"),
    of("STOCKADE_REPAIR_SHELF", "repair.shelf", "0.1.0"),
    of("STOCKADE_REPAIR_TELL", "repair.tell", "0.1.0"),
    of("STOCKADE_REPAIR_LINK_SECRET", "repair.link_secret", "0.1.0"),
    of("STOCKADE_REPAIR_LINK_URL", "repair.link_url", "0.1.0"),
    of("STOCKADE_REPAIR_APPROVE_WITHIN", "repair.approve_within", "0.1.0"),
    of("STOCKADE_REPAIR_UNDO_HOLDS", "repair.undo_holds", "0.1.0"),
    of("STOCKADE_REPAIR_CONTAIN", "repair.contain", "0.1.0"),
    of("STOCKADE_REPAIR_BREAK_GLASS", "repair.break_glass", "0.1.0"),
    of("STOCKADE_REPAIR_LIMIT_WINDOW", "repair.limit_window", "0.1.0"),
    of("STOCKADE_REPAIR_MAX_PER_THING", "repair.max_per_thing", "0.1.0"),
    of("STOCKADE_REPAIR_MAX_PER_ACCOUNT", "repair.max_per_account", "0.1.0"),
    of("STOCKADE_REPAIR_MAX_PERCENT", "repair.max_percent", "0.1.0"),
    of("STOCKADE_REPAIR_MIN_OF_KIND", "repair.min_of_kind", "0.1.0"),
    of("STOCKADE_REPAIR_PAUSE", "repair.pause", "0.1.0"),
    of("STOCKADE_REPAIR_OWN_PREFIX", "repair.own_prefix", "0.1.0"),
    of("STOCKADE_REPAIR_OWN_FUNCTIONS", "repair.own_functions", "0.1.0"),
    of("STOCKADE_REPAIR_KNOWN_ACCOUNTS", "repair.known_accounts", "0.1.0"),
    of("STOCKADE_REPAIR_OWN_ROLES", "repair.own_roles", "0.1.0"),
    EnvVar { name: REPAIR_PLAYBOOKS, key: None, since: "0.1.0" },
    EnvVar { name: REPAIR_MEMBERS, key: None, since: "0.1.0" },
    EnvVar { name: REPAIR_EXTERNAL_ID, key: None, since: "0.1.0" },
];

const fn of(name: &'static str, key: &'static str, since: &'static str) -> EnvVar {
    EnvVar { name, key: Some(key), since }
}

impl EnvVar {
    /// What it sets, for people.
    pub fn doc(&self) -> &'static str {
        let setting = self.key.and_then(|key| SETTINGS.iter().find(|setting| setting.key == key));
        match (setting, self.name) {
            (Some(setting), _) => setting.doc,
            (_, REPAIR_PLAYBOOKS) => {
                "Modes of single playbooks, such as `P01=act,P03=approve`, over `[repair.playbooks]`."
            }
            (_, REPAIR_MEMBERS) => {
                "The ARNs of the roles to assume in other accounts, over `[repair.accounts]`."
            }
            (_, REPAIR_EXTERNAL_ID) => "What the trust of these roles asks for.",
            _ => "The directory of the configuration files, unless `-c` names one.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_variable_and_is_called_like_it() {
        let keys: Vec<_> = ENV_VARS.iter().filter_map(|var| var.key).collect();
        assert_eq!(keys, SETTINGS.iter().map(|setting| setting.key).collect::<Vec<_>>());
        for var in ENV_VARS {
            if let Some(key) = var.key {
                assert_eq!(var.name, format!("STOCKADE_{}", key.to_uppercase().replace('.', "_")));
            }
            assert!(var.doc().ends_with('.'), "{}", var.name);
        }
    }
}
