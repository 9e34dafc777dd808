//! Every bound of this crate, with its unit. Logs are written by attackers: whatever can grow has a limit here.

use std::time::Duration;

/// The size of a block buffer, in bytes. Large enough that a system call per block does not count, and at least twice
/// the longest line.
pub const BLOCK_BYTES: usize = 1024 * 1024;

/// The most that one stream delivers before another one gets its turn, in bytes.
pub const TURN_BYTES: usize = BLOCK_BYTES;

/// The most that one call of [`crate::Source::next`] delivers before it returns, in bytes.
pub const ROUND_BYTES: usize = 4 * BLOCK_BYTES;

/// Compressed bytes that are read ahead of a decoder.
pub const ARCHIVE_INPUT_BYTES: usize = 128 * 1024;

/// The most memory that an xz decoder may ask for, in bytes: presets up to `-7` need 17 MiB, `-8` needs 33.
pub const XZ_MEMORY_BYTES: u64 = 18 * 1024 * 1024;

/// The largest zstd window, as a power of two: 16 MiB. Levels up to `-19` need 8 MiB, `--ultra -20` needs 32.
pub const ZSTD_WINDOW_LOG: u32 = 24;

/// The most files that are followed, or replayed, at a time.
pub const MAX_FILES: usize = 10_000;

/// The most log files that are held open at a time. More are followed, and opened when they grow.
pub const MAX_OPEN_FILES: usize = 512;

/// The most directories that are watched for new names. Others are looked at on the tick only.
pub const MAX_WATCHED_DIRS: usize = 4096;

/// The most rotated siblings of one log that are looked at, newest first, for the rest of an interrupted reading.
pub const MAX_SIBLINGS: usize = 64;

/// The most directory entries that are read when a file is looked for.
pub const MAX_DIR_ENTRIES: usize = 100_000;

/// How often paths and files are looked at even if nothing was announced: network file systems announce nothing.
pub const TICK: Duration = Duration::from_secs(1);

/// How often they are looked at where the kernel announces nothing at all.
pub const POLLING_TICK: Duration = Duration::from_millis(200);

/// How long a rotated file stays open after its last line: programs with many workers reopen their log one by one.
pub const LATE_GRACE: Duration = Duration::from_secs(30);

/// The most rotated files of one stream that stay open for late lines.
pub const MAX_LATE: usize = 4;

/// How long a deleted file without a successor stays open after its last line. It holds disk space meanwhile.
pub const DELETED_GRACE: Duration = Duration::from_secs(300);

/// The most of one journal entry that is kept, in bytes; an entry with more is a line too long to be judged.
pub const MAX_JOURNAL_ENTRY_BYTES: usize = 2 * stockade_core::limits::MAX_LINE_BYTES;

/// The most fields of one journal entry that are kept: those that the line and the matches are made of.
pub const MAX_JOURNAL_FIELDS: usize = 256;

/// The longest that a dead journal reader is left alone before the next try.
pub const JOURNAL_BACKOFF_MAX: Duration = Duration::from_secs(60);

/// How much of a helper program's complaint is kept, in bytes.
pub const MAX_STDERR_BYTES: usize = 4096;
