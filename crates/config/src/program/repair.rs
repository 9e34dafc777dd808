//! `[repair]`: what is put back in AWS, and how far that may go.

use std::time::Duration;

use stockade_repair::{Exemption, Limits, Mode, ModeRule, Modes, Own, Settings};

use super::StoreConfig;
use super::value::{Parsed, Stored, is_path};
use crate::limits::MAX_PATH_BYTES;

/// What is put back in AWS, and how far that may go. Its default repairs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// `mode`: how far a playbook may go at most that nothing else names; [`Mode::Off`]: nothing is repaired.
    pub mode: Mode,
    /// `trial`: how long after the first run what nothing names is only planned.
    pub trial: Duration,
    /// `every`: how often everything is looked at without an event.
    pub every: Duration,
    /// `regions`: those that are looked after; empty: all that an account has enabled.
    pub regions: Vec<String>,
    /// `tag_exempts`: how far away the end of an exemption by tag may be; zero: tags exempt nothing.
    pub tag_exempts: Duration,
    /// `own_account`: our own account is looked after beside those in `accounts`.
    pub own_account: bool,
    /// `shelf`: where last good states and the record are kept; empty: beside the store.
    pub shelf: String,
    /// `approve_within`: how long an approval is waited for.
    pub approve_within: Duration,
    /// `undo_holds`: how long a thing is left as it is whose repair a person took back or refused.
    pub undo_holds: Duration,
    /// `limit_window`: the window of the limits below.
    pub limit_window: Duration,
    /// `max_per_thing`: repairs of one thing by one playbook in the window; above zero.
    pub max_per_thing: usize,
    /// `max_per_account`: repairs in one account in the window; above zero.
    pub max_per_account: usize,
    /// `max_percent`: percent of all things of a kind in a region that may be repaired in the window, 0 to 100.
    pub max_percent: usize,
    /// `min_of_kind`: as many may be repaired however few there are.
    pub min_of_kind: usize,
    /// `pause`: how long nothing is repaired in an account after a limit was reached.
    pub pause: Duration,
    /// `own_prefix`: what the names of our own rules, queues and functions begin with.
    pub own_prefix: String,
    /// `own_functions`: the names of our functions.
    pub own_functions: Vec<String>,
    /// `own_roles`: the ARNs of the roles that repairs are made with: what they do triggers nothing, and they are watched.
    pub own_roles: Vec<String>,
    /// `[repair.playbooks]`, then `[[repair.where]]`, in the order of the file.
    pub rules: Vec<ModeRule>,
    /// `[[repair.exempt]]`.
    pub exemptions: Vec<Exemption>,
    /// `[repair.accounts.ID]`.
    pub accounts: Vec<RepairAccount>,
}

/// `[repair.accounts.ID]`: another account, and the role by which it lets us in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairAccount {
    /// ID, its twelve digits.
    pub account: String,
    /// `role`: the ARN of the role to assume there.
    pub role: String,
    /// `external_id`: what the role's trust asks for.
    pub external_id: Option<String>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Repair {
    fn default() -> Self {
        let (limits, own) = (Limits::default(), Own::default());
        Self {
            mode: Mode::Off,
            trial: Modes::TRIAL,
            every: Duration::from_secs(300),
            regions: Vec::new(),
            tag_exempts: DAY.saturating_mul(31),
            own_account: true,
            shelf: String::new(),
            approve_within: DAY,
            undo_holds: DAY,
            limit_window: limits.window,
            max_per_thing: limits.per_subject,
            max_per_account: limits.per_account,
            max_percent: limits.percent_of_class,
            min_of_kind: limits.least_of_class,
            pause: limits.pause,
            own_prefix: own.prefix,
            own_functions: Vec::new(),
            own_roles: Vec::new(),
            rules: Vec::new(),
            exemptions: Vec::new(),
            accounts: Vec::new(),
        }
    }
}

impl Repair {
    /// Whether any playbook may be on anywhere.
    pub fn is_on(&self) -> bool {
        self.modes().is_on()
    }

    /// How far each playbook may go.
    pub fn modes(&self) -> Modes {
        Modes { rules: self.rules.clone(), trial: self.trial, at_most: self.mode }
    }

