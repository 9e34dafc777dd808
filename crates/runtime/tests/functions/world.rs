//! A function with a ledger in memory, a clock turned by hand and somebody who listens.

#![allow(unreachable_pub, missing_debug_implementations, reason = "it is for the tests beside it")]

use std::io::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use serde_json::{Value, json};
use stockade_config::{Config, ReadRules, load_files_with};
use stockade_core::ledger::{Ledger, LedgerBan, Question};
use stockade_core::ports::{Clock, Notice, Plan, RespondError, Responder, Scope, Standing};
use stockade_core::{Outcome, Timestamp, Verdict};
use stockade_filter::conf::Embedded;
use stockade_runtime::functions::{
    Announcer, Function, FunctionLedger, Invoked, Parts, PutSnapshot, Role, Say, Setup, Tellers,
};
use stockade_store::MemoryLedger;

/// 2026-11-22 10:00:00 UTC.
pub const NOW: i64 = 1_795_341_600;

/// The shipped jails as functions use them: 3 matches within an hour ban for a day.
pub const JAILS: &str = include_str!("../../../../deploy/aws/conf/jail.local");

#[derive(Clone, Debug)]
pub struct HandClock(pub Arc<AtomicI64>);

impl HandClock {
    pub fn at(secs: i64) -> Self {
        Self(Arc::new(AtomicI64::new(secs * 1000)))
    }

    pub fn set(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }

    pub fn forward(&self, secs: i64) {
        self.0.fetch_add(secs * 1000, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Hears what is announced, and may be deaf.
#[derive(Clone, Debug, Default)]
pub struct Ear {
    pub heard: Arc<Mutex<Vec<Say>>>,
    /// How many of the next announcements fail, by their place in a batch.
    pub deaf: Arc<Mutex<Vec<usize>>>,
    /// The process dies when it should announce.
    pub dead: Arc<Mutex<bool>>,
}

impl Announcer for Ear {
    fn announce(&mut self, say: &[Say], _: Timestamp) -> Vec<Outcome> {
        assert!(!*self.dead.lock().unwrap(), "killed between write and publish");
        let deaf = std::mem::take(&mut *self.deaf.lock().unwrap());
        let heard = say.iter().enumerate().filter(|(at, _)| !deaf.contains(at));
        self.heard.lock().unwrap().extend(heard.map(|(_, say)| say.clone()));
        let outcome = |at| match deaf.contains(&at) {
            true => Outcome::Failed { error: "not now".to_owned() },
            false => Outcome::Done,
        };
        (0..say.len()).map(outcome).collect()
    }
}

/// Hears what is told that is no ban, and may be deaf.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    pub told: Arc<Mutex<Vec<Notice>>>,
    /// How many of the next tellings fail.
    pub deaf: Arc<Mutex<u32>>,
    /// The process dies when it should tell.
    pub dead: Arc<Mutex<bool>>,
}

impl Responder for Listener {
    fn name(&self) -> &str {
        "log"
    }
    fn prepare(&mut self, _: &[Scope]) -> Result<(), RespondError> {
        Ok(())
    }
    fn current(&mut self, _: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        Ok(None)
    }
    fn apply(&mut self, _: &Plan, _: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        panic!("it hears of no ban")
    }
    fn takes(&self, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Notify | Verdict::Repair)
    }
    fn tell(&mut self, notices: &[Notice], _: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        assert!(!*self.dead.lock().unwrap(), "killed before it told");
        let mut deaf = self.deaf.lock().unwrap();
        if *deaf > 0 {
            *deaf -= 1;
            return Err(RespondError { message: "not now".to_owned(), hint: None, permanent: false });
        }
        self.told.lock().unwrap().extend_from_slice(notices);
        Ok(vec![Outcome::Done; notices.len()])
    }
    fn flush(&mut self) -> Result<(), RespondError> {
        Ok(())
    }
}

pub struct World {
    pub ledger: MemoryLedger,
    pub ear: Ear,
    pub listener: Listener,
    pub clock: HandClock,
    pub snapshots: Arc<Mutex<Vec<Vec<u8>>>>,
    toml: String,
    jails: String,
    rules: Vec<(String, String)>,
}

impl World {
    pub fn new() -> Self {
        Self::with(JAILS, "")
    }

    pub fn with(jails: &str, toml: &str) -> Self {
        Self {
            ledger: MemoryLedger::default(),
            ear: Ear::default(),
            listener: Listener::default(),
            clock: HandClock::at(NOW),
            snapshots: Arc::default(),
            toml: toml.to_owned(),
            jails: jails.to_owned(),
            rules: Vec::new(),
        }
    }

    /// With a rule of events.
    pub fn rule(mut self, name: &str, text: &str) -> Self {
        self.rules.push((format!("rule.d/{name}.toml"), text.to_owned()));
        self
    }

    pub fn setup(&self, role: Role) -> Setup {
        Setup::new(self.config(role), role, |warning| eprintln!("{warning}")).unwrap()
    }

