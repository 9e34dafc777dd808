//! Every bound of the core, with its unit. Input is written by attackers: whatever can grow has a limit here.

/// The longest record that is kept as evidence, in bytes; the rest is cut.
pub const MAX_EVIDENCE_BYTES: usize = 1024;

/// The longest line that is judged, in bytes; a longer one is counted and passed over.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// How many keys one jail watches at most, unless configured. Beyond it the key that was seen longest ago goes.
pub const MAX_TRACKED_KEYS: usize = 1_000_000;

/// How many times one log line may say that its message was repeated; more is counted as this.
pub const MAX_REPEATS: u32 = 10_000;
