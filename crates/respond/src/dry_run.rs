//! Says what would be done, and does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use stockade_core::ports::{Notice, Plan, RespondError, Responder, Scope, Standing};
use stockade_core::{Key, Outcome, Timestamp, Verdict};

/// What would have been done. Its `Display` is one line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DryAction {
    /// Tables, sets and rules would have been set up for a jail.
    Prepare(Scope),
    /// A key would have been kept out.
    Ban {
        /// For whom, whom and until when.
        standing: Standing,
        /// The time of the plan, so that what is left can be told.
        now: Timestamp,
    },
    /// A key would have been let in again.
    Unban {
        /// The jail that it was banned in.
        jail: Arc<str>,
        /// Whom.
        key: Key,
    },
    /// Somebody would have been told.
    Notify {
        /// By which jail.
        jail: Arc<str>,
        /// Of whom.
        key: Key,
    },
    /// Something would have been repaired.
    Repair {
        /// By which jail.
        jail: Arc<str>,
        /// What.
        key: Key,
    },
    /// Every ban would have been lifted.
    Flush,
}

impl fmt::Display for DryAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare(scope) if scope.ports.is_empty() => {
                write!(f, "would prepare jail `{}` for all ports", scope.jail)
            }
            Self::Prepare(scope) => {
                write!(f, "would prepare jail `{}` for ports {}", scope.jail, crate::scope::ports_text(scope))
            }
            Self::Ban { standing: Standing { jail, key, until }, .. } if *until == Timestamp::MAX => {
                write!(f, "would ban `{key}` in jail `{jail}` for ever")
            }
            Self::Ban { standing: Standing { jail, key, until }, now } => {
                write!(f, "would ban `{key}` in jail `{jail}` for {} s", until.since(*now).as_secs())
            }
            Self::Unban { jail, key } => write!(f, "would unban `{key}` in jail `{jail}`"),
            Self::Notify { jail, key } => write!(f, "would tell of `{key}` in jail `{jail}`"),
            Self::Repair { jail, key } => write!(f, "would repair `{key}` for jail `{jail}`"),
            Self::Flush => f.write_str("would lift every ban"),
        }
    }
}

/// The responder `dry-run`.
///
/// It remembers, as long as it lives, what would be in force, so that a reconcile finds nothing to do and a list shows
/// what would be banned. It takes every key, also names: it stands for whatever responder will take its place.
pub struct DryRun {
    tell: Box<dyn FnMut(DryAction) + Send>,
    jails: BTreeSet<Arc<str>>,
    bans: BTreeMap<(Arc<str>, Key), Timestamp>,
}

impl DryRun {
    /// The name of this responder.
    pub const NAME: &'static str = "dry-run";

    /// A responder that gives every action to `tell`.
    pub fn new(tell: impl FnMut(DryAction) + Send + 'static) -> Self {
        Self { tell: Box::new(tell), jails: BTreeSet::new(), bans: BTreeMap::new() }
    }
}

impl fmt::Debug for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DryRun")
            .field("jails", &self.jails)
            .field("bans", &self.bans.len())
            .finish_non_exhaustive()
    }
}

impl Responder for DryRun {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn prepare(&mut self, scopes: &[Scope]) -> Result<(), RespondError> {
        self.jails = scopes.iter().map(|scope| Arc::clone(&scope.jail)).collect();
        self.bans.retain(|(jail, _), _| self.jails.contains(jail));
        scopes.iter().for_each(|scope| (self.tell)(DryAction::Prepare(scope.clone())));
        Ok(())
    }

    fn current(&mut self, now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        self.bans.retain(|_, until| *until > now);
        let standing = |((jail, key), until): (&(Arc<str>, Key), &Timestamp)| Standing {
            jail: Arc::clone(jail),
            key: key.clone(),
            until: *until,
        };
        Ok(Some(self.bans.iter().map(standing).collect()))
    }

    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        let mut outcomes = Vec::with_capacity(plan.add.len() + plan.remove.len());
        for standing in &plan.add {
            if !self.jails.contains(&standing.jail) {
                let error = format!("the dry run was not prepared for the jail `{}`", standing.jail);
                outcomes.push(Outcome::Failed { error });
                continue;
            }
            self.bans.insert((Arc::clone(&standing.jail), standing.key.clone()), standing.until);
            (self.tell)(DryAction::Ban { standing: standing.clone(), now });
            outcomes.push(Outcome::Done);
        }
        for (jail, key) in &plan.remove {
            self.bans.remove(&(Arc::clone(jail), key.clone()));
            (self.tell)(DryAction::Unban { jail: Arc::clone(jail), key: key.clone() });
            outcomes.push(Outcome::Done);
        }
        Ok(outcomes)
    }

    fn takes(&self, _: &Verdict) -> bool {
        true
    }

    fn tell(&mut self, notices: &[Notice], _: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        for Notice { decision, .. } in notices {
            let (jail, key) = (Arc::clone(&decision.jail), decision.key.clone());
            let repair = decision.verdict == Verdict::Repair;
            (self.tell)(if repair {
                DryAction::Repair { jail, key }
            } else {
                DryAction::Notify { jail, key }
            });
        }
        Ok(vec![Outcome::Done; notices.len()])
    }

    fn flush(&mut self) -> Result<(), RespondError> {
        self.bans.clear();
        self.jails.clear();
        (self.tell)(DryAction::Flush);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use stockade_core::ports::Protocol;

    use super::*;

    #[test]
    fn every_action_is_told_in_a_line_and_nothing_else_happens() {
        let (sender, told) = mpsc::channel();
        let mut dry_run = DryRun::new(move |action| sender.send(action.to_string()).unwrap());
        let now = Timestamp::from_secs(1_000);
        let until = now.plus(Duration::from_secs(600));
        let scope = Scope {
            jail: "sshd".into(),
            ports: vec![(22, 22), (80, 90)],
            protocols: vec![Protocol::Tcp, Protocol::Udp],
        };
        let everywhere = Scope { jail: "recidive".into(), ports: vec![], protocols: vec![] };
        dry_run.prepare(&[scope, everywhere]).unwrap();
        let ban =
            |jail: &str, key: &str, until| Standing { jail: jail.into(), key: key.parse().unwrap(), until };
        let plan = Plan {
            add: vec![ban("sshd", "192.0.2.1", until), ban("recidive", "2001:db8::/64", Timestamp::MAX)],
            remove: vec![("sshd".into(), "192.0.2.9".parse().unwrap())],
        };
        assert_eq!(dry_run.apply(&plan, now).unwrap(), vec![Outcome::Done; 3]);
        assert_eq!(dry_run.current(now).unwrap().unwrap().len(), 2);
        assert_eq!(dry_run.current(until).unwrap().unwrap().len(), 1);
        dry_run.flush().unwrap();
        assert_eq!(
            told.try_iter().collect::<Vec<_>>(),
            [
                "would prepare jail `sshd` for ports tcp,udp 22,80-90",
                "would prepare jail `recidive` for all ports",
                "would ban `192.0.2.1` in jail `sshd` for 600 s",
                "would ban `2001:db8::/64` in jail `recidive` for ever",
                "would unban `192.0.2.9` in jail `sshd`",
                "would lift every ban",
            ]
        );
    }
}
