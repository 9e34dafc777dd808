//! Messages: taken, hidden for longer, given back, refused, deleted.

use std::time::Duration;

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageAttributeValue,
    MessageSystemAttributeName,
};
use futures_util::StreamExt as _;
use futures_util::stream;
use stockade_aws::{Fault, FaultKind};
use stockade_core::Timestamp;

use super::{BATCH, Queue};

/// The attribute of a refused message that says why.
pub const REASON_ATTRIBUTE: &str = "reason";
/// The attribute of a refused message whose body was too long to be kept whole: how many bytes it had.
const CUT_ATTRIBUTE: &str = "cut-from-bytes";
/// How much of a refused body is kept: with its attributes it is then within the 256 KB of the strictest queue.
const MAX_REFUSED_BYTES: usize = 240 * 1024;
/// The longest reason.
const MAX_REASON_BYTES: usize = 1024;
/// How many requests are on their way at once.
const AT_ONCE: usize = 8;

/// A message that was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// SQS's id of the message, the same however often it is handed out.
    pub id: String,
    /// What it is deleted by; another each time it is handed out.
    pub receipt: String,
    /// What it says.
    pub body: String,
    /// Its attributes, where SNS did not put them into an envelope.
    pub attributes: Vec<(String, String)>,
    /// When the queue got it.
    pub sent: Option<Timestamp>,
    /// How many times it was handed out, this time included.
    pub receives: u32,
}

impl Queue {
    /// Takes messages, at most [`BATCH`]; waits for one up to `wait`, at most [`LONG_POLL`](super::LONG_POLL).
    pub(super) async fn take(&self, wait: Duration) -> Result<Vec<Received>, Fault> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(BATCH).unwrap_or(10))
            .wait_time_seconds(seconds(wait))
            .visibility_timeout(seconds(self.visibility))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_attribute_names("All");
        let answer =
            request.send().await.map_err(|error| Fault::of("take messages from the queue", &error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(received).collect())
    }

    /// Deletes messages by their receipts. Returns those that were not deleted, and why, if any.
    pub fn delete(&self, receipts: &[String]) -> (Vec<String>, Option<Fault>) {
        let one = |chunk: Vec<String>| async move {
            let entry = |(at, receipt): (usize, &String)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(at.to_string())
                    .receipt_handle(receipt)
                    .build()
                    .ok()
            };
            let entries = chunk.iter().enumerate().filter_map(entry).collect();
            let request = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
            match request.send().await {
                Ok(answer) => {
                    let failed = answer.failed.iter().map(|one| (one.id.clone(), one.code.clone())).collect();
                    missed(&chunk, failed, "delete a message")
                }
                Err(error) => {
                    let fault = Fault::of("delete messages from the queue", &error);
                    (chunk, Some(fault))
                }
            }
        };
        self.in_batches(receipts, one)
    }

    /// Hides messages for `time` from now on, at most 12 hours; zero gives them back. Returns those that could not be.
    pub fn hide(&self, receipts: &[String], time: Duration) -> (Vec<String>, Option<Fault>) {
        let one = |chunk: Vec<String>| async move {
            let entry = |(at, receipt): (usize, &String)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(at.to_string())
                    .receipt_handle(receipt)
                    .visibility_timeout(seconds(time))
                    .build()
                    .ok()
            };
            let entries = chunk.iter().enumerate().filter_map(entry).collect();
            let request =
                self.client.change_message_visibility_batch().queue_url(&self.url).set_entries(Some(entries));
            match request.send().await {
                Ok(answer) => {
                    let failed = answer.failed.iter().map(|one| (one.id.clone(), one.code.clone())).collect();
                    missed(&chunk, failed, "hide a message")
                }
                Err(error) => {
                    let fault = Fault::of("hide messages of the queue", &error);
                    (chunk, Some(fault))
                }
            }
        };
        self.in_batches(receipts, one)
    }

    /// Puts a copy of a message into the dead-letter queue, with the reason; to be deleted here afterwards.
    ///
    /// # Errors
    /// If AWS refuses or does not answer: then the message must not be deleted.
    pub fn bury(&self, body: &str, reason: &str) -> Result<(), Fault> {
        let attribute = |value: &str| {
            MessageAttributeValue::builder().data_type("String").string_value(value).build().ok()
        };
        let kept = cut(body, MAX_REFUSED_BYTES);
        let reason: String =
            cut(reason, MAX_REASON_BYTES).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // SQS takes neither an empty body nor an empty attribute.
        let body_text = if kept.is_empty() { "(empty)" } else { kept };
        let mut request = self.client.send_message().queue_url(&self.dead_url).message_body(body_text);
        if let Some(reason) = attribute(if reason.is_empty() { "unknown" } else { &reason }) {
            request = request.message_attributes(REASON_ATTRIBUTE, reason);
        }
        if let Some(bytes) = attribute(&body.len().to_string()).filter(|_| kept.len() < body.len()) {
            request = request.message_attributes(CUT_ATTRIBUTE, bytes);
        }
        let sent = self.aws.block_on(request.send());
        sent.map_err(|error| Fault::of("put a message into the dead-letter queue", &error))?;
        Ok(())
    }

    fn in_batches<F>(
        &self,
        receipts: &[String],
        one: impl Fn(Vec<String>) -> F,
    ) -> (Vec<String>, Option<Fault>)
    where
        F: Future<Output = (Vec<String>, Option<Fault>)>,
    {
        let requests = stream::iter(receipts.chunks(BATCH).map(|chunk| one(chunk.to_vec())));
        let outcomes: Vec<_> = self.aws.block_on(requests.buffer_unordered(AT_ONCE).collect());
        let mut all = (Vec::new(), None);
        for (missed, fault) in outcomes {
            all.0.extend(missed);
            all.1 = all.1.or(fault);
        }
        all
    }
}

/// Those of a batch that the answer says did not work.
fn missed(chunk: &[String], failed: Vec<(String, String)>, what: &str) -> (Vec<String>, Option<Fault>) {
    let mut fault = None;
    let mut missed = Vec::new();
    for (id, code) in failed {
        missed.extend(id.parse::<usize>().ok().and_then(|at| chunk.get(at)).cloned());
        let kind = FaultKind::of(&code, 400);
        fault = fault.or_else(|| Some(Fault::local(kind, format!("cannot {what} of the queue: {code}"))));
    }
    (missed, fault)
}

fn received(message: Message) -> Option<Received> {
    let system = message.attributes.unwrap_or_default();
    let number = |name| system.get(&name).and_then(|text: &String| text.parse::<i64>().ok());
    let attributes = message.message_attributes.unwrap_or_default().into_iter();
    Some(Received {
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle?,
        body: message.body.unwrap_or_default(),
        attributes: attributes.filter_map(|(name, value)| Some((name, value.string_value?))).collect(),
        sent: number(MessageSystemAttributeName::SentTimestamp).map(Timestamp::from_millis),
        receives: number(MessageSystemAttributeName::ApproximateReceiveCount)
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(1),
    })
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!((cut("aé", 2), cut("aé", 3), cut("", 9)), ("a", "aé", ""));
    }

    #[test]
    fn what_failed_in_a_batch_is_named() {
        let chunk = ["a".to_owned(), "b".to_owned()];
        let (missed, fault) =
            missed(&chunk, vec![("1".into(), "ReceiptHandleIsInvalid".into())], "delete a message");
        assert_eq!(missed, ["b"]);
        assert!(fault.unwrap().message.contains("ReceiptHandleIsInvalid"));
    }
}
