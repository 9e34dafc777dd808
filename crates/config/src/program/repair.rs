//! `[repair]`: what is put back in AWS, and how far that may go.

use std::time::Duration;

use stockade_repair::{Exemption, Limits, Mode, ModeRule, Modes, Own, Settings};

use super::value::{Parsed, Stored};
use super::{Secret, StoreConfig};

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
    /// `shelf`: where last good states and the record are kept; none: beside the store.
    pub shelf: Option<StoreConfig>,
    /// `approve_within`: how long an approval is waited for.
    pub approve_within: Duration,
    /// `tell`: who is told what repairs came to, of `[responders]`; empty: all that tell.
    pub tell: Vec<String>,
    /// `link_secret`: what links in notices are signed with; `None`: notices hold no links.
    pub link_secret: Option<Secret>,
    /// `link_url`: where those links lead; empty: to the function's own address.
    pub link_url: String,
    /// `undo_holds`: how long a thing is left as it is whose repair a person took back or refused.
    pub undo_holds: Duration,
    /// `contain`: an actor who undoes each repair is contained, as far as the mode of P19 allows it.
    pub contain: bool,
    /// `break_glass`: the ARNs of users and roles for emergencies, in which `*` stands for anything: their credentials are
    /// never touched.
    pub break_glass: Vec<String>,
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
    /// `known_accounts`: accounts that things may be shared with, beside those that are looked after.
    pub known_accounts: Vec<String>,
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
            shelf: None,
            approve_within: DAY,
            tell: Vec::new(),
            link_secret: None,
            link_url: String::new(),
            undo_holds: DAY,
            contain: false,
            break_glass: Vec::new(),
            limit_window: limits.window,
            max_per_thing: limits.per_subject,
            max_per_account: limits.per_account,
            max_percent: limits.percent_of_class,
            min_of_kind: limits.least_of_class,
            pause: limits.pause,
            own_prefix: own.prefix,
            own_functions: Vec::new(),
            known_accounts: Vec::new(),
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
                accounts: self.known_accounts.clone(),
                watched_roles: self.own_roles.iter().map(name).collect(),
                roles: roles.cloned().collect(),
                break_glass: self.break_glass.clone(),
                ..Own::default()
            },
            accounts: self.accounts.iter().map(|one| one.account.clone()).collect(),
            own_account: self.own_account,
            tag_exempts: self.tag_exempts,
            regions: self.regions.clone(),
            approve_within: self.approve_within,
            undo_holds: self.undo_holds,
            contain: self.contain,
            ..Settings::default()
        }
    }

    /// Where last good states and the record are kept, beside a store.
    pub fn shelf(&self, store: &StoreConfig) -> StoreConfig {
        match (&self.shelf, store) {
            (Some(shelf), _) => shelf.clone(),
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

/// Where links may lead: an address without a query, over an encrypted connection or on this machine.
pub(super) fn is_link_url(text: &str) -> bool {
    let (local, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return text.is_empty(),
    };
    let host = rest.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]%".contains(&byte);
    !name.is_empty()
        && text.len() <= crate::limits::MAX_URL_BYTES
        && rest.bytes().all(plain)
        && (!local || matches!(name, "localhost" | "127.0.0.1" | "[::1]"))
}

/// What the names of our own things may begin with: never nothing, or all things were our own.
pub(super) fn is_prefix(text: &str) -> bool {
    const MAX: usize = 64;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// An ARN of a user or a role, in which `*` may stand for anything: a name alone would protect nobody.
pub(super) fn is_principal(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return false };
    let known = |account: &str| account.contains('*') || account.len() == 12;
    let named = |sort| resource.strip_prefix(sort).is_some_and(|name| !name.is_empty());
    (partition.starts_with("aws") || *partition == "*")
        && known(account)
        && (named("user/") || named("role/"))
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
        assert!(!ours.contain, "nobody is contained");
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
        repair.shelf = StoreConfig::parse("dynamodb:Repairs");
        assert_eq!(repair.shelf(&store), StoreConfig::DynamoDb { table: "Repairs".into() });
        let fleet = StoreConfig::parse("postgresql://h/fleet").unwrap();
        assert_eq!(Repair::default().shelf(&fleet), fleet);
        for (text, fits) in [
            ("", true),
            ("https://guard.example.com/", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://[::1]:8080/", true),
            ("http://guard.example.com/", false),
            ("http://127.0.0.1.example.com/", false),
            ("https://guard.example.com/?a=b", false),
            ("https://user@guard.example.com/", false),
            ("https://guard.example.com/#x", false),
            ("https://", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(is_link_url(text), fits, "{text}");
        }
        for (text, fits) in [
            ("arn:aws:iam::*:user/break-glass", true),
            ("arn:aws-cn:iam::111122223333:role/*", true),
            ("break-glass", false),
            ("arn:aws:iam::111122223333:root", false),
            ("arn:aws:iam::1111:user/x", false),
            ("arn:aws:iam::111122223333:user/", false),
            ("arn:aws:sts::111122223333:assumed-role/x/y", false),
        ] {
            assert_eq!(is_principal(text), fits, "{text}");
        }
        for (text, fits) in [("stockade-", true), ("", false), ("a b", false), ("*", false)] {
            assert_eq!(is_prefix(text), fits, "{text}");
        }
    }
}
