//! Every bound of this crate, in one place.
//!
//! Patterns come from people and events from anybody: whatever is read has a limit, and each limit has a name.

/// Longest event pattern that is read, in bytes.
///
/// AWS allows 2,048 characters (4,096 on request), which [`lint`](crate::Pattern::lints) reports; a rule file may say more.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Deepest nesting of objects and arrays in an event pattern.
pub const MAX_PATTERN_DEPTH: usize = 256;

/// Most combinations that the `$or`s of one pattern may multiply to: AWS's own limit.
pub const MAX_OR_COMBINATIONS: usize = 1_000;

/// Most fields, over all combinations, that one pattern may name.
pub const MAX_PATTERN_CONDITIONS: usize = 100_000;

/// Most fields that one combination of a pattern may name.
pub const MAX_FIELDS: usize = 1_000;

/// Longest event that is read, in bytes. EventBridge takes 256 KiB, CloudTrail Lake 1 MiB.
pub const MAX_EVENT_BYTES: usize = 4 << 20;

/// Deepest nesting of objects and arrays in an event; a deeper one is an error. One level costs 16 bytes while it is open.
pub const MAX_EVENT_DEPTH: usize = 65_536;

/// Most steps that one event may cost in deciding array consistency, over all rules: a leaf tested against one condition
/// or tried beside others is a step.
///
/// Rules whose question is open when the steps are spent count as matched and are told apart:
/// see [`Matches::undecided`](crate::Matches::undecided).
pub const MAX_CONSISTENCY_STEPS: u32 = 1_000_000;

/// Most values at one path that [`Fields`](crate::Fields) keep.
pub const MAX_FIELD_VALUES: usize = 256;

/// Deepest nesting of `json` conditions inside each other.
pub const MAX_JSON_IN_JSON: usize = 4;

/// Most steps for each byte of JSON inside a string; what is open when they are spent counts as matched.
pub const JSON_STEPS_PER_BYTE: u32 = 16;

/// Exponents of numbers beyond this, either way, are taken for this one.
pub const MAX_EXPONENT: i64 = 1 << 40;

/// Most top-level keys of an SNS filter policy.
pub const MAX_SNS_KEYS: usize = 5;

/// Most combinations of values in an SNS filter policy.
pub const MAX_SNS_COMBINATIONS: u64 = 150;

/// AWS's limit on the characters of an EventBridge pattern.
pub const AWS_PATTERN_CHARS: usize = 2_048;
