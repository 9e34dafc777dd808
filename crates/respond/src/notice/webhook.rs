//! A webhook of somebody's own: notices, bans and their ends as JSON, signed.
//!
//! Every request is a `POST` with
//!
//! ```text
//! Content-Type: application/json; charset=utf-8
//! X-Stockade-Signature: t=1700000000,v1=5257a869e7ec…
//! ```
//!
//! `v1` is the HMAC-SHA256, in hexadecimal, of `t`, a full stop and the body, with the secret as its key. Whoever receives
//! it computes the same over the body as it came, compares in constant time, and rejects a `t` that is minutes old. The
//! header is only there if a secret is set.
//!
//! A body has a `version` and a `type`: `notice`, `group` and `summary` are [`Message::json`], `decisions` are bans and
//! their ends, in the order in which they are to be carried out, none of them left out or put together:
//!
//! ```json
//! {"version": 1, "type": "decisions", "host": "web01", "decisions": [
//!   {"verdict": "ban", "jail": "sshd", "key": "203.0.113.7", "family": "ipv4", "until": "2026-01-01T00:10:00Z", "…": "…"}
//! ]}
//! ```
//!
//! A status from 200 to 299 within the time says that all of it was taken. What was not taken comes again, so the other
//! end must be content with a ban that it knows already; `id` is the same each time.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::{Value, json};
use stockade_core::ports::{Evidence, Notice, Plan, Report, RespondError, Responder, Scope, Standing};
use stockade_core::{Key, Outcome, Timestamp, Verdict};

use super::about::Book;
use super::http::Http;
use super::json::VERSION;
use super::limits::Limits;
use super::message::Message;
use super::road::{Road, Unsent};
use super::story::Story;
use super::teller::{MAX_CALL, Teller};

/// How many bans and ends of bans one request holds.
const MAX_DECISIONS: usize = 200;
/// Where the signature stands.
const SIGNATURE: &str = "x-stockade-signature";

/// The responder `webhook`.
pub struct Webhook {
    teller: Teller<Hook>,
    book: Arc<Book>,
    /// The bans that it handed on, for [`Responder::flush`] alone.
    bans: BTreeSet<(Arc<str>, Key)>,
}

/// Where it goes, and the key that signs it.
struct Hook {
    http: Http,
    key: Option<hmac::Key>,
}

impl Webhook {
    /// The name of this responder.
    pub const NAME: &'static str = "webhook";
    /// The time that one request has unless something else is wanted.
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    /// A shorter secret is none.
    pub const MIN_SECRET_BYTES: usize = 16;

    /// A responder for an address, which signs with a secret if there is one. `authority` is a file of certificates in
    /// PEM that are trusted beside the machine's. Nothing is sent yet.
    ///
    /// # Errors
    /// If the address is none, the secret too short, or the certificates cannot be read.
    pub fn new(
        url: &str,
        secret: Option<&[u8]>,
        timeout: Duration,
        authority: Option<&Path>,
        limits: Limits,
        book: Arc<Book>,
    ) -> Result<Self, RespondError> {
        let http = Http::new(url, timeout, authority)?;
        if secret.is_some_and(|secret| secret.len() < Self::MIN_SECRET_BYTES) {
            return Err(RespondError {
                message: format!(
                    "cannot sign messages: the secret is shorter than {} bytes",
                    Self::MIN_SECRET_BYTES
                ),
                hint: Some(
                    "make one with `openssl rand -hex 32`, and give the same to the other end".to_owned(),
                ),
                permanent: true,
            });
        }
        let key = secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret));
        let teller = Teller::new(Hook { http, key }, limits, Arc::clone(&book));
        Ok(Self { teller, book, bans: BTreeSet::new() })
    }

    /// Hands on decisions, all of a request or none, in their order: after one that failed none is sent any more.
    fn hand_on(&mut self, stories: &[Story], now: Timestamp) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(stories.len());
        let mut failed: Option<Outcome> = None;
        let begun = Instant::now();
        for some in stories.chunks(MAX_DECISIONS) {
            if failed.is_none() && begun.elapsed() >= MAX_CALL {
                failed = Some(Outcome::Later { until: now });
            }
            let outcome = match &failed {
                Some(outcome) => outcome.clone(),
                None => {
                    let decisions: Vec<Value> = some.iter().map(Story::json).collect();
                    let body = json!({
                        "version": VERSION, "type": "decisions", "host": self.book.host, "decisions": decisions,
                    });
                    let sent = self.teller.road.post(&body, now);
                    let outcome = sent.map_or_else(|unsent| unsent.outcome(now), |()| Outcome::Done);
                    let goes_on = matches!(outcome, Outcome::Done | Outcome::Refused { .. });
                    failed = (!goes_on).then(|| outcome.clone());
                    outcome
                }
            };
            outcomes.resize(outcomes.len() + some.len(), outcome);
        }
        outcomes
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("http", &self.teller.road.http).finish_non_exhaustive()
    }
}

