//! Bans announced to all hosts: SNS, in Cloud-Fail2Ban's messages.
//!
//! What is sent is described in [`stockade_aws::wire`]. An announcement counts as done when SNS has taken it: SNS
//! then brings it to every queue, and a host that has none at that time learns of it from the snapshot.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use futures_util::StreamExt as _;
use futures_util::stream;
use stockade_aws::wire::{self, Message, Notice, Told};
use stockade_aws::{Aws, Fault, FaultKind};
use stockade_core::ports::{Evidence, Plan, RespondError, Responder, Scope, Standing};
use stockade_core::{Key, Outcome, Timestamp};

use super::batches::batches;
use super::failed;

/// How many requests are on their way at once.
const REQUESTS: usize = 4;
/// How many times an entry that SNS did not take through no fault of ours is sent again at once; then the outbox does.
const ROUNDS: u32 = 3;
/// The wait before an entry is sent again; the next one is twice as long.
const WAIT: Duration = Duration::from_millis(100);

/// The responder `sns`.
///
/// It remembers the bans that it announced as a responder, for [`Responder::flush`] alone.
#[derive(Debug)]
pub struct Sns {
    aws: Aws,
    client: Client,
    /// A name, or an ARN.
    topic: String,
    /// The ARN, once it is known.
    arn: Option<String>,
    bans: BTreeSet<(Arc<str>, Key)>,
}

impl Sns {
    /// The name of this responder.
    pub const NAME: &'static str = "sns";
    /// Cloud-Fail2Ban's topic.
    pub const DEFAULT_TOPIC: &'static str = "F2B";

