//! Taking over the bans of another program: what becomes of each, and how they get into a store that no daemon has.
//!
//! A ban is known by jail, key and the time it began. One that is not newer than what we know changes nothing but the
//! count, and that only upwards: so an import can be repeated, and what was lifted since stays lifted.

use std::collections::HashMap;
use std::sync::Arc;

use stockade_config::{Config, StoreConfig};
use stockade_core::bans::Ban;
use stockade_core::ports::{Batch, Order, StoreError};
use stockade_core::{BanRecord, BanTime, Decision, Jail, Key, Reason, Timestamp, Verdict};
#[cfg(feature = "sqlite")]
pub use stockade_store::{Fail2banBan, Fail2banRecords};

use crate::control::{Fate, ForeignBan};
use crate::daemon;
use crate::guards::Guarded;
use crate::store::{self, StoreOptions};

/// The last ban of a key in a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) times: u32,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) live: bool,
    pub(crate) reason: Reason,
}

impl From<&Ban> for State {
    fn from(ban: &Ban) -> Self {
        let Ban { times, since, until, live, ref reason, .. } = *ban;
        Self { times, since, until, live, reason: reason.clone() }
    }
}

impl From<&BanRecord> for State {
    fn from(ban: &BanRecord) -> Self {
        let BanRecord { times, since, until, live, ref reason, .. } = *ban;
        Self { times, since, until, live, reason: reason.clone() }
    }
}

/// What becomes of a ban, and what is to be remembered then, if anything. `refused` asks the guards.
pub(crate) fn judge(
    ban: &ForeignBan,
    jail: &Jail,
    known: Option<State>,
    refused: impl FnOnce() -> Option<String>,
    now: Timestamp,
) -> (Fate, Option<State>) {
    let since = ban.since.min(now);
    let length = match ban.seconds {
        None => jail.bantime,
        Some(seconds) => u64::try_from(seconds)
            .map_or(BanTime::Forever, |s| BanTime::For(std::time::Duration::from_secs(s))),
    };
    let until = length.until(since);
    let times = ban.times.max(1);
    // What stays as it is but for its count.
    let only_count = |known: State| {
        if times <= known.times {
            return (Fate::Known, None);
        }
        (Fate::Count, Some(State { times, ..known }))
    };
    let times = match known {
        Some(known) if since <= known.since || known.live && until <= known.until => {
            return only_count(known);
        }
        Some(known) => times.max(known.times),
        None => times,
    };
    let reason = Reason::Imported;
    if until <= now {
        return (Fate::Count, Some(State { times, since, until, live: false, reason }));
    }
    if let Some(by) = jail.ignore.covering(&ban.key) {
        return (Fate::Left { reason: format!("ignored by `{by}`") }, None);
    }
    if let Some(reason) = refused() {
        return (Fate::Left { reason }, None);
    }
    let shown = (until != Timestamp::MAX).then_some(until);
    (Fate::Ban { until: shown }, Some(State { times, since, until, live: true, reason }))
}

/// Takes bans over into the store `place`, or else the configured one, while no daemon of this host has it; with
/// `dry_run` only says what would become of them. The fates are in the order of the bans.
///
/// # Errors
/// When the store cannot be read or written; nothing was changed then. Of the kind `Busy` if a daemon runs.
pub fn into_store(
    config: &Config,
    place: Option<&StoreConfig>,
    bans: &[ForeignBan],
    dry_run: bool,
    now: Timestamp,
    mut warn: impl FnMut(String),
) -> Result<Vec<Fate>, StoreError> {
    let options = StoreOptions::of(&config.program, place);
    let (mut store, known) = if dry_run {
        (None, store::look(&options)?.unwrap_or_default().bans)
    } else {
        let opened = store::open(&options, now)?;
        opened.notice.into_iter().for_each(&mut warn);
        let mut store = opened.store;
        let known = store.load()?.bans;
        (Some(store), known)
    };
    type Id = (Arc<str>, Key);
    let mut known: HashMap<Id, State> =
        known.iter().map(|ban| ((ban.jail.clone(), ban.key.clone()), ban.into())).collect();
    let jails = jails(config, warn);
    let mut guards = daemon::guards_of(&config.program.guards);
    let mut batch = Batch::default();
    let mut fates = Vec::with_capacity(bans.len());
    for ban in bans {
        let Some((jail, responders)) = jails.get(&ban.jail) else {
            fates.push(Fate::Left { reason: format!("no such jail: `{}`", ban.jail) });
            continue;
        };
        let refused = || match guards.judge(&ban.key, false, now) {
            Guarded::Pass => None,
            Guarded::Refuse(reason) | Guarded::Alarm(reason) => Some(reason),
        };
        let id = (ban.jail.clone(), ban.key.clone());
        let (fate, taken) = judge(ban, jail, known.get(&id).cloned(), refused, now);
        if let Some(state) = taken {
            let State { times, since, until, live, reason } = state.clone();
            let (jail, key) = id.clone();
            if matches!(fate, Fate::Ban { .. }) {
                let verdict = Verdict::Ban { until, extends: false };
                let (jail, key) = id.clone();
                let decision = Decision { jail, key, verdict, at: since, reason: reason.clone(), nth: times };
                batch.orders.push(Order { decision, responders: responders.clone(), refused: None });
            }
            batch.bans.push(BanRecord { jail, key, times, since, until, live, reason });
            known.insert(id, state);
        }
        fates.push(fate);
    }
    if let Some(store) = &mut store {
        store.commit(&batch)?;
    }
    Ok(fates)
}

