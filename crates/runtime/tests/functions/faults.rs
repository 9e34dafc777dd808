//! Days on which something does not work: the ledger, another function, the world that should be told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use serde_json::json;
use stockade_core::ledger::{Answer, Ledger, LedgerBan, Question, Unwritten};
use stockade_core::ports::{StoreError, StoreErrorKind};
use stockade_core::{BanRecord, Key, Match, Timestamp};
use stockade_runtime::functions::{FunctionError, FunctionLedger, Role, Units};
use stockade_store::MemoryLedger;

use crate::world::{World, answer, envelope, failure, kinesis, packed, subscription};

/// What goes wrong, until it is empty.
#[derive(Clone, Debug, Default)]
struct Woes {
    /// Matches of these keys are not written.
    throttled: Vec<Key>,
    recall: bool,
    put: bool,
    /// Before a ban is put, another function puts this one.
    rival: Option<BanRecord>,
}

#[derive(Clone, Debug, Default)]
struct Faulty {
    inner: MemoryLedger,
    woes: Arc<Mutex<Woes>>,
}

fn busy() -> StoreError {
    StoreError { kind: StoreErrorKind::Busy, message: "throttled".to_owned(), hint: None }
}

impl Ledger for Faulty {
    fn remember(&mut self, matches: &[Match]) -> Result<(), Unwritten> {
        let throttled = self.woes.lock().unwrap().throttled.clone();
        let (lost, kept): (Vec<_>, Vec<_>) =
            matches.iter().cloned().partition(|m| throttled.contains(&m.key));
        self.inner.remember(&kept)?;
        let ids: Vec<_> = lost.iter().map(|m| m.id).collect();
        if ids.is_empty() { Ok(()) } else { Err(Unwritten { ids, error: busy() }) }
    }
    fn recall(&mut self, questions: &[Question]) -> Result<Vec<Answer>, StoreError> {
        if self.woes.lock().unwrap().recall { Err(busy()) } else { self.inner.recall(questions) }
    }
    fn put_ban(&mut self, ban: &BanRecord, seen: u64) -> Result<bool, StoreError> {
        let mut woes = self.woes.lock().unwrap();
        if woes.put {
            return Err(busy());
        }
        if let Some(rival) = woes.rival.take() {
            assert!(self.inner.put_ban(&rival, seen)?);
        }
        self.inner.put_ban(ban, seen)
    }
    fn note_announced(&mut self, bans: &[(Arc<str>, Key, u64)]) -> Result<(), StoreError> {
        self.inner.note_announced(bans)
    }
    fn unannounced(&mut self, limit: usize) -> Result<Vec<LedgerBan>, StoreError> {
        self.inner.unannounced(limit)
    }
    fn over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<LedgerBan>, StoreError> {
        self.inner.over(now, limit)
    }
    fn live(&mut self, now: Timestamp, each: &mut dyn FnMut(LedgerBan)) -> Result<(), StoreError> {
        self.inner.live(now, each)
    }
}

impl FunctionLedger for Faulty {
    fn units(&self) -> Option<Units> {
        None
    }
}

fn attack(address: &str, from: u64) -> Vec<serde_json::Value> {
    (from..from + 3).map(|n| failure(n, i64::try_from(n).unwrap(), address)).collect()
}

fn faulty(world: &World) -> Faulty {
    world.clock.forward(100);
    Faulty { inner: world.ledger.clone(), ..Faulty::default() }
}

#[test]
fn only_the_record_that_could_not_be_written_is_given_back() {
    let world = World::new();
    let ledger = faulty(&world);
    ledger.woes.lock().unwrap().throttled = vec!["198.51.100.1".parse().unwrap()];
    let mut function = world.function_on(Role::FilterAndJail, Box::new(ledger.clone()));
    let records = ["203.0.113.7", "198.51.100.1", "203.0.113.8"];
    let records: Vec<_> =
        (0..).zip(records).map(|(n, key)| packed(&envelope("Auth", "i-1", &attack(key, n * 10)))).collect();
    let mut records = records;
    records.insert(0, "$$$".to_owned());
    let answered = answer(&function.invoke(&kinesis(&records)));
    assert_eq!(answered, json!({"batchItemFailures": [{"itemIdentifier": "seq2"}]}));
    ledger.woes.lock().unwrap().throttled.clear();
    let answered = answer(&function.invoke(&kinesis(&records[2..])));
    assert_eq!(answered, json!({"batchItemFailures": []}));
    let mut heard = world.heard();
    heard.sort();
    assert_eq!(
        heard,
        ["+sshd 198.51.100.1 1 v1", "+sshd 203.0.113.7 1 v1", "+sshd 203.0.113.8 1 v1"],
        "each once"
    );
}

