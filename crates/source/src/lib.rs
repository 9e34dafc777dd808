//! Where records come from: followed files, archives, the journal, standard input.
//!
//! Everything here hands on [`Block`]s: many whole lines in one reusable buffer, with the position of the first byte.
//! Three sources are live and implement [`Source`]; each is driven by one thread, with plain blocking calls:
//!
//! - [`Follower`]: files and globs, through rotation of every kind and through restarts;
//! - [`Journal`]: the systemd journal, with a cursor;
//! - [`Pipe`]: standard input or any other descriptor that ends.
//!
//! [`archive::LogReader`] reads a finished file for a replay, compressed or not, and [`archive::expand`] finds the
//! files of a replay and puts rotated ones in order. [`events::EventReader`] does that for events and CloudTrail's
//! records, and [`events::find`] finds their files.
//!
//! ```no_run
//! use std::time::Duration;
//! use stockade_source::{Event, Follower, FollowSpec, Pattern, Source, Start};
//!
//! let spec = FollowSpec::new(vec![Pattern::new("/var/log/auth.log", Start::Beginning)?]);
//! let mut follower = Follower::new(spec, &[])?;
//! let mut positions = Vec::new();
//! follower.next(Duration::from_secs(1), &mut |event| match event {
//!     Event::Block(block) => positions.push(block.position(None)), // judge the lines, then store the position with them
//!     Event::Notice(notice) => drop(notice.to_string()),
//! })?;
//! # Ok::<(), stockade_source::SourceError>(())
//! ```
//!
//! # Decisions
//!
//! - **Blocks, not lines.** A reader that touches every line costs more than the kernel's copy of it. Only the last
//!   line end of a block is searched for, and over-long lines are found by hops of the limit's length (`lines`).
//! - **`read`, not `mmap`.** Mapping is up to twice as fast on a warm cache, but counts the whole file as resident
//!   memory and kills the process when a file is cut while it is mapped. `read` into 1 MiB gives about 10 GB/s.
//! - **A source never acknowledges.** It says with each block what to store; the store commits that together with the
//!   evidence, and hands it back at the next start.
//! - **No `unsafe`, no runtime.** System calls go through `rustix`; a wait is a `poll` that a [`Waker`] can end.
#![forbid(unsafe_code)]

pub mod archive;
#[cfg(feature = "aws")]
pub mod aws;
mod block;
mod error;
pub mod events;
mod files;
mod journal;
pub mod limits;
mod lines;
mod notice;
mod pattern;
mod pipe;
mod waker;

pub use block::{Block, Event, Flow, Mark, Source};
pub use error::SourceError;
pub use files::{FollowSpec, Follower};
pub use journal::{Journal, JournalMatch, JournalSpec, JournalStart};
pub use notice::Notice;
pub use pattern::{Pattern, Start};
pub use pipe::Pipe;
pub use waker::Waker;