    pub fn config(&self, role: Role) -> Config {
        // Leaked: a few kilobytes of a test.
        let text = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let mut files = vec![("stockade.toml", text(&self.toml)), ("jail.local", text(&self.jails))];
        files.extend(self.rules.iter().map(|(name, rule)| (text(name), text(rule))));
        let files = Embedded(Vec::leak(files));
        let rules = if role.reads_events() { ReadRules::Yes } else { ReadRules::No };
        let config =
            load_files_with(&files, "", &|_| None, rules).unwrap_or_else(|problems| panic!("{problems}"));
        config.strict().unwrap_or_else(|problems| panic!("{problems}"))
    }

    pub fn function(&self, role: Role) -> Function {
        self.function_on(role, Box::new(self.ledger.clone()))
    }

    pub fn function_on(&self, role: Role, ledger: Box<dyn FunctionLedger>) -> Function {
        let snapshots = Arc::clone(&self.snapshots);
        let put: PutSnapshot = Box::new(move |bytes| {
            snapshots.lock().unwrap().push(bytes);
            Ok(())
        });
        let mut tellers = Tellers::default();
        tellers.push("log", Box::new(self.listener.clone()));
        self.function_with(role, ledger, tellers, put)
    }

    /// One that repairs what is in this account.
    pub fn guard(&self, aws: &stockade_aws::Aws) -> Function {
        let tellers = Tellers::new(&self.config(Role::Events), aws);
        self.function_with(Role::Events, Box::new(self.ledger.clone()), tellers, Box::new(|_| Ok(())))
    }

    fn function_with(
        &self,
        role: Role,
        ledger: Box<dyn FunctionLedger>,
        tellers: Tellers,
        put: PutSnapshot,
    ) -> Function {
        let parts = Parts {
            ledger,
            announcer: Box::new(self.ear.clone()),
            tellers,
            aws: None,
            clock: Arc::new(self.clock.clone()),
            snapshot: Some(put),
        };
        Function::new(role, self.setup(role), parts)
    }

    /// What was announced so far: `+jail key nth version` and `-jail key`.
    pub fn heard(&self) -> Vec<String> {
        let said = |say: &Say| {
            let LedgerBan { record, version, .. } = &say.ban;
            match record.live {
                true => format!("+{} {} {} v{version}", record.jail, record.key, record.times),
                false => format!("-{} {} v{version}", record.jail, record.key),
            }
        };
        self.ear.heard.lock().unwrap().iter().map(said).collect()
    }

    pub fn ban(&self, jail: &str, key: &str) -> Option<LedgerBan> {
        ban(&self.ledger, jail, key)
    }
}

pub fn ban(ledger: &MemoryLedger, jail: &str, key: &str) -> Option<LedgerBan> {
    let since = Timestamp::MIN;
    let question = Question { jail: jail.into(), key: key.parse().unwrap(), since, limit: 1 };
    ledger.clone().recall(&[question]).unwrap().remove(0).ban
}

/// How many matches a key has in a jail.
pub fn matches(ledger: &MemoryLedger, jail: &str, key: &str) -> usize {
    let since = Timestamp::MIN;
    let question = Question { jail: jail.into(), key: key.parse().unwrap(), since, limit: u32::MAX };
    ledger.clone().recall(&[question]).unwrap().remove(0).matches.len()
}

/// An event of a failed login, `secs` after [`NOW`].
pub fn failure(id: u64, secs: i64, address: &str) -> Value {
    let message =
        format!("web01 sshd[{}]: Failed password for root from {address} port 40022 ssh2", 1000 + id);
    event(id, (NOW + secs) * 1000, &format!("{} {message}", syslog_date(NOW + secs)))
}

pub fn event(id: u64, millis: i64, message: &str) -> Value {
    json!({"id": format!("3{id:055}"), "timestamp": millis, "message": message})
}

/// `Nov 22 10:00:00`
pub fn syslog_date(secs: i64) -> String {
    jiff::Timestamp::from_second(secs).unwrap().strftime("%b %e %H:%M:%S").to_string()
}

pub fn envelope(group: &str, stream: &str, events: &[Value]) -> Value {
    json!({
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": group, "logStream": stream,
        "subscriptionFilters": ["Stockade"], "logEvents": events,
    })
}

pub fn packed(envelope: &Value) -> String {
    packed_bytes(envelope.to_string().as_bytes())
}

pub fn packed_bytes(bytes: &[u8]) -> String {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap())
}

pub fn subscription(group: &str, stream: &str, events: &[Value]) -> Vec<u8> {
    data(&packed(&envelope(group, stream, events)))
}

pub fn data(base64: &str) -> Vec<u8> {
    json!({"awslogs": {"data": base64}}).to_string().into_bytes()
}

pub fn kinesis(envelopes: &[String]) -> Vec<u8> {
    let record = |(at, data): (usize, &String)| json!({"kinesis": {"sequenceNumber": format!("seq{at}"), "data": data}});
    json!({"Records": envelopes.iter().enumerate().map(record).collect::<Vec<_>>()}).to_string().into_bytes()
}

/// The answer, which must be one.
pub fn answer(invoked: &Invoked) -> Value {
    let answer = invoked.answer.as_ref().unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(answer).unwrap()
}
