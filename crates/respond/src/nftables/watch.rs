//! Learns at once when somebody else changes our table.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use stockade_core::ports::RespondError;

use super::error::{NftError, words_for};
use super::names::TABLE;
use super::socket::Socket;
use super::uapi::{msg, nfnl, proto};
use super::wire::Message;

/// Receive buffer of the watching socket. The kernel tells it of every element, also of our own, so a restore of many
/// bans overflows it; that is read as "changed", which costs one look.
const RECV_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// What the watch saw.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Somebody else changed our table; `what` was the first thing they did.
    Touched {
        /// In words: `delete the table`.
        what: &'static str,
    },
    /// So much happened that the kernel threw some of it away; our table may have been among it.
    Unknown,
}

/// Watches the table for changes that its responder did not make. Made by [`super::Nftables::watch`].
///
/// After a change the runtime reconciles: [`stockade_core::ports::Responder::current`] puts the ground back and says
/// what is left, and the plan brings back the rest. Other tables may change as they like.
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
    /// The port of the responder, whose changes are no news.
    own_port: u32,
}

impl Watch {
    pub(super) fn open(own_port: u32) -> Result<Self, NftError> {
        let socket = Socket::open(nfnl::GROUP_MASK_NFTABLES, RECV_BUFFER_BYTES)?;
        Ok(Self { socket, own_port })
    }

    /// Waits for a change, at most so long; `None` if there was none. Whatever else is waiting is taken with it, so
    /// that one `nft flush ruleset` is one change.
    ///
    /// # Errors
    /// When the socket cannot be waited for or read.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Change>, RespondError> {
        let started = Instant::now();
        loop {
            if let Some(change) = self.take()? {
                return Ok(Some(change));
            }
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            let left = Timespec::try_from(left).ok();
            match poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], left.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(NftError::Socket { what: "wait", errno }.into()),
            }
        }
    }

    /// What was seen since the last call, without waiting. For those who poll the descriptor themselves.
    ///
    /// # Errors
    /// When the socket cannot be read.
    pub fn take(&mut self) -> Result<Option<Change>, RespondError> {
        let mut seen = None;
        loop {
            match self.socket.receive_waiting() {
                Ok(None) => return Ok(seen),
                Ok(Some(length)) => {
                    let own_port = self.own_port;
                    let foreign =
                        self.socket.received(length).find_map(|message| foreign(&message, own_port));
                    seen = seen.or(foreign.map(|what| Change::Touched { what }));
                }
                Err(NftError::Lost) => seen = Some(Change::Unknown),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What somebody else did to our table, if that is what the message tells of.
fn foreign(message: &Message<'_>, own_port: u32) -> Option<&'static str> {
    let kind = message.nftables_kind()?;
    let ours = message.family() == Some(proto::INET) && message.attrs().text(1) == Some(TABLE);
    (kind != msg::NEWGEN && ours && message.port != own_port).then(|| words_for(Some(kind)))
}
