//! Finished log files, compressed or not, for a replay.
//!
//! [`LogReader`] hands on the lines of one file in [`crate::Block`]s; [`expand`] turns what a person typed (files,
//! folders, globs) into files in the order in which they were written.
//!
//! What a file is is seen from its first bytes, never from its name. Memory is bounded whatever an archive asks for:
//! [`crate::limits::XZ_MEMORY_BYTES`] and [`crate::limits::ZSTD_WINDOW_LOG`].

mod decode;
mod expand;
mod members;
mod names;
mod reader;

pub use decode::Format;
pub(crate) use decode::{Decoder, MAGIC_BYTES, explain, recognise};
pub use expand::{Expansion, LogFile, STDIN, expand};
pub use reader::{LogReader, Progress};

pub(crate) use names::{Age, rotation};