impl Hook {
    fn post(&self, body: &Value, now: Timestamp) -> Result<(), Unsent> {
        let body = body.to_string();
        let signature = self.key.as_ref().map(|key| signature(key, now, body.as_bytes()));
        let header = signature.as_deref().map(|signature| (SIGNATURE, signature));
        self.http.post(header.as_slice(), body.as_bytes())
    }
}

/// `t=…,v1=…`.
fn signature(key: &hmac::Key, now: Timestamp, body: &[u8]) -> String {
    let at = now.as_secs();
    let mut context = hmac::Context::with_key(key);
    context.update(format!("{at}.").as_bytes());
    context.update(body);
    let hex: String = context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={hex}")
}

impl Road for Hook {
    const NAME: &'static str = Webhook::NAME;

    fn send(&mut self, message: &Message, now: Timestamp) -> Result<(), Unsent> {
        self.post(&message.json(), now)
    }
}

impl Responder for Webhook {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn prepare(&mut self, scopes: &[Scope]) -> Result<(), RespondError> {
        self.teller.prepare(scopes)
    }

    fn current(&mut self, now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        self.teller.current(now)
    }

    fn takes(&self, verdict: &Verdict) -> bool {
        self.teller.takes(verdict)
    }

    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.apply_with(plan, &[], now)
    }

    fn apply_with(
        &mut self,
        plan: &Plan,
        evidence: &[Evidence],
        now: Timestamp,
    ) -> Result<Vec<Outcome>, RespondError> {
        let outcomes = self.hand_on(&Story::of_whole_plan(plan, evidence, now), now);
        let (bans, ends) = outcomes.split_at(plan.add.len().min(outcomes.len()));
        for (ban, _) in plan.add.iter().zip(bans).filter(|(_, outcome)| **outcome == Outcome::Done) {
            self.bans.insert((Arc::clone(&ban.jail), ban.key.clone()));
        }
        for (id, _) in plan.remove.iter().zip(ends).filter(|(_, outcome)| **outcome == Outcome::Done) {
            self.bans.remove(id);
        }
        Ok(outcomes)
    }

    /// Hands on nothing: whoever was told of these bans has not forgotten them.
    fn restore(&mut self, bans: &[(Standing, Evidence)], _now: Timestamp) -> Result<(), RespondError> {
        self.bans.extend(bans.iter().map(|(ban, _)| (Arc::clone(&ban.jail), ban.key.clone())));
        Ok(())
    }

    fn tell(&mut self, notices: &[Notice], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.teller.tell(notices, now)
    }

    fn reports(&self) -> bool {
        true
    }

    fn report(&mut self, reports: &[Report], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.teller.report(reports, now)
    }

    fn flush(&mut self) -> Result<(), RespondError> {
        let remove: Vec<(Arc<str>, Key)> = self.bans.iter().cloned().collect();
        if remove.is_empty() {
            return Ok(());
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::default().plus(now);
        let outcomes = self.apply(&Plan { add: Vec::new(), remove }, now)?;
        let failed = outcomes.into_iter().find_map(|outcome| match outcome {
            Outcome::Done => None,
            Outcome::Failed { error } => Some(error),
            Outcome::Refused { reason } => Some(reason),
            _ => Some("the other end wants nothing now".to_owned()),
        });
        match failed {
            Some(message) => Err(RespondError { message, hint: None, permanent: false }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 has the second of its vectors for a key and a text; ours begins with the time.
    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef");
        let made = signature(&key, Timestamp::from_secs(1_700_000_000), br#"{"a":1}"#);
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        assert_eq!(made, "t=1700000000,v1=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23");
    }

    #[test]
    fn neither_the_address_nor_the_secret_is_shown() {
        let secret: &[u8] = b"s3cret-s3cret-s3cret";
        let book = Arc::new(Book::default());
        let url = "http://user:s3cret@127.0.0.1:1/T0/s3cret?key=s3cret";
        let timeout = Duration::from_secs(1);
        let mut hook =
            Webhook::new(url, Some(secret), timeout, None, Limits::default(), book.clone()).unwrap();
        let plan = Plan { add: Vec::new(), remove: vec![("a".into(), "192.0.2.1".parse().unwrap())] };
        let outcomes = hook.apply(&plan, Timestamp::from_secs(0)).unwrap();
        let told = format!("{hook:?} {outcomes:?}");
        assert!(told.contains("http://127.0.0.1:1") && !told.contains("s3cret"), "{told}");
        for (url, secret) in [("ftp://h/s3cret", secret), ("s3cret", secret), ("https://h/", b"short")] {
            let error =
                Webhook::new(url, Some(secret), timeout, None, Limits::default(), book.clone()).unwrap_err();
            assert!(error.permanent && error.hint.is_some() && !error.message.contains("s3cret"), "{error}");
        }
    }
}