    /// A responder for a topic, by its name or its ARN. One in another region is spoken to there. Asks nothing yet.
    pub fn new(aws: &Aws, topic: &str) -> Self {
        let region = topic.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2));
        let aws = region.map_or_else(|| aws.clone(), |region| aws.in_region(region));
        Self {
            client: Client::new(aws.config()),
            aws,
            topic: topic.to_owned(),
            arn: region.map(|_| topic.to_owned()),
            bans: BTreeSet::new(),
        }
    }

    /// The topic's ARN. A topic that is known by its name is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be asked for or made.
    pub async fn topic_arn(&mut self) -> Result<String, Fault> {
        if let Some(arn) = &self.arn {
            return Ok(arn.clone());
        }
        let tried = format!("find the SNS topic `{}`", self.topic);
        let made = self.client.create_topic().name(&self.topic).send().await;
        let made = made.map_err(|error| match Fault::of(&tried, &error) {
            fault if fault.kind == FaultKind::Denied => {
                fault.hint("give the ARN of the topic instead of its name, or allow sns:CreateTopic")
            }
            fault => fault,
        })?;
        let none = || Fault::local(FaultKind::Other, format!("cannot {tried}: the answer names none"));
        let arn = made.topic_arn.ok_or_else(none)?;
        Ok(self.arn.insert(arn).clone())
    }

    /// Announces bans and unbans; an outcome for each, in their order. Of several about one key in one jail the last is
    /// announced.
    ///
    /// What SNS did not take is `Failed`, by itself; what no message can say is `Refused`, an unban of such a key
    /// `Done`.
    ///
    /// # Errors
    /// If nothing was taken because the topic cannot be reached or used.
    pub async fn announce(&mut self, notices: &[Notice]) -> Result<Vec<Outcome>, Fault> {
        let mut outcomes = vec![Outcome::Done; notices.len()];
        let last = last_of_each(notices);
        let chosen: Vec<Notice> = last.iter().filter_map(|at| notices.get(*at)).cloned().collect();
        let mut said = vec![Outcome::Done; chosen.len()];
        let packed = wire::pack(&chosen);
        for (at, error) in &packed.refused {
            let unban = chosen.get(*at).is_some_and(|notice| notice.told == Told::Unban);
            if let Some(place) = said.get_mut(*at).filter(|_| !unban) {
                *place = Outcome::Refused { reason: error.to_string() };
            }
        }
        for (message, fault) in self.publish(&packed.messages).await? {
            let notices = packed.messages.get(message).map(|message| &*message.notices).unwrap_or_default();
            for at in notices {
                if let Some(place) = said.get_mut(*at) {
                    *place = failed(&fault);
                }
            }
        }
        let said: HashMap<(&Arc<str>, &Key), &Outcome> = chosen
            .iter()
            .zip(&said)
            .map(|(notice, outcome)| ((&notice.jail, &notice.key), outcome))
            .collect();
        for (place, notice) in outcomes.iter_mut().zip(notices) {
            if let Some(outcome) = said.get(&(&notice.jail, &notice.key)) {
                *place = (*outcome).clone();
            }
        }
        Ok(outcomes)
    }

    /// Publishes messages; those that were not taken, by their place, and why.
    async fn publish(&mut self, messages: &[Message]) -> Result<Vec<(usize, Fault)>, Fault> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let arn = self.topic_arn().await?;
        let mut open: Vec<usize> = (0..messages.len()).collect();
        let (mut lost, mut wait) = (Vec::new(), WAIT);
        for round in 1..=ROUNDS {
            let (again, failed) = self.round(&arn, messages, &open).await;
            lost.extend(failed);
            if again.is_empty() {
                break;
            }
            if round == ROUNDS {
                lost.extend(again);
                break;
            }
            open = again.into_iter().map(|(at, _)| at).collect();
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        if lost.iter().any(|(_, fault)| fault.kind == FaultKind::Missing) {
            // Perhaps it was deleted: the next time it is looked for again.
            self.arn = self.arn.take().filter(|arn| *arn == self.topic);
        }
        if lost.len() == messages.len() && lost.iter().all(|(_, fault)| whole(fault)) {
            return Err(lost.swap_remove(0).1);
        }
        Ok(lost)
    }

    /// Sends messages once: those that may be taken the next time, and those that are lost.
    async fn round(&self, arn: &str, messages: &[Message], open: &[usize]) -> (Lost, Lost) {
        let open: Vec<(usize, &Message)> =
            open.iter().filter_map(|at| Some((*at, messages.get(*at)?))).collect();
        let weights: Vec<usize> = open.iter().map(|(_, message)| message.bytes()).collect();
        let ranges = batches(&weights, wire::MAX_BATCH_ENTRIES, wire::MAX_MESSAGE_BYTES);
        let requests = ranges.into_iter().filter_map(|range| open.get(range));
        let requests = requests.map(|batch| self.publish_batch(arn, batch)).collect::<Vec<_>>();
        let mut answers = stream::iter(requests).buffer_unordered(REQUESTS);
        let (mut again, mut lost) = (Vec::new(), Vec::new());
        while let Some((soon, never)) = answers.next().await {
            again.extend(soon);
            lost.extend(never);
        }
        (again, lost)
    }

    async fn publish_batch(&self, arn: &str, batch: &[(usize, &Message)]) -> (Lost, Lost) {
        let tried = format!("publish to the SNS topic `{arn}`");
        let all = |fault: &Fault| -> (Lost, Lost) {
            (Vec::new(), batch.iter().map(|(at, _)| (*at, fault.clone())).collect())
        };
        let entries: Result<Vec<_>, Fault> =
            batch.iter().map(|(at, message)| entry(*at, message)).collect::<Result<_, _>>();
        let entries = match entries {
            Ok(entries) => entries,
            Err(fault) => return all(&fault),
        };
        let sent =
            self.client.publish_batch().topic_arn(arn).set_publish_batch_request_entries(Some(entries));
        let answer = match sent.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let (never, all) = all(&Fault::of(&tried, &error));
                // One word for being throttled at which the SDK does not try again by itself.
                let soon = all.first().is_some_and(|(_, fault)| fault.code == "Throttled");
                return if soon { (all, never) } else { (never, all) };
            }
        };
        let (mut again, mut lost) = (Vec::new(), Vec::new());
        for (at, _) in batch {
            let id = id_of(*at);
            if answer.successful().iter().any(|taken| taken.id() == Some(&*id)) {
                continue;
            }
            let Some(refused) = answer.failed().iter().find(|failed| failed.id() == id) else {
                let nothing = format!("cannot {tried}: the answer says nothing of a message");
                again.push((*at, Fault::local(FaultKind::Other, nothing)));
                continue;
            };
            let kind = FaultKind::of(refused.code(), if refused.sender_fault() { 400 } else { 500 });
            let text = refused.message().unwrap_or_default();
            let message = format!("cannot {tried}: a message was refused: {}: {text}", refused.code());
            let fault = Fault { code: refused.code().to_owned(), ..Fault::local(kind, message) };
            if kind.passes() { &mut again } else { &mut lost }.push((*at, fault));
        }
        (again, lost)
    }

    /// What a plan says, in the order of its outcomes.
    fn notices(plan: &Plan, evidence: &[Evidence], now: Timestamp) -> Vec<Notice> {
        let mut evidence = evidence.iter();
        let mut notices = Vec::with_capacity(plan.add.len() + plan.remove.len());
        for Standing { jail, key, until } in &plan.add {
            let evidence = evidence.next();
            let since = evidence.map_or(now, |evidence| evidence.since);
            let notice = Notice::ban(Arc::clone(jail), key.clone(), since, *until);
            notices.push(with(notice, evidence));
        }
        for (jail, key) in &plan.remove {
            let evidence = evidence.next();
            let at = evidence.map_or(now, |evidence| evidence.since);
            notices.push(with(Notice::unban(Arc::clone(jail), key.clone(), at), evidence));
        }
        notices
    }
}

