//! Puts together, from what the ledger recalls, the state that a daemon would have.

use std::collections::{HashMap, HashSet};

use stockade_core::bans::Ban;
use stockade_core::ledger::{Answer, LedgerBan, Past};
use stockade_core::{Growth, Jails, Key, MatchId, States, Timestamp, step};

use super::reading::Case;

/// A jail's place and a key.
pub(super) type Pair = (usize, Key);

/// What is at hand of one key in one jail.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// The ids of its matches in this invocation.
    pub(super) ids: HashSet<MatchId>,
    /// The time of each.
    pub(super) times: Vec<Timestamp>,
}

/// The state before the matches at hand.
#[derive(Debug)]
pub(super) struct Restored {
    pub(super) states: States,
    /// The last ban of each pair, as it is in the ledger.
    pub(super) bans: HashMap<Pair, LedgerBan>,
    /// Up to when the matches of a pair are answered for by its last ban.
    pub(super) spent: HashMap<Pair, Timestamp>,
}

impl Restored {
    /// Puts back bans and windows. `own` holds what is at hand, which is not put back: it is judged.
    pub(super) fn new(
        jails: &Jails,
        answers: Vec<(Pair, Answer)>,
        own: &HashMap<Pair, Own>,
        now: Timestamp,
    ) -> Self {
        let mut restored = Self { states: States::new(jails), bans: HashMap::new(), spent: HashMap::new() };
        let mut pasts = Vec::with_capacity(answers.len());
        for (pair, answer) in answers {
            if let Some(ban) = answer.ban {
                restored.states.bans.put(&pair.1, last_ban(pair.0, &ban));
                restored.bans.insert(pair.clone(), ban);
            }
            pasts.push((pair, answer.matches));
        }
        // Only when all bans are back: some jails count those of the others.
        for (pair, past) in pasts {
            if let Some(own) = own.get(&pair) {
                restored.window(jails, &pair, &past, own, now);
            }
        }
        restored
    }

    fn window(&mut self, jails: &Jails, pair: &Pair, past: &[Past], own: &Own, now: Timestamp) {
        let (at, key) = pair;
        let Some(jail) = jails.get(*at) else { return };
        let offences = step::offences(jail, *at, &self.states.bans, key);
        let ban = self.states.bans.get(*at, key);
        // A ban in force that was made longer was so by a match: what came up to then is answered for as well. The
        // ledger does not hold which one it was, but its time and the ban's end depend on each other.
        let made = |time: &Timestamp| {
            ban.is_some_and(|ban| {
                ban.until != Timestamp::MAX
                    && *time > ban.since
                    && jail.ban_until(key, *time, offences.saturating_sub(1)) == ban.until
            })
        };
        let times = past.iter().map(|past| past.time).chain(own.times.iter().copied());
        let spent = times.map(|time| time.min(now)).filter(made).max().or(ban.map(|ban| ban.since));
        if let Some(spent) = spent {
            self.spent.insert(pair.clone(), spent);
        }
        let weight = if jail.growth.is_some() { Growth::weight(offences) } else { 1 };
        let most = usize::try_from(jail.threshold.maxretry.get()).unwrap_or(usize::MAX);
        let mut times = Vec::new();
        for one in past.iter().filter(|past| !own.ids.contains(&past.id)) {
            let time = one.time.min(now);
            if spent.is_some_and(|spent| time <= spent) {
                continue;
            }
            let copies = usize::try_from(one.count.saturating_mul(weight)).unwrap_or(usize::MAX);
            times.extend(std::iter::repeat_n(time, copies.min(most)));
        }
        self.states.restore_window(jails, *at, key, &times, now);
    }
}

fn last_ban(jail: usize, ban: &LedgerBan) -> Ban {
    let record = &ban.record;
    Ban {
        jail,
        times: record.times,
        since: record.since,
        until: record.until,
        live: record.live,
        reason: record.reason.clone(),
    }
}

/// The pairs in the order in which they are named first, and what is at hand of each.
pub(super) fn at_hand(cases: &[Case]) -> (Vec<Pair>, HashMap<Pair, Own>) {
    let mut order = Vec::new();
    let mut own: HashMap<Pair, Own> = HashMap::new();
    for case in cases {
        let pair = (case.at, case.found.key.clone());
        let known = own.entry(pair.clone()).or_insert_with(|| {
            order.push(pair);
            Own::default()
        });
        known.ids.insert(case.found.id);
        known.times.push(case.found.time);
    }
    (order, own)
}
