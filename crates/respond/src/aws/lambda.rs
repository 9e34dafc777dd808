//! Bans handed to a function: the payload of the script that came before, so that its `ALC_Denier` keeps working.
//!
//! ```json
//! {"new_ips": [{"ip": "203.0.113.9", "error_count": 12}]}
//! ```
//!
//! `error_count` is how many matches led to the ban, 0 where a person said so. The call is asynchronous: done means
//! that Lambda has taken it, and Lambda tries again by itself when the function fails. The function must be content
//! with an address that it has seen before: a ban that is made longer, or found by a second jail, comes again.
//!
//! That function was written for IPv4 addresses: IPv6 addresses and networks go in calls of their own, so that one it
//! cannot understand costs no other.
//!
//! It knew no unban. With [`Lambda::with_unbans`] the end of the last ban of an address is handed on as
//! `{"lifted_ips": [{"ip": "203.0.113.9"}]}`; without, nothing is sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};
use stockade_aws::{Aws, Call, Fault, FaultKind};
use stockade_core::ports::{Evidence, Plan, RespondError, Responder, Scope, Standing};
use stockade_core::{Key, Outcome, Timestamp};

use super::batches::batches;
use super::failed;

/// What an asynchronous call may weigh, in bytes. A kilobyte of Lambda's 256 is left.
const MAX_PAYLOAD_BYTES: usize = 255 * 1024;
/// How many addresses one call holds at most: a function has three seconds unless somebody gave it more.
const MAX_ADDRESSES: usize = 1000;
/// How many calls are on their way at once.
const CALLS: usize = 4;

/// The responder `lambda`.
#[derive(Debug)]
pub struct Lambda {
    aws: Aws,
    function: String,
    unbans: bool,
    /// Whether the function was found once.
    found: bool,
    /// Who is denied, and in which jails: the end of one jail's ban is not the end of another's. Only with `unbans`.
    bans: BTreeMap<Key, BTreeSet<Arc<str>>>,
}

impl Lambda {
    /// The name of this responder.
    pub const NAME: &'static str = "lambda";