/// Messages by their place, and why they were not taken.
type Lost = Vec<(usize, Fault)>;

/// Whether the fault is about the request and not about one message in it.
fn whole(fault: &Fault) -> bool {
    fault.kind != FaultKind::Other
}

impl Responder for Sns {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn prepare(&mut self, _scopes: &[Scope]) -> Result<(), RespondError> {
        let aws = self.aws.clone();
        aws.block_on(self.topic_arn())?;
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
        now: Timestamp,
    ) -> Result<Vec<Outcome>, RespondError> {
        let notices = Self::notices(plan, evidence, now);
        let aws = self.aws.clone();
        let outcomes = aws.block_on(self.announce(&notices))?;
        for (notice, outcome) in notices.into_iter().zip(&outcomes) {
            let id = (notice.jail, notice.key);
            match notice.told {
                Told::Ban { .. } if *outcome == Outcome::Done => _ = self.bans.insert(id),
                Told::Unban if *outcome == Outcome::Done => _ = self.bans.remove(&id),
                _ => {}
            }
        }
        Ok(outcomes)
    }

    /// Announces nothing: whoever was told of these bans has not forgotten them.
    fn restore(&mut self, bans: &[(Standing, Evidence)], _now: Timestamp) -> Result<(), RespondError> {
        self.bans.extend(bans.iter().map(|(ban, _)| (Arc::clone(&ban.jail), ban.key.clone())));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), RespondError> {
        let remove: Vec<(Arc<str>, Key)> = self.bans.iter().cloned().collect();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::default().plus(now);
        let outcomes = self.apply(&Plan { add: Vec::new(), remove }, now)?;
        match outcomes.into_iter().find_map(|outcome| match outcome {
            Outcome::Failed { error } => Some(error),
            _ => None,
        }) {
            Some(message) => Err(RespondError { message, hint: None, permanent: false }),
            None => Ok(()),
        }
    }
}

/// The same with what is known beyond it.
fn with(notice: Notice, evidence: Option<&Evidence>) -> Notice {
    let Some(evidence) = evidence else { return notice };
    let above_zero = |number: u32| Some(number).filter(|number| *number > 0);
    let notice = Notice { nth: above_zero(evidence.nth), failures: above_zero(evidence.failures), ..notice };
    match &evidence.reason {
        Some(reason) => notice.because(&reason.to_string()),
        None => notice,
    }
}

/// The places of the notices that count: the last of each jail and key, in their order.
fn last_of_each(notices: &[Notice]) -> Vec<usize> {
    let each = notices.iter().enumerate().map(|(at, notice)| ((&notice.jail, &notice.key), at));
    let mut last: Vec<usize> = each.collect::<HashMap<_, _>>().into_values().collect();
    last.sort_unstable();
    last
}

fn id_of(at: usize) -> String {
    at.to_string()
}

fn entry(at: usize, message: &Message) -> Result<PublishBatchRequestEntry, Fault> {
    let wrong = |error: &dyn std::error::Error| {
        Fault::local(FaultKind::Other, format!("cannot make a message: {error}"))
    };
    let mut entry = PublishBatchRequestEntry::builder().id(id_of(at)).message(&message.body);
    for attribute in &message.attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(&attribute.value);
        entry = entry.message_attributes(attribute.name, value.build().map_err(|error| wrong(&error))?);
    }
    entry.build().map_err(|error| wrong(&error))
}
