//! The control socket: how the commands speak with the daemon.

mod client;
mod protocol;
mod server;
mod settings;

pub use client::{Client, ClientError};
pub use protocol::{
    Change, JailStatus, LiveBan, Request, ResponderStatus, Response, SourceStatus, Standing, Status, Why,
};
pub(crate) use server::{Asked, Server};
pub use settings::{DaemonChange, DaemonSettings, Fate, ForeignBan, JailChange, JailDetail};

/// The longest line either side accepts, in bytes: 100,000 bans fit.
pub const MAX_MESSAGE_BYTES: usize = 64 << 20;
