//! fail2ban's actions as data: the commands of one action file for one jail, read and put together elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::Key;

/// The family of an address, as an action's options may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    Inet4,
    /// IPv6.
    Inet6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Inet4, Self::Inet6];

    /// The family of an address or network; `None` for a name.
    pub fn of(key: &Key) -> Option<Self> {
        key.to_net().map(|net| if net.addr().is_ipv4() { Self::Inet4 } else { Self::Inet6 })
    }

    /// `inet4` or `inet6`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inet4 => "inet4",
            Self::Inet6 => "inet6",
        }
    }
}

/// What a command of an action is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Makes ready.
    Start,
    /// Takes down what [`Verb::Start`] put up.
    Stop,
    /// Lifts every ban at once.
    Flush,
    /// After a reload that changed nothing here.
    Reload,
    /// Says whether all is as [`Verb::Start`] left it.
    Check,
    /// Mends what [`Verb::Check`] complains of.
    Repair,
    /// Keeps somebody out.
    Ban,
    /// Makes a ban longer that is in force.
    Prolong,
    /// Keeps somebody out whose ban was lost.
    Reban,
    /// Lets somebody in again.
    Unban,
}

impl Verb {
    /// All there are.
    pub const ALL: [Self; 10] = [
        Self::Start,
        Self::Stop,
        Self::Flush,
        Self::Reload,
        Self::Check,
        Self::Repair,
        Self::Ban,
        Self::Prolong,
        Self::Reban,
        Self::Unban,
    ];

    /// The option of an action file that holds the command.
    pub fn option(self) -> &'static str {
        match self {
            Self::Start => "actionstart",
            Self::Stop => "actionstop",
            Self::Flush => "actionflush",
            Self::Reload => "actionreload",
            Self::Check => "actioncheck",
            Self::Repair => "actionrepair",
            Self::Ban => "actionban",
            Self::Prolong => "actionprolong",
            Self::Reban => "actionreban",
            Self::Unban => "actionunban",
        }
    }
}

/// One action of one jail: what a shell is given, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionSpec {
    /// Its name in outbox and logs, `jail/action`. No responder of `stockade.toml` has a `/` in its name.
    pub name: Arc<str>,
    /// Its jail.
    pub jail: Arc<str>,
    /// The commands, each for the family it is for and, under `None`, for a key that has none. What is fixed is put in;
    /// tags whose value is known only at run time (`<ip>`) still stand. A command that is not here is nothing to do.
    pub commands: BTreeMap<(Verb, Option<Family>), String>,
    /// Whether an option depends on the family, so that there are two grounds to start and to stop.
    pub conditional: bool,
    /// Whether it is started at the first ban of each family and not with the jail.
    pub on_demand: bool,
    /// Whether bans that were in force before the daemon started are none of its business: it tells people, who were
    /// told before.
    pub norestored: bool,
    /// Whether the ground is mended also where an unban finds it broken.
    pub repair_on_unban: bool,
    /// How long one command may take.
    pub timeout: Duration,
    /// The jail's `bantime` in seconds, -1 for ever: for commands that are about nobody in particular.
    pub bantime: i64,
}

impl ActionSpec {
    /// How long a command may take if nothing else is said.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

    /// The command for a family; empty if there is nothing to do.
    pub fn command(&self, verb: Verb, family: Option<Family>) -> &str {
        self.commands.get(&(verb, family)).map_or("", String::as_str)
    }
}
