//! The outbox: what was decided is handed to the responders, and what came of it is recorded.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use stockade_core::ports::{OutboxItem, Settlement};
use stockade_core::{Decision, Key, Verdict};

use super::hands::{Errand, Work, is_notice};
use super::turn::Turn;

/// How many decisions are handed to the responders at once.
const OUTBOX_SLICE: usize = 10_000;
/// How many repairs the responders have at once: each has its whole event with it.
const MAX_REPAIRS: usize = 128;

/// What an outbox line is about: the jail, the key, and whether it is a repair.
pub(super) type InFlight = (Arc<str>, Key, bool);

impl Turn {
    /// Hands decisions from the outbox to the responders.
    pub(crate) fn hand_out(&mut self) {
        let now = self.clock.now();
        let room = OUTBOX_SLICE.saturating_sub(self.in_flight.len());
        if room == 0 {
            return;
        }
        let items = match self.store.outbox(now, OUTBOX_SLICE) {
            Ok(items) => items,
            Err(error) => return self.store_failed(&error, now),
        };
        let mut repairs = self.in_flight.values().filter(|(_, _, repair)| *repair).count();
        let mut is_fresh = |item: &OutboxItem| match self.in_flight.entry(item.id) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                let Decision { jail, key, verdict, .. } = &item.decision;
                let repair = *verdict == Verdict::Repair;
                if repair && repairs >= MAX_REPAIRS {
                    return false;
                }
                repairs += usize::from(repair);
                place.insert((Arc::clone(jail), key.clone(), repair));
                true
            }
        };
        let fresh: Vec<OutboxItem> = items.into_iter().filter(&mut is_fresh).collect();
        self.give(&fresh);
        self.settle_orphans(&fresh);
    }

    /// What waits for a responder that is not there any more would wait for ever.
    fn settle_orphans(&mut self, items: &[OutboxItem]) {
        if self.hands.is_empty() {
            // This life is ending; the next one has them.
            return;
        }
        let orphans = items.iter().filter(|item| self.hands.iter().all(|hand| hand.name != item.responder));
        let refused = |item: &OutboxItem| Settlement {
            id: item.id,
            outcome: stockade_core::Outcome::Refused {
                reason: format!("there is no responder `{}` any more", item.responder),
            },
            retry_at: item.decision.at,
        };
        let settled: Vec<Settlement> = orphans.map(refused).collect();
        if !settled.is_empty() {
            self.settle(&settled);
        }
    }

    /// A responder says what came of its work.
    pub(crate) fn settle(&mut self, settled: &[Settlement]) {
        // Orders that were given from memory have no line in the outbox.
        let known: Vec<_> = settled.iter().filter(|one| one.id >= 0).cloned().collect();
        for one in &known {
            if let stockade_core::Outcome::Failed { error } = &one.outcome {
                tracing::warn!(error, "a decision could not be carried out, it is tried again");
            }
        }
        if let Err(error) = self.store.settle(&known) {
            self.store_failed(&error, self.clock.now());
        }
        for one in known {
            let about = self.in_flight.remove(&one.id);
            #[cfg(feature = "aws")]
            if let (Some(tracker), Some((jail, key, _))) = (&mut self.tracker, &about) {
                tracker.settled(jail, key, &one.outcome);
            }
            drop(about);
        }
    }

    fn give(&mut self, items: &[OutboxItem]) {
        let hands = std::mem::take(&mut self.hands);
        let answered = self.answered_by(items);
        for hand in &hands {
            let of_hand = items.iter().filter(|item| item.responder == hand.name);
            let errands: Vec<Errand> = of_hand
                .map(|item| Errand {
                    item: item.clone(),
                    evidence: if is_notice(&item.decision.verdict) {
                        self.grounds(&item.decision, &answered)
                    } else {
                        self.evidence(&item.decision, hand.wants)
                    },
                })
                .collect();
            if !errands.is_empty() {
                hand.give(Work::Orders(errands));
            }
        }
        self.hands = hands;
    }

    /// Hands out the orders of the waiting batch that have not been yet.
    pub(super) fn act_from_memory(&mut self) {
        let mut items = Vec::new();
        for order in
            self.batch.orders.iter().skip(self.acted_from_memory).filter(|order| order.refused.is_none())
        {
            for responder in &order.responders {
                let decision = order.decision.clone();
                items.push(OutboxItem { id: -1, responder: responder.clone(), decision, attempts: 0 });
            }
        }
        // Carried out again when the store works: that changes nothing in the world, and it is on record.
        self.acted_from_memory = self.batch.orders.len();
        self.give(&items);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::num::NonZeroU32;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use stockade_core::ports::{Clock, Responder};
    use stockade_core::{Jail, Jails, Match, MatchId, Outcome, Target, Timestamp};
    use stockade_respond::{DryRun, Log, Nftables};
    use stockade_store::MemoryStore;

    use super::*;
    use crate::daemon::hands::Hand;
    use crate::daemon::input::Input;

    const NOW: Timestamp = Timestamp::from_secs(1_767_323_045);

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            NOW
        }
    }

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn jail(name: &str, target: Target, maxretry: u32) -> Jail {
        let mut jail = Jail::new(name);
        (jail.target, jail.threshold.maxretry) = (target, NonZeroU32::new(maxretry).unwrap());
        jail
    }

    /// A turn whose jails tell a log and somebody who only knows bans.
    fn turn(jails: Vec<Jail>, log: &Shared) -> (Turn, Receiver<Input>) {
        let names: Vec<Arc<str>> = vec!["log".into(), "bans".into()];
        let (responders_of, clock) = (vec![names; jails.len()], Arc::new(Noon) as Arc<dyn Clock>);
        let guards = crate::daemon::guards_of(&stockade_config::Guards::default());
        let store = Box::<MemoryStore>::default();
        let (mut turn, _) =
            Turn::new(Jails::new(jails), responders_of, store, guards, Arc::clone(&clock)).unwrap();
        let (inputs, told) = channel();
        let responders: [(&str, Box<dyn Responder>); 2] =
            [("log", Box::new(Log::new(log.clone()))), ("bans", Box::new(OnlyBans(DryRun::new(|_| ()))))];
        for (at, (name, responder)) in responders.into_iter().enumerate() {
            let clock = Arc::clone(&clock);
            let hand = Hand::start(at, name.into(), responder, false, vec![], clock, inputs.clone());
            turn.hands.push(hand.unwrap());
        }
        (turn, told)
    }

    /// A responder that says nothing of what is no ban, as those do that were written before there was any.
    struct OnlyBans(DryRun);

    impl Responder for OnlyBans {
        fn name(&self) -> &str {
            Nftables::NAME
        }
        fn prepare(
            &mut self,
            scopes: &[stockade_core::ports::Scope],
        ) -> Result<(), stockade_core::ports::RespondError> {
            self.0.prepare(scopes)
        }
        fn current(
            &mut self,
            now: Timestamp,
        ) -> Result<Option<Vec<stockade_core::ports::Standing>>, stockade_core::ports::RespondError> {
            self.0.current(now)
        }
        fn apply(
            &mut self,
            plan: &stockade_core::ports::Plan,
            now: Timestamp,
        ) -> Result<Vec<Outcome>, stockade_core::ports::RespondError> {
            assert!(plan.is_empty(), "nothing here is a ban");
            self.0.apply(plan, now)
        }
        fn flush(&mut self) -> Result<(), stockade_core::ports::RespondError> {
            self.0.flush()
        }
    }

    fn event(id: u128, jail: &str, key: &str, secs_ago: u64, line: &str) -> Match {
        Match {
            id: MatchId(id),
            jail: jail.into(),
            key: key.parse().unwrap(),
            time: NOW.minus(Duration::from_secs(secs_ago)),
            count: 1,
            user: None,
            stream: "queue".into(),
            line: line.into(),
        }
    }

    /// Settles what the responders say of so many orders.
    fn settle(turn: &mut Turn, told: &Receiver<Input>, mut orders: usize) {
        while orders > 0 {
            if let Input::Settled(settled) = told.recv_timeout(Duration::from_secs(20)).unwrap() {
                orders -= settled.len();
                turn.settle(&settled);
            }
        }
    }

    fn lines(log: &Shared) -> Vec<serde_json::Value> {
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_event_is_told_with_its_own_record_also_two_of_one_instant() {
        let log = Shared::default();
        let (mut turn, told) = turn(vec![jail("root-use", Target::Notify, 1)], &log);
        let root = "123456789012";
        turn.count(vec![
            (0, event(1, "root-use", root, 5, r#"{"id":"a"}"#)),
            (0, event(2, "root-use", root, 5, r#"{"id":"b"}"#)),
            (0, event(3, "root-use", root, 9, r#"{"id":"c"}"#)),
        ]);
        turn.commit();
        settle(&mut turn, &told, 6);
        let ids: Vec<_> = lines(&log).iter().map(|line| line["events"].clone()).collect();
        let one = |id: &str| serde_json::json!([{ "id": id }]);
        assert_eq!(ids, [one("a"), one("b"), one("c")]);
        let key: Key = root.parse().unwrap();
        for logged in turn.store.decisions(Some(&key), 10).unwrap() {
            assert_eq!(logged.decision.verdict, Verdict::Notify);
            let refused = Outcome::Refused { reason: "`bans` does not notify".to_owned() };
            assert_eq!(
                logged.outcomes,
                [("log".into(), Some(Outcome::Done)), ("bans".into(), Some(refused))]
            );
        }
        assert!(turn.store.outbox(Timestamp::MAX, 10).unwrap().is_empty());
        assert_eq!((turn.tally.told, turn.states.bans.iter().count()), (3, 0));
        turn.expire();
        turn.commit();
        assert_eq!(turn.store.decisions(None, 10).unwrap().len(), 3, "nothing ends");
    }

    #[test]
    fn a_notice_of_several_names_those_that_led_to_it_and_a_restart_does_not_repeat_it() {
        let log = Shared::default();
        let jails = vec![jail("console", Target::Notify, 3), jail("other", Target::Ban, 5)];
        let (mut turn, told) = turn(jails, &log);
        let user = "arn:aws:iam::123456789012:user/a";
        let old = event(9, "console", user, 5_000, r#"{"id":"old"}"#);
        let elsewhere = event(8, "other", user, 3, r#"{"id":"elsewhere"}"#);
        let one = |id: u128, ago: u64| (0, event(id, "console", user, ago, &format!(r#"{{"id":"{id}"}}"#)));
        turn.count(vec![(0, old), one(1, 50), (1, elsewhere), one(2, 40), one(3, 30)]);
        turn.commit();
        settle(&mut turn, &told, 2);
        let lines = lines(&log);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["events"], serde_json::json!([{"id": "3"}, {"id": "2"}, {"id": "1"}]));
        assert_eq!(lines[0]["reason"], "3 matches within 600s");
        // What was remembered says what had its answer.
        let snapshot = turn.store.load().unwrap();
        let mark = snapshot.bans.iter().find(|ban| &*ban.jail == "console").unwrap();
        assert!(!mark.live && mark.times == 0 && mark.since == NOW.minus(Duration::from_secs(30)));
        assert!(snapshot.windows.iter().all(|window| &*window.jail != "console"));
    }
}
