//! What AWS delivers.
//!
//! To a function: log events in CloudWatch Logs' envelope, by whatever road it came, and the records of a DynamoDB
//! table's stream. [`Invocation::read`] tells the roads apart; [`Envelope::decode`] opens an envelope. This part speaks to
//! nobody: bytes go in, records come out, and whatever is wrong is a [`PayloadError`] that says what and where. One bad
//! record never takes its neighbours with it. What an image of a table's item means is known to who owns the table.
//!
//! The same for events: one by itself, in the messages of a queue or a topic, or as a notice that an object was written,
//! each in its own wrapping, which [`read_message`] takes off.
//!
//! To a host: messages of its [`queue`], and the objects of [`s3`].
//!
//! The key decision: **an envelope is opened within bounds that have names** ([`limits`]). It is gzip, so a few
//! kilobytes may claim to be a terabyte; what grows beyond a bound is refused, not cut, because half an envelope is
//! no JSON.

mod batch;
mod delivery;
mod envelope;
mod error;
mod invocation;
pub mod limits;
mod object;
pub mod queue;
pub mod s3;
mod web;

pub use batch::{QueueMessage, TopicMessage};
pub use delivery::{Delivered, read_message};
pub use envelope::{Envelope, LogEvent, Skipped};
pub use error::PayloadError;
pub use invocation::{Firehose, FirehoseRecord, Invocation, KinesisRecord, StreamRecord};
pub use object::{ObjectRef, decode_key};
pub use web::WebRequest;
