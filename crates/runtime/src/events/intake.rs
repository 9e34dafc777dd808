//! What a message holds, read to its end: events in it, and events in the objects that it names.

use std::sync::Arc;

use stockade_aws::Aws;
use stockade_core::{Match, StreamName, Timestamp};
use stockade_rule::Event;
use stockade_source::aws::s3::ObjectReader;
use stockade_source::aws::{Delivered, ObjectRef, PayloadError, read_message};
use stockade_source::events::{EventProblem, EventReader, FileKind, Form, Found};

use super::EventLane;

/// So many matches of one message are handed on at once.
const CHUNK: usize = 2_000;
/// Or matches whose records have so many bytes together.
const CHUNK_BYTES: usize = 4 << 20;
/// How many problems of one message are told.
const MAX_TOLD: usize = 20;

/// Reads messages. One for each thread.
#[derive(Debug)]
pub(crate) struct Intake {
    lane: EventLane,
    reader: EventReader,
    /// Reads objects; `None` where there are none.
    objects: Option<ObjectReader>,
    matches: Vec<(usize, Match)>,
    bytes: usize,
}

/// What became of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    /// Events, and records of files.
    pub(crate) events: u64,
    /// Objects that were read to their end.
    pub(crate) objects: u64,
    /// What was passed over: a few of them in words.
    pub(crate) passed_over: Vec<String>,
    /// How many things were passed over.
    pub(crate) broken: u64,
    /// Why not all of it was read, so that it has to come again.
    pub(crate) failed: Option<String>,
}

/// What is found is handed on; `false` if nobody takes it any more.
pub(crate) type HandOn<'h> = &'h mut dyn FnMut(Vec<(usize, Match)>) -> bool;

impl Intake {
    pub(crate) fn new(lane: EventLane, aws: Option<&Aws>) -> Self {
        let objects = aws.map(ObjectReader::new);
        Self { lane, reader: EventReader::new(), objects, matches: Vec::new(), bytes: 0 }
    }

    /// Reads the body of a message that came in this stream at `received`. What is found is handed on bit by bit, and
    /// what is left of it returned. What cannot be read now or ever does not keep the rest from being read.
    pub(crate) fn message(
        &mut self,
        body: &str,
        received: Timestamp,
        stream: &StreamName,
        hand_on: HandOn<'_>,
    ) -> (Read, Vec<(usize, Match)>) {
        let mut read = Read::default();
        for delivered in read_message(body) {
            self.delivered(delivered, received, stream, &mut read, hand_on);
        }
        self.bytes = 0;
        (read, std::mem::take(&mut self.matches))
    }

    /// The same for one thing of a message that was taken apart already.
    pub(crate) fn delivered(
        &mut self,
        delivered: Result<Delivered<'_>, PayloadError>,
        received: Timestamp,
        stream: &StreamName,
        read: &mut Read,
        hand_on: HandOn<'_>,
    ) {
        match delivered {
            Ok(Delivered::Event { form, text }) => {
                read.events += 1;
                let event = event(form, text.as_bytes());
                if let Err(error) = self.lane.read(event, received, stream, &mut self.matches) {
                    read.fail(format!("an event cannot be read: {error}"));
                }
            }
            Ok(Delivered::Object(object)) => match object.name().kind {
                FileKind::Log | FileKind::Json => match self.object(&object, received, read, hand_on) {
                    Ok(()) => read.objects += 1,
                    Err(why) => read.fail(why),
                },
                // Digests, and whatever else lies in the bucket.
                kind => tracing::debug!(%object, ?kind, "no file of events: left out"),
            },
            Ok(Delivered::Nothing(why)) => tracing::debug!(why, "a message without events"),
            Err(error) => read.fail(error.to_string()),
        }
    }

    /// What is left of what was found, to be handed on.
    pub(crate) fn take_matches(&mut self) -> Vec<(usize, Match)> {
        self.bytes = 0;
        std::mem::take(&mut self.matches)
    }

    /// Reads an object to its end. `Err`: why not all of it was read.
    fn object(
        &mut self,
        object: &ObjectRef,
        received: Timestamp,
        read: &mut Read,
        hand_on: HandOn<'_>,
    ) -> Result<(), String> {
        let name = object.to_string();
        let Some(objects) = &self.objects else {
            return Err(format!("cannot read `{name}`: AWS is not spoken to"));
        };
        let packed = objects.get(object).map_err(|error| match error.hint() {
            Some(hint) => format!("{error} ({hint})"),
            None => error.to_string(),
        })?;
        self.reader.load(&name, packed).map_err(|error| error.to_string())?;
        let stream: StreamName = name.into();
        loop {
            let (lane, matches) = (&mut self.lane, &mut self.matches);
            let before = matches.len();
            let length = match self.reader.peek() {
                None => return Ok(()),
                Some(Found::Problem(EventProblem::File(error))) => return Err(error.to_string()),
                Some(Found::Problem(problem)) => {
                    read.pass_over(&problem);
                    continue;
                }
                Some(Found::Event(found)) if found.form == Form::Record => {
                    Some(lane.read_first(found.text, received, &stream, matches))
                }
                Some(Found::Event(_)) => None,
            };
            match length {
                Some(Ok(length)) => {
                    read.events += 1;
                    self.reader.advance(length);
                }
                Some(Err(error)) => read.pass_over(&self.reader.pass_over(&error)),
                // With an envelope, it has to be cut out first.
                None => match self.reader.next_event() {
                    Some(Found::Event(found)) => {
                        read.events += 1;
                        if let Err(error) =
                            lane.read(event(found.form, found.text), received, &stream, matches)
                        {
                            read.pass_over(&error);
                        }
                    }
                    Some(Found::Problem(EventProblem::File(error))) => return Err(error.to_string()),
                    Some(Found::Problem(problem)) => read.pass_over(&problem),
                    None => return Ok(()),
                },
            }
            self.bytes += self.matches.iter().skip(before).map(|(_, found)| found.line.len()).sum::<usize>();
            if self.matches.len() >= CHUNK || self.bytes >= CHUNK_BYTES {
                let found = self.take_matches();
                if !hand_on(found) {
                    return Err("nobody takes what is found any more".to_owned());
                }
            }
        }
    }
}

impl Read {
    /// Something was not read that may be another time, or that somebody has to look at.
    fn fail(&mut self, why: String) {
        if self.failed.is_none() {
            self.failed = Some(why);
        }
    }

    fn pass_over(&mut self, problem: &dyn std::fmt::Display) {
        self.broken += 1;
        if self.passed_over.len() < MAX_TOLD {
            self.passed_over.push(problem.to_string());
        }
    }
}

fn event(form: Form, text: &[u8]) -> Event<'_> {
    match form {
        Form::Envelope => Event::Envelope(text),
        Form::Record => Event::Record(text),
    }
}

/// The name of the stream of what comes from a queue, a topic or an invocation.
pub(crate) fn stream_name(place: &str) -> StreamName {
    // Of an ARN or a URL the name says enough.
    Arc::from(place.rsplit([':', '/']).next().filter(|name| !name.is_empty()).unwrap_or(place))
}