    /// A responder for a function, by its name or its ARN, with a version or alias if wanted (`ALC_Denier:live`).
    /// A function in another region is called there.
    pub fn new(aws: &Aws, function: &str) -> Self {
        let region = function.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2));
        let aws = region.map_or_else(|| aws.clone(), |region| aws.in_region(region));
        Self { aws, function: function.to_owned(), unbans: false, found: false, bans: BTreeMap::new() }
    }

    /// Also hands on the ends of bans.
    #[must_use]
    pub fn with_unbans(self, unbans: bool) -> Self {
        Self { unbans, ..self }
    }

    /// Calls the function. `kind` is `Event`, or `DryRun` to see whether it could be called.
    async fn invoke(&self, kind: &str, payload: String) -> Result<(), Fault> {
        let tried = format!("invoke the function `{}`", self.function);
        let path = format!("/2015-03-31/functions/{}/invocations", self.function);
        let call = Call::rest(tried, "lambda", "POST", path)
            .with_header("x-amz-invocation-type", kind.to_owned())
            .with_body("application/json", payload.into_bytes());
        match self.aws.call(&call).await {
            Ok(_) => Ok(()),
            Err(fault) => Err(match fault.kind {
                FaultKind::Missing => {
                    let hint = format!(
                        "see whether the function `{}` is in the region `{}`",
                        self.function,
                        self.aws.region()
                    );
                    fault.hint(&hint)
                }
                FaultKind::Denied => fault.hint("allow lambda:InvokeFunction on the function"),
                _ => fault,
            }),
        }
    }

    /// Hands on addresses in as few calls as fit; what could not be handed on.
    async fn hand_on(&self, list: &str, items: Vec<(Key, Value)>) -> HashMap<Key, Fault> {
        let (plain, others): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|(key, _)| matches!(key, Key::Addr(addr) if addr.is_ipv4()));
        let mut payloads = Vec::new();
        for items in [plain, others] {
            let weights: Vec<usize> = items.iter().map(|(_, item)| item.to_string().len() + 1).collect();
            for range in batches(&weights, MAX_ADDRESSES, MAX_PAYLOAD_BYTES) {
                let items = items.get(range).unwrap_or_default();
                let (keys, items): (Vec<Key>, Vec<Value>) = items.iter().cloned().unzip();
                payloads.push((keys, json!({ list: items }).to_string()));
            }
        }
        let calls = payloads.into_iter().map(|(keys, payload)| async move {
            let fault = self.invoke("Event", payload).await.err();
            keys.into_iter().filter_map(move |key| Some((key, fault.clone()?))).collect::<Vec<_>>()
        });
        let answers: Vec<_> = stream::iter(calls).buffer_unordered(CALLS).collect().await;
        answers.into_iter().flatten().collect()
    }

    /// What is said of the keys of a plan: bans with their counts, and who is let in again.
    async fn carry_out(&mut self, plan: &Plan, evidence: &[Evidence]) -> Result<Vec<Outcome>, Fault> {
        let last = last_of_each(plan);
        let mut bans: BTreeMap<Key, u32> = BTreeMap::new();
        let failures = |at: usize| evidence.get(at).map_or(0, |evidence| evidence.failures);
        for (at, ban) in plan.add.iter().enumerate() {
            if is_last(&last, at, &ban.jail, &ban.key) && ban.key.to_net().is_some() {
                let count = bans.entry(ban.key.clone()).or_default();
                *count = failures(at).max(*count);
            }
        }
        let mut lifted: Vec<&Key> = Vec::new();
        let mut left = self.bans.clone();
        for (at, (jail, key)) in plan.remove.iter().enumerate() {
            if !is_last(&last, plan.add.len() + at, jail, key) {
                continue;
            }
            let elsewhere = left.get_mut(key).is_some_and(|jails| {
                jails.remove(jail);
                !jails.is_empty()
            });
            if !elsewhere && !bans.contains_key(key) && key.to_net().is_some() {
                lifted.push(key);
            }
        }
        let added = bans.into_iter().map(|(key, count)| {
            let item = json!({"ip": key.to_string(), "error_count": count});
            (key, item)
        });
        let asked = added.len();
        let mut lost = self.hand_on("new_ips", added.collect()).await;
        let mut all = asked;
        if self.unbans && !lifted.is_empty() {
            lifted.sort_unstable();
            lifted.dedup();
            all += lifted.len();
            let items = lifted.iter().map(|key| ((*key).clone(), json!({"ip": key.to_string()})));
            lost.extend(self.hand_on("lifted_ips", items.collect()).await);
        }
        if all > 0 && lost.len() == all {
            if let Some(fault) = lost.into_values().next() {
                return Err(fault);
            }
            return Ok(Vec::new());
        }
        Ok(self.settle(plan, &lost))
    }

    /// Remembers what was handed on, and says what came of each item.
    fn settle(&mut self, plan: &Plan, lost: &HashMap<Key, Fault>) -> Vec<Outcome> {
        let of = |key: &Key| lost.get(key).map_or(Outcome::Done, failed);
        let mut outcomes = Vec::with_capacity(plan.add.len() + plan.remove.len());
        for ban in &plan.add {
            let outcome = match &ban.key {
                Key::Name(name) => {
                    Outcome::Refused { reason: format!("not an address or network: `{name}`") }
                }
                key => of(key),
            };
            if self.unbans && outcome == Outcome::Done {
                self.bans.entry(ban.key.clone()).or_default().insert(Arc::clone(&ban.jail));
            }
            outcomes.push(outcome);
        }
        for (jail, key) in &plan.remove {
            let outcome = of(key);
            if outcome == Outcome::Done
                && let Some(jails) = self.bans.get_mut(key)
            {
                jails.remove(jail);
                if jails.is_empty() {
                    self.bans.remove(key);
                }
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn respond(&self, fault: Fault) -> RespondError {
        let missing = fault.kind == FaultKind::Missing;
        let error = RespondError::from(fault);
        RespondError { permanent: error.permanent || missing, ..error }
    }
}

impl Responder for Lambda {
    fn name(&self) -> &str {
        Self::NAME
    }

    /// Sees once whether the function is there and may be called; it does not run.
    fn prepare(&mut self, _scopes: &[Scope]) -> Result<(), RespondError> {
        if !self.found {
            self.aws.block_on(self.invoke("DryRun", "{}".to_owned())).map_err(|fault| self.respond(fault))?;
            self.found = true;
        }
        Ok(())
    }

    fn current(&mut self, _now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        Ok(None)
    }

    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.apply_with(plan, &[], now)
    }

    fn apply_with(
        &mut self,
        plan: &Plan,
        evidence: &[Evidence],
        _now: Timestamp,
    ) -> Result<Vec<Outcome>, RespondError> {
        let aws = self.aws.clone();
        aws.block_on(self.carry_out(plan, evidence)).map_err(|fault| self.respond(fault))
    }

    /// Calls nothing: who was denied is denied still.
    fn restore(&mut self, bans: &[(Standing, Evidence)], _now: Timestamp) -> Result<(), RespondError> {
        for (ban, _) in bans.iter().filter(|_| self.unbans) {
            self.bans.entry(ban.key.clone()).or_default().insert(Arc::clone(&ban.jail));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), RespondError> {
        let each = |(key, jails): (&Key, &BTreeSet<Arc<str>>)| {
            jails.iter().map(|jail| (Arc::clone(jail), key.clone())).collect::<Vec<_>>()
        };
        let remove = self.bans.iter().flat_map(each).collect();
        let outcomes = self.apply(&Plan { add: Vec::new(), remove }, Timestamp::default())?;
        let error = outcomes.into_iter().find_map(|outcome| match outcome {
            Outcome::Failed { error } => Some(error),
            _ => None,
        });
        error.map_or(Ok(()), |message| Err(RespondError { message, hint: None, permanent: false }))
    }
}

/// Which item says the last word on a key in a jail, by its place in the plan's outcomes.
type Last<'p> = HashMap<(&'p Arc<str>, &'p Key), usize>;

fn last_of_each(plan: &Plan) -> Last<'_> {
    let added = plan.add.iter().map(|ban| (&ban.jail, &ban.key));
    let removed = plan.remove.iter().map(|(jail, key)| (jail, key));
    added.chain(removed).enumerate().map(|(at, id)| (id, at)).collect()
}

fn is_last(last: &Last<'_>, at: usize, jail: &Arc<str>, key: &Key) -> bool {
    last.get(&(jail, key)) == Some(&at)
}
