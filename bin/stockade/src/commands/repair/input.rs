//! The event that is followed by hand, out of whatever it lies in: a file of CloudTrail's, a message of a queue or a topic.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;
use stockade_repair::Event;
use stockade_source::events::{EventProblem, EventReader, Found};

use crate::exit::{self, Failure};
use crate::output::text;

/// A longer file is refused: CloudTrail's are shorter by far, packed as well as not, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// A message in a message in a message is the most that AWS sends: EventBridge's in SNS's in SQS's.
const MAX_WRAPPINGS: usize = 4;
const WANTED: &str =
    "give an event as EventBridge sends it, as it lies in CloudTrail's files, or the message that brought it";

/// What lies in a file.
#[derive(Default)]
struct Held {
    /// The event that was asked for.
    event: Option<Vec<u8>>,
    /// How many there are.
    events: u64,
    /// What could not be read; the first of it.
    problem: Option<EventProblem>,
}

/// Reads the event: the `nth`, from 1, or the only one.
pub(super) fn event(file: &Path, nth: Option<u64>) -> Result<Vec<u8>, Failure> {
    let name = if file == Path::new("-") {
        "standard input".to_owned()
    } else {
        text::shown(&file.display().to_string()).into_owned()
    };
    let bytes = read(file, &name)?;
    let mut held = Held::default();
    match serde_json::from_slice(&bytes).ok().and_then(|value| messages(value, 0)) {
        Some(messages) => {
            for message in messages {
                held.add(&name, message.into_bytes(), nth)?;
            }
        }
        None => held.add(&name, bytes, nth)?,
    }
    let Held { event, events, problem } = held;
    let Some(event) = event else { return Err(none(&name, nth, events, problem)) };
    if nth.is_none() && events > 1 {
        return Err(Failure::usage(format_args!("`{name}` holds {events} events, and one is followed")).hint(Some(
            "`--nth 3` follows the third; `stockade rules test --events FILE` shows which rules each of them fires",
        )));
    }
    if let Some(problem) = problem {
        exit::note(&format!("something else in it is left out: {problem}"), None);
    }
    whole(&name, event)
}

/// An event that says where it happened.
fn whole(name: &str, event: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let read = Event::read(&event).map_err(|error| Failure::usage(format_args!("`{name}`: {error}")))?;
    if read.account().is_empty() {
        return Err(Failure::usage(format_args!(
            "the event in `{name}` does not say in which account it happened"
        ))
        .hint(Some("EventBridge says it in `account`, a record of CloudTrail in `recipientAccountId`")));
    }
    Ok(event)
}

fn none(name: &str, nth: Option<u64>, events: u64, problem: Option<EventProblem>) -> Failure {
    match (problem, nth) {
        (Some(problem), _) => {
            let hint = problem.hint().unwrap_or_else(|| WANTED.to_owned());
            Failure::usage(problem).hint(Some(hint))
        }
        (None, Some(nth)) if events > 0 => Failure::usage(format_args!(
            "`{name}` has no event {nth}: it holds {}",
            text::count(events, "event")
        )),
        (None, _) => Failure::usage(format_args!("there is no event in `{name}`")).hint(Some(WANTED)),
    }
}

impl Held {
    fn add(&mut self, name: &str, bytes: Vec<u8>, nth: Option<u64>) -> Result<(), Failure> {
        let mut reader = EventReader::new();
        reader.load(name, bytes).map_err(|problem| {
            let hint = problem.hint();
            Failure::usage(problem).hint(hint)
        })?;
        while let Some(found) = reader.next_event() {
            match found {
                Found::Event(event) => {
                    self.events += 1;
                    if self.events == nth.unwrap_or(1) {
                        self.event = Some(event.text.to_vec());
                    }
                }
                Found::Problem(problem) => self.problem = self.problem.take().or(Some(problem)),
            }
        }
        Ok(())
    }
}

/// The texts of messages: what `aws sqs receive-message` prints, what a queue or a topic hands to a function, and SNS's
/// envelope. `None` for what is no message.
fn messages(value: Value, wrappings: usize) -> Option<Vec<String>> {
    let Value::Object(mut fields) = value else { return None };
    let mut held = Vec::new();
    for name in ["Messages", "Records"] {
        let Some(Value::Array(all)) = fields.get_mut(name) else { continue };
        held.extend(all.iter_mut().filter_map(body));
    }
    let mut one = Value::Object(fields);
    held.extend(body(&mut one));
    if held.is_empty() || wrappings == MAX_WRAPPINGS {
        return None;
    }
    let inner = |text: String| {
        let value = serde_json::from_str(&text).ok();
        value.and_then(|value| messages(value, wrappings + 1)).unwrap_or_else(|| vec![text])
    };
    Some(held.into_iter().flat_map(inner).collect())
}

/// The text of one message.
fn body(message: &mut Value) -> Option<String> {
    for pointer in ["/Body", "/body", "/Message", "/Sns/Message"] {
        // A function's SQS record has `body`, SNS's envelope `Message`; an event of its own has neither.
        if let Some(Value::String(text)) = message.pointer_mut(pointer) {
            return Some(std::mem::take(text));
        }
    }
    None
}

fn read(file: &Path, name: &str) -> Result<Vec<u8>, Failure> {
    let cannot =
        |error: &io::Error| Failure::usage(format_args!("cannot read the event in `{name}`: {error}"));
    let from: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(file).map_err(|error| cannot(&error))?)
    };
    let mut bytes = Vec::new();
    from.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let most = MAX_FILE_BYTES >> 20;
        return Err(Failure::usage(format_args!(
            "`{name}` is longer than {most} MiB: that is no file of events"
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::messages;

    #[test]
    fn wrappings_are_taken_off() {
        let event = json!({"detail-type": "x", "detail": {}}).to_string();
        let topic = json!({"Type": "Notification", "Message": event}).to_string();
        for message in [
            json!({"Type": "Notification", "Message": event}),
            json!({"Messages": [{"MessageId": "1", "Body": topic}]}),
            json!({"Records": [{"eventSource": "aws:sqs", "body": topic}]}),
            json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": event}}]}),
            json!({"MessageId": "1", "Body": event}),
        ] {
            assert_eq!(messages(message, 0), Some(vec![event.clone()]));
        }
        for none in [
            json!({"detail": {"Message": "x"}}),
            json!({"Records": [{"eventName": "StopLogging"}]}),
            json!([]),
        ] {
            assert_eq!(messages(none, 0), None);
        }
        // However deep it is wrapped, it ends. Each wrapping doubles the backslashes, so 10 are many.
        let deep = (0..10).fold(event, |inner, _| json!({"Message": inner}).to_string());
        assert_eq!(messages(serde_json::from_str(&deep).unwrap(), 0).unwrap().len(), 1);
    }
}
