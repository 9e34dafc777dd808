//! Following log files, through rotation and restarts.
//!
//! A [`Follower`] holds one [`stream::Stream`] per log. A stream holds its *lives* ([`life::Life`]) in the order in which
//! they are to be read: a life is what a file holds between two rotations, whether it was then renamed, copied and
//! cut, or packed. [`find`] recognises the lives among rotated siblings by what [`identity`] remembers of them, so the
//! rest of an interrupted reading is found again wherever logrotate has put it.
//!
//! What each kind of rotation means:
//!
//! - **Renamed** (`create`): the old file is read to its end, lines written after the rename included, until its
//!   successor holds something; then the successor. The old one stays open for late lines.
//! - **Copied and cut** (`copytruncate`): seen because the bytes before the position are no longer what they were. What
//!   was not read yet is read from the copy. What a program writes between the copy and the cut is lost, with every
//!   reader, unless we had read it before.
//! - **Packed** (`compress`): the archive takes the file's place, should it be needed.
//! - **Replaced** by a copy of itself, as editors do: reading goes on in the copy.

mod context;
mod find;
mod folder;
mod follower;
mod identity;
mod life;
mod opening;
mod read;
mod rotate;
mod scan;
mod stream;
mod token;
mod turn;
mod watch;

pub use follower::{FollowSpec, Follower};
