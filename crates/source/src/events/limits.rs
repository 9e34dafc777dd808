//! Every bound of reading events, with its unit.

/// The longest event that is given out, in bytes; a longer one is told and passed over. CloudTrail writes at most
/// 256 KiB a record, EventBridge and SQS carry at most 1 MiB; indented by a tool a record grows.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// The deepest nesting of an event that is given out; a deeper one is told and passed over. As deep as patterns look:
/// whoever calls an API chooses how deep its parameters are, and must not be able to hide by it.
pub const MAX_EVENT_DEPTH: usize = 65_536;

/// The largest text that lies in memory as a whole, in bytes. CloudTrail's files unpack to a few megabytes at most. A
/// larger text is read through a window.
pub const MAX_WHOLE_BYTES: usize = 64 * 1024 * 1024;

/// The largest packed file that is unpacked in one step, in bytes; a larger one is unpacked bit by bit.
pub const MAX_WHOLE_PACKED_BYTES: usize = 8 * 1024 * 1024;

/// The most gzip members that are unpacked in one step; a file with more is unpacked bit by bit.
pub const MAX_WHOLE_MEMBERS: u64 = 16;

/// The window through which a large text is read, in bytes, unless an event that is too long makes it grow.
pub const WINDOW_BYTES: usize = 2 * MAX_EVENT_BYTES;

/// How far the window grows, in bytes, to see where an event ends that is too long; what is longer is passed over to
/// the end of its line.
pub const MAX_WINDOW_BYTES: usize = MAX_WHOLE_BYTES;

/// The most that a packed file of this machine may unpack to, in bytes. Everything before is read.
pub const MAX_UNPACKED_BYTES: u64 = 64 << 30;

/// The most that a packed object of a bucket may unpack to, in bytes: others write there. Everything before is read.
pub const MAX_OBJECT_UNPACKED_BYTES: u64 = 1 << 30;

/// The most fields of an object that are looked at to tell what it is.
pub const MAX_LOOKED_AT_FIELDS: usize = 256;

/// The most lists and objects that events may be wrapped in.
pub const MAX_WRAPPERS: usize = 16;

/// How much text of one file may be read twice, in bytes, because what seemed an event turned out broken far behind its
/// beginning. After that such text is lost to where it broke.
pub const MAX_REREAD_BYTES: u64 = 64 << 20;

/// How many event files are replayed at a time. In memory each takes as many bytes as its path, and a hundred more.
pub const MAX_EVENT_FILES: usize = 1_000_000;

/// The deepest folder that is looked into.
pub const MAX_FOLDER_DEPTH: usize = 64;

/// How many problems of a folder are told one by one; more are counted.
pub const MAX_FOLDER_PROBLEMS: usize = 100;
