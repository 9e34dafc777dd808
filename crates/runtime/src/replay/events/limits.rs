//! Every bound of a replay of events, with its unit.

/// How many matches are told apart by their ids, so that one that comes twice counts once. Beyond it the oldest half is
/// forgotten; copies of one event lie close together, in the files of two trails or in two deliveries.
pub const MAX_KNOWN: usize = 1 << 20;

/// How much matches may weigh that wait to be put in the order of time, in bytes. Beyond it the older half is judged.
pub const MAX_WAITING_BYTES: usize = 64 << 20;

/// How many pairs of rule and key are told apart in the report. Beyond it matches only count for their rule.
pub const MAX_ROWS: usize = 50_000;

/// How many decisions are told one by one. Beyond it they only count.
pub const MAX_DECISIONS: usize = 100_000;
