//! What an installation says; everything has a default that is safe to start with.

use std::time::Duration;

use crate::exempt::Exemption;
use crate::link::LinkKey;
use crate::mode::Modes;
use crate::playbook::Thing;

/// What an installation says about its repairs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How far each playbook may go.
    pub modes: Modes,
    /// What is told and not repaired.
    pub exemptions: Vec<Exemption>,
    /// How far away the end of an exemption by tag may be; zero: tags exempt nothing.
    pub tag_exempts: Duration,
    /// How many repairs are plausible.
    pub limits: Limits,
    /// What is our own.
    pub own: Own,
    /// The accounts to look after; our own alone if empty.
    pub accounts: Vec<String>,
    /// Whether our own account is looked after beside those.
    pub own_account: bool,
    /// The regions to look after; all that the account has enabled if empty.
    pub regions: Vec<String>,
    /// How long an approval is waited for.
    pub approve_within: Duration,
    /// How long a thing whose repair a person took back is left as it is.
    pub undo_holds: Duration,
    /// Whether an actor who undoes each repair is contained, by the playbook P19 and as far as its mode allows.
    pub contain: bool,
    /// Signs the links that approve a repair; no links without.
    pub link_key: Option<LinkKey>,
    /// Where links lead, without a query; no links in notices without.
    pub link_url: String,
    /// What belongs to this installation, by kind: it comes back as it stands here where no last good state is known.
    pub manifest: Vec<(String, Thing)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            modes: Modes::default(),
            exemptions: Vec::new(),
            tag_exempts: 31 * DAY,
            limits: Limits::default(),
            own: Own::default(),
            accounts: Vec::new(),
            own_account: false,
            regions: Vec::new(),
            approve_within: DAY,
            undo_holds: DAY,
            contain: false,
            link_key: None,
            link_url: String::new(),
            manifest: Vec::new(),
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is our own: protected by its own playbook, and never a trigger of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// What the names of our rules, queues, functions and roles begin with.
    pub prefix: String,
    /// The regions they are in; the engine's own if none is named.
    pub regions: Vec<String>,
    /// The names of our functions. Rules and queues are found by their prefix.
    pub functions: Vec<String>,
    /// The names of our roles that are watched.
    pub watched_roles: Vec<String>,
    /// Accounts that things may be shared with, beside those that are looked after.
    pub accounts: Vec<String>,
    /// The ARNs of the roles that repairs are made with, ours and those assumed in other accounts: what they do is never
    /// a trigger.
    pub roles: Vec<String>,
    /// The ARNs of users and roles for emergencies, in which `*` stands for anything: their credentials are never touched.
    pub break_glass: Vec<String>,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            prefix: "stockade-".to_owned(),
            regions: Vec::new(),
            functions: Vec::new(),
            watched_roles: Vec::new(),
            accounts: Vec::new(),
            roles: Vec::new(),
            break_glass: Vec::new(),
        }
    }
}

/// How many repairs are plausible. They hold by themselves; nobody has to switch them on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The window in which repairs are counted.
    pub window: Duration,
    /// Repairs of one thing by one playbook in the window.
    pub per_subject: usize,
    /// Repairs in one account in the window.
    pub per_account: usize,
    /// Percent of all things of a class in an account and region that may be repaired in the window.
    pub percent_of_class: usize,
    /// As many may be repaired however few there are: 5 % of two trails is none.
    pub least_of_class: usize,
    /// How long nothing more is repaired in an account after a limit of the account or a class was reached.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(600),
            per_subject: 3,
            per_account: 20,
            percent_of_class: 5,
            least_of_class: 5,
            pause: Duration::from_secs(3600),
        }
    }
}