#[test]
fn a_subscription_is_delivered_again_when_the_ledger_does_not_answer() {
    let world = World::new();
    let ledger = faulty(&world);
    let payload = subscription("Auth", "i-1", &attack("203.0.113.7", 0));
    let mut function = world.function_on(Role::FilterAndJail, Box::new(ledger.clone()));
    ledger.woes.lock().unwrap().recall = true;
    let again = function.invoke(&payload);
    assert_eq!(again.answer, Err(FunctionError::Again { records: 1 }));
    *ledger.woes.lock().unwrap() = Woes { put: true, ..Woes::default() };
    assert_eq!(function.invoke(&payload).answer, Err(FunctionError::Again { records: 1 }));
    assert!(world.heard().is_empty(), "nobody is told of a ban that is not on record");
    *ledger.woes.lock().unwrap() = Woes::default();
    let _ = answer(&function.invoke(&payload));
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"]);
}

#[test]
fn of_two_functions_one_announces() {
    let world = World::new();
    let ledger = faulty(&world);
    let rival = {
        let other = World::new();
        other.clock.forward(100);
        let _ = other.function(Role::FilterAndJail).invoke(&subscription(
            "Auth",
            "i-1",
            &attack("203.0.113.7", 0),
        ));
        other.ban("sshd", "203.0.113.7").unwrap().record
    };
    ledger.woes.lock().unwrap().rival = Some(rival);
    let mut function = world.function_on(Role::FilterAndJail, Box::new(ledger));
    let invoked = function.invoke(&subscription("Auth", "i-1", &attack("203.0.113.7", 0)));
    assert_eq!((invoked.counts.races, invoked.counts.bans), (1, 0));
    assert!(world.heard().is_empty(), "the one that put it announces it");
    assert_eq!(world.ban("sshd", "203.0.113.7").unwrap().version, 1);
}

#[test]
fn killed_between_write_and_publish_the_ban_still_goes_out_once() {
    for by_retry in [true, false] {
        let world = World::new();
        world.clock.forward(100);
        let payload = subscription("Auth", "i-1", &attack("203.0.113.7", 0));
        *world.ear.dead.lock().unwrap() = true;
        let mut killed = world.function(Role::FilterAndJail);
        assert!(catch_unwind(AssertUnwindSafe(|| killed.invoke(&payload))).is_err());
        *world.ear.dead.lock().unwrap() = false;
        assert!(world.ban("sshd", "203.0.113.7").unwrap().is_unannounced());
        let mut expire = world.function(Role::Expire);
        if by_retry {
            let _ = answer(&world.function(Role::FilterAndJail).invoke(&payload));
        } else {
            let _ = answer(&expire.invoke(b"{}"));
        }
        let _ = answer(&expire.invoke(b"{}"));
        let _ = answer(&world.function(Role::FilterAndJail).invoke(&payload));
        assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"], "by retry: {by_retry}");
    }
}

#[test]
fn one_announcement_of_ten_that_is_refused_is_repeated_alone() {
    let world = World::new();
    world.clock.forward(100);
    *world.ear.deaf.lock().unwrap() = vec![4];
    let events: Vec<_> = (0..10).flat_map(|n| attack(&format!("203.0.113.{n}"), n * 10)).collect();
    let invoked = world.function(Role::FilterAndJail).invoke(&subscription("Auth", "i-1", &events));
    assert_eq!((invoked.counts.bans, invoked.counts.unannounced), (10, 1));
    assert_eq!(world.heard().len(), 9);
    let _ = answer(&world.function(Role::Expire).invoke(b"{}"));
    assert_eq!(world.heard()[9], "+sshd 203.0.113.4 1 v1");
    assert_eq!(world.heard().len(), 10);
}

#[test]
fn many_functions_at_once_ban_each_key_once() {
    let world = World::new();
    world.clock.forward(1000);
    let keys: Vec<String> = (1..40).map(|n| format!("203.0.113.{n}")).collect();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (world, keys) = (&world, &keys);
            scope.spawn(move || {
                let mut function = world.function(Role::FilterAndJail);
                for (n, key) in (0..).zip(keys) {
                    // Each function has one match, three are wanted; each is delivered twice.
                    let id = thread * 1000 + n;
                    let event = failure(id, i64::try_from(n + thread).unwrap(), key);
                    let payload = subscription("Auth", "i-1", &[event]);
                    let _ = answer(&function.invoke(&payload));
                    let _ = answer(&function.invoke(&payload));
                }
            });
        }
    });
    for key in &keys {
        let ban = world.ban("sshd", key).unwrap();
        assert_eq!((ban.record.times, ban.is_unannounced()), (1, false), "{key}");
    }
    let mut versions = world.heard();
    let told = versions.len();
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), told, "no version is told twice");
}
