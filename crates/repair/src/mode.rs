//! How far a playbook may go, by playbook, account and region.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stockade_core::Timestamp;

use crate::Place;
use crate::playbook::About;

/// How far a playbook may go. Each mode does what those before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It does not look.
    Off,
    /// It looks and tells.
    Notify,
    /// It says what it would call.
    Plan,
    /// It waits for a person to approve the plan.
    Approve,
    /// It repairs.
    Act,
}

impl Mode {
    /// All of them, from nothing to everything.
    pub const ALL: [Self; 5] = [Self::Off, Self::Notify, Self::Plan, Self::Approve, Self::Act];

    /// Its name, as it is configured.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Notify => "notify",
            Self::Plan => "plan",
            Self::Approve => "approve",
            Self::Act => "act",
        }
    }

    /// The mode of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One rule about modes; what is not said holds for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeRule {
    /// A playbook, by id or name.
    #[serde(default)]
    pub playbook: Option<String>,
    /// An account.
    #[serde(default)]
    pub account: Option<String>,
    /// A region.
    #[serde(default)]
    pub region: Option<String>,
    /// The mode.
    pub mode: Mode,
}

impl ModeRule {
    /// How exactly it fits; `None` if it does not.
    fn fits(&self, about: &About, place: &Place) -> Option<u8> {
        let one = |rule: &Option<String>, is: &[&str], weight| match rule {
            None => Some(0),
            Some(wanted) => is.contains(&wanted.as_str()).then_some(weight),
        };
        let playbook = one(&self.playbook, &[about.id, about.name], 4)?;
        let account = one(&self.account, &[&place.account], 2)?;
        let region = one(&self.region, &[&place.region], 1)?;
        Some(playbook + account + region)
    }
}

/// What the installation says about modes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modes {
    /// Of the rules that fit, the most exact holds (a playbook weighs more than an account, that more than a region), and
    /// of equally exact ones the last.
    pub rules: Vec<ModeRule>,
    /// How long after the first run what no rule names is only planned.
    pub trial: Duration,
    /// What no rule names goes no further than this.
    pub at_most: Mode,
}

impl Modes {
    /// Seven days.
    pub const TRIAL: Duration = Duration::from_secs(7 * 24 * 3600);

    /// The mode of a playbook in a place. What a rule says holds at once: whoever writes it has decided. What no rule
    /// says is the catalogue's mode, no further than [`Modes::at_most`], and in the trial `plan` at most.
    pub fn of(&self, about: &About, place: &Place, first_run: Timestamp, now: Timestamp) -> Mode {
        let catalogue = about.mode.min(self.at_most);
        let fitting = self.rules.iter().filter_map(|rule| Some((rule.fits(about, place)?, rule.mode)));
        match fitting.max_by_key(|(exact, _)| *exact) {
            Some((_, mode)) => mode,
            None if self.in_trial(first_run, now) => catalogue.min(Mode::Plan),
            None => catalogue,
        }
    }

    /// Whether any playbook may be on anywhere.
    pub fn is_on(&self) -> bool {
        self.at_most > Mode::Off || self.rules.iter().any(|rule| rule.mode > Mode::Off)
    }

    /// Whether the trial lasts. A clock that went back makes it longer.
    pub fn in_trial(&self, first_run: Timestamp, now: Timestamp) -> bool {
        now < first_run.plus(self.trial)
    }
}

impl Default for Modes {
    fn default() -> Self {
        Self { rules: Vec::new(), trial: Self::TRIAL, at_most: Mode::Act }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Docs;

    static ABOUT: About = About {
        id: "P99",
        name: "some-thing",
        docs: Docs::new(""),
        mode: Mode::Act,
        permissions: &[],
        kinds: &[],
        then: &[],
    };

    fn rule(playbook: Option<&str>, account: Option<&str>, region: Option<&str>, mode: Mode) -> ModeRule {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ModeRule { playbook: owned(playbook), account: owned(account), region: owned(region), mode }
    }

    #[test]
    fn the_first_seven_days_only_plan_unless_a_rule_says_otherwise() {
        let place = Place::new("1", "eu-west-1");
        let day = Duration::from_secs(24 * 3600);
        let start = Timestamp::from_secs(1_000_000);
        let mut modes = Modes::default();
        let at = |modes: &Modes, days| modes.of(&ABOUT, &place, start, start.plus(day * days));
        assert_eq!((at(&modes, 0), at(&modes, 6), at(&modes, 7)), (Mode::Plan, Mode::Plan, Mode::Act));
        modes.rules.push(rule(Some("some-thing"), None, None, Mode::Act));
        assert_eq!(at(&modes, 0), Mode::Act);
    }

    #[test]
    fn what_no_rule_names_goes_no_further_than_is_allowed() {
        let place = Place::new("1", "eu-west-1");
        let (start, later) = (Timestamp::from_secs(0), Timestamp::from_secs(10));
        let mut modes = Modes { trial: Duration::from_secs(5), ..Modes::default() };
        for (at_most, [in_trial, after]) in [
            (Mode::Off, [Mode::Off, Mode::Off]),
            (Mode::Notify, [Mode::Notify, Mode::Notify]),
            (Mode::Approve, [Mode::Plan, Mode::Approve]),
            (Mode::Act, [Mode::Plan, Mode::Act]),
        ] {
            modes.at_most = at_most;
            assert_eq!(modes.of(&ABOUT, &place, start, start), in_trial, "{at_most}");
            assert_eq!(modes.of(&ABOUT, &place, start, later), after, "{at_most}");
            assert_eq!(modes.is_on(), at_most > Mode::Off);
        }
        modes = Modes { at_most: Mode::Off, rules: vec![rule(None, Some("1"), None, Mode::Act)], ..modes };
        assert_eq!((modes.of(&ABOUT, &place, start, start), modes.is_on()), (Mode::Act, true));
    }

    #[test]
    fn the_most_exact_rule_holds_and_of_equal_ones_the_last() {
        let start = Timestamp::from_secs(0);
        let modes = Modes {
            rules: vec![
                rule(Some("P99"), None, None, Mode::Act),
                rule(None, Some("1"), None, Mode::Notify),
                rule(Some("P99"), Some("1"), None, Mode::Approve),
                rule(None, None, Some("us-east-1"), Mode::Off),
                rule(None, Some("2"), None, Mode::Plan),
                rule(None, Some("2"), None, Mode::Off),
            ],
            trial: Duration::ZERO,
            at_most: Mode::Act,
        };
        let of = |account, region| modes.of(&ABOUT, &Place::new(account, region), start, start);
        assert_eq!(of("1", "us-east-1"), Mode::Approve);
        assert_eq!(of("2", "us-east-1"), Mode::Act);
        assert_eq!(of("3", "us-east-1"), Mode::Act);
        let other = About { id: "P98", name: "other", ..another() };
        assert_eq!(modes.of(&other, &Place::new("2", "eu-west-1"), start, start), Mode::Off);
        assert_eq!(modes.of(&other, &Place::new("3", "us-east-1"), start, start), Mode::Off);
    }

    fn another() -> About {
        About {
            id: "",
            name: "",
            docs: Docs::new(""),
            mode: Mode::Act,
            permissions: &[],
            kinds: &[],
            then: &[],
        }
    }
}