    /// As the engine takes it. The key of links is a secret and not here.
    pub fn settings(&self) -> Settings {
        let roles = self.own_roles.iter().chain(self.accounts.iter().map(|one| &one.role));
        let name = |arn: &String| arn.rsplit('/').next().unwrap_or_default().to_owned();
        Settings {
            modes: self.modes(),
            exemptions: self.exemptions.clone(),
            limits: Limits {
                window: self.limit_window,
                per_subject: self.max_per_thing,
                per_account: self.max_per_account,
                percent_of_class: self.max_percent,
                least_of_class: self.min_of_kind,
                pause: self.pause,
            },
            own: Own {
                prefix: self.own_prefix.clone(),
                functions: self.own_functions.clone(),
                watched_roles: self.own_roles.iter().map(name).collect(),
                roles: roles.cloned().collect(),
                ..Own::default()
            },
            accounts: self.accounts.iter().map(|one| one.account.clone()).collect(),
            own_account: self.own_account,
            tag_exempts: self.tag_exempts,
            regions: self.regions.clone(),
            approve_within: self.approve_within,
            undo_holds: self.undo_holds,
            ..Settings::default()
        }
    }

    /// Where last good states and the record are kept, beside a store.
    pub fn shelf(&self, store: &StoreConfig) -> StoreConfig {
        match (StoreConfig::parse(&self.shelf), store) {
            (Some(shelf), _) => shelf,
            (None, StoreConfig::File(file)) => StoreConfig::File(file.with_file_name("repairs.db")),
            (None, other) => other.clone(),
        }
    }
}

/// The words for modes, from nothing to everything.
pub(super) const MODES: &[&str] = &["off", "notify", "plan", "approve", "act"];

impl Stored for Mode {
    fn take(parsed: Parsed) -> Option<Self> {
        if let Parsed::Word(word) = parsed { Self::parse(word) } else { None }
    }

    fn show(&self) -> Parsed {
        Parsed::Word(self.name())
    }
}

/// A file, a table of DynamoDB, or nothing.
pub(super) fn is_shelf(text: &str) -> bool {
    let table = || matches!(StoreConfig::parse(text), Some(StoreConfig::DynamoDb { .. }));
    text.is_empty() || is_path(text, MAX_PATH_BYTES) || table()
}

/// What the names of our own things may begin with: never nothing, or all things were our own.
pub(super) fn is_prefix(text: &str) -> bool {
    const MAX: usize = 64;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=MAX).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_modes_are_theirs() {
        assert!(Mode::ALL.iter().map(|mode| mode.name()).eq(MODES.iter().copied()));
    }

    #[test]
    fn by_default_nothing_is_repaired_and_the_limits_are_the_engines() {
        let repair = Repair::default();
        assert!(!repair.is_on());
        let (ours, engines) = (repair.settings(), Settings::default());
        assert_eq!((ours.limits, ours.own, ours.own_account), (engines.limits, engines.own, true));
        assert_eq!((ours.approve_within, ours.undo_holds), (engines.approve_within, engines.undo_holds));
    }

    #[test]
    fn a_tag_exempts_as_long_as_the_engine_says() {
        assert_eq!(Repair::default().settings().tag_exempts, Settings::default().tag_exempts);
    }

    #[test]
    fn the_shelf_is_beside_the_store_unless_it_is_said() {
        let store = StoreConfig::File("/var/lib/stockade/stockade.db".into());
        let mut repair = Repair::default();
        assert_eq!(repair.shelf(&store), StoreConfig::File("/var/lib/stockade/repairs.db".into()));
        let table = StoreConfig::DynamoDb { table: "Stockade".into() };
        assert_eq!(repair.shelf(&table), table);
        repair.shelf = "dynamodb:Repairs".into();
        assert_eq!(repair.shelf(&store), StoreConfig::DynamoDb { table: "Repairs".into() });
        for (text, fits) in
            [("", true), ("/x", true), ("x", false), ("dynamodb:a", false), ("postgres://h/d", false)]
        {
            assert_eq!(is_shelf(text), fits, "{text}");
        }
        for (text, fits) in [("stockade-", true), ("", false), ("a b", false), ("*", false)] {
            assert_eq!(is_prefix(text), fits, "{text}");
        }
    }
}