/// The jails by name, with whom they ignore and who carries their bans out.
fn jails(config: &Config, mut warn: impl FnMut(String)) -> HashMap<Arc<str>, (Jail, Vec<Arc<str>>)> {
    let one = |jail: &stockade_config::JailConfig| {
        let mut ready = jail.jail.clone();
        ready.ignore.extend(daemon::lookups_of(jail).resolve(&mut warn));
        (ready.name.clone(), (ready, jail.responders.clone()))
    };
    config.jails.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(10_000);

    fn ban(since: i64, seconds: Option<i64>, times: u32) -> ForeignBan {
        let key = "192.0.2.7".parse().unwrap();
        ForeignBan { jail: "sshd".into(), key, since: Timestamp::from_secs(since), seconds, times }
    }

    fn state(since: i64, until: i64, times: u32, live: bool) -> State {
        let (since, until) = (Timestamp::from_secs(since), Timestamp::from_secs(until));
        State { times, since, until, live, reason: Reason::Imported }
    }

    fn fate(ban: &ForeignBan, known: Option<State>) -> (Fate, Option<State>) {
        judge(ban, &Jail::new("sshd"), known, || None, NOW)
    }

    fn until(secs: i64) -> Fate {
        Fate::Ban { until: Some(Timestamp::from_secs(secs)) }
    }

    #[test]
    fn what_runs_is_taken_over_and_what_is_over_counts() {
        assert_eq!(
            fate(&ban(9_900, Some(600), 3), None),
            (until(10_500), Some(state(9_900, 10_500, 3, true)))
        );
        assert_eq!(fate(&ban(9_000, Some(600), 3), None), (Fate::Count, Some(state(9_000, 9_600, 3, false))));
        assert_eq!(fate(&ban(9_900, None, 1), None).0, until(10_500), "as long as our jail bans");
        let (ever, taken) = fate(&ban(1, Some(-1), 1), None);
        assert_eq!((ever, taken.unwrap().until), (Fate::Ban { until: None }, Timestamp::MAX));
        assert_eq!(
            fate(&ban(99_999, Some(600), 0), None),
            (until(10_600), Some(state(10_000, 10_600, 1, true)))
        );
    }

    #[test]
    fn twice_changes_nothing_and_what_was_lifted_stays_lifted() {
        for (ban, lifted) in [
            (ban(9_900, Some(600), 3), false),
            (ban(9_000, Some(600), 3), false),
            (ban(9_900, Some(600), 3), true),
        ] {
            let mut taken = fate(&ban, None).1.unwrap();
            taken.live &= !lifted;
            assert_eq!(fate(&ban, Some(taken)), (Fate::Known, None));
        }
    }

    #[test]
    fn what_we_know_better_stays_but_for_a_higher_count() {
        let ours = state(9_950, 20_000, 2, true);
        assert_eq!(fate(&ban(9_900, Some(600), 2), Some(ours.clone())), (Fate::Known, None));
        assert_eq!(
            fate(&ban(9_990, Some(600), 1), Some(ours.clone())),
            (Fate::Known, None),
            "ours is longer"
        );
        let counted = state(9_950, 20_000, 5, true);
        assert_eq!(fate(&ban(9_900, Some(600), 5), Some(ours.clone())), (Fate::Count, Some(counted)));
        let newer = fate(&ban(9_990, Some(-1), 1), Some(ours));
        assert_eq!((newer.0, newer.1.unwrap().times), (Fate::Ban { until: None }, 2));
    }

    #[test]
    fn whom_we_must_not_ban_is_left() {
        let mut jail = Jail::new("sshd");
        jail.ignore.insert("192.0.2.0/24".parse().unwrap());
        let left = |reason: &str| (Fate::Left { reason: reason.to_owned() }, None);
        assert_eq!(
            judge(&ban(9_900, Some(600), 1), &jail, None, || None, NOW),
            left("ignored by `192.0.2.0/24`")
        );
        let refused = || Some("own address".to_owned());
        assert_eq!(
            judge(&ban(9_900, Some(600), 1), &Jail::new("sshd"), None, refused, NOW),
            left("own address")
        );
    }
}
