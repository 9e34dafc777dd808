//! Every bound of what AWS hands over, with its unit.

/// How large an unpacked envelope may be, in bytes. CloudWatch Logs packs at most a few megabytes of events into one;
/// an invocation holds 6 MB of packed ones at most. A function of 256 MB must be able to hold it.
pub const MAX_ENVELOPE_BYTES: usize = 32 << 20;

/// How many events of one envelope are read; an envelope with more is refused.
pub const MAX_EVENTS: usize = 250_000;

/// How many records of one invocation are read. Kinesis and DynamoDB hand over 10,000 at most.
pub const MAX_RECORDS: usize = 10_000;

/// How long the name of a log group or stream may be, in bytes; AWS allows 512.
pub const MAX_NAME_BYTES: usize = 512;

/// How long the id of an event may be, in bytes; those of CloudWatch Logs have 56 digits.
pub const MAX_ID_BYTES: usize = 256;

/// How long a message may be, in bytes: SQS takes 1 MiB, an invocation of Lambda holds 6 MB.
pub const MAX_MESSAGE_BYTES: usize = 6 << 20;

/// In how many envelopes and lists a message may lie.
pub const MAX_WRAPPINGS: usize = 4;

/// How long the key of an object may be, in bytes; S3 allows 1,024.
pub const MAX_KEY_BYTES: usize = 1024;

/// How much of what was found instead an error quotes, in characters.
pub const MAX_QUOTE: usize = 60;
