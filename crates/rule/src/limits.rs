//! Every bound of this crate, in one place.

/// Longest file of a rule, in bytes; most of it is tests.
pub const MAX_RULE_BYTES: usize = 1 << 20;

/// Longest name of a rule, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Most patterns of one rule.
pub const MAX_PATTERNS: usize = 100;

/// Most tests of one rule.
pub const MAX_TESTS: usize = 1_000;

/// Most paths that one key names.
pub const MAX_KEY_PATHS: usize = 16;

/// Most problems that are told of one file.
pub const MAX_PROBLEMS: usize = 100;

/// Most keys that one event gives to one rule; an event that names more is counted against these.
///
/// A finding of GuardDuty or Security Hub names a handful of addresses or resources.
pub const MAX_KEYS: usize = 64;

/// Longest event that is kept whole as the evidence of a repair, in bytes: EventBridge's own limit.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;
