//! One netlink socket to the kernel's nftables: transactions, questions and listings.
//!
//! The kernel works a request off inside our `send`, so when that returns every answer is already waiting: a
//! transaction never blocks, and its answers are read until there are none. Nobody else can write to the socket: the
//! kernel lets only holders of CAP_NET_ADMIN send to a foreign netfilter port.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType, bind, getsockname,
    recv, sendmsg, socket_with,
};

use super::error::{NftError, words_for};
use super::uapi::{generation, msg, nfnl, nl, proto};
use super::wire::{Message, Messages, Writer};

/// The most that the kernel puts into one datagram of a listing is 32 KiB; this leaves room for more.
const RECV_BYTES: usize = 64 * 1024;
/// Receive buffer of the socket. Answers to one round of questions and the errors of one transaction fit many times.
const RECV_BUFFER_BYTES: usize = 1024 * 1024;
/// The longest single transaction, about 1.5 million addresses; what is longer becomes several.
const MAX_TRANSACTION_BYTES: usize = 64 * 1024 * 1024;
/// What the kernel keeps of the send buffer for itself (32), and our begin and end marks (2 x 20), rounded up.
const SEND_OVERHEAD_BYTES: usize = 128;
/// How many questions are asked before their answers are read: each answer takes about 1 KiB of the receive buffer,
/// which without the right to enlarge it is 208 KiB.
pub(super) const QUESTIONS_PER_ROUND: usize = 64;
/// How often a listing is begun anew when the rules changed while it was read; the last try counts as it is.
const LISTING_TRIES: u32 = 5;
/// How long an answer may take that by all rules is there already.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The sockets of one responder: both in the network namespace in which it was opened.
#[derive(Debug)]
pub(super) struct Sockets {
    /// For everything; all changes come from its port.
    pub(super) main: Socket,
    /// For asking in a second thread.
    pub(super) helper: Socket,
}

impl Sockets {
    pub(super) fn open() -> Result<Self, NftError> {
        Ok(Self { main: Socket::for_requests()?, helper: Socket::for_requests()? })
    }
}

/// A socket of the netfilter family, bound to the network namespace in which it was opened.
#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
    port: u32,
    next_seq: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opens a socket that also receives what is sent to `groups` (a mask; 0 for none).
    pub(super) fn open(groups: u32, recv_buffer_bytes: usize) -> Result<Self, NftError> {
        let failed = |what| move |errno| NftError::Socket { what, errno };
        let fd = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(netlink::NETFILTER),
        )
        .map_err(failed("open"))?;
        bind(&fd, &SocketAddrNetlink::new(0, groups)).map_err(failed("bind"))?;
        let name = getsockname(&fd).and_then(SocketAddrNetlink::try_from).map_err(failed("name"))?;
        sockopt::set_socket_timeout(&fd, Timeout::Recv, Some(ANSWER_TIMEOUT))
            .map_err(failed("set a timeout"))?;
        // Beyond the system's limit only with CAP_NET_ADMIN in the first user namespace; up to it otherwise.
        if sockopt::set_socket_recv_buffer_size_force(&fd, recv_buffer_bytes).is_err() {
            sockopt::set_socket_recv_buffer_size(&fd, recv_buffer_bytes)
                .map_err(failed("set a buffer size"))?;
        }
        Ok(Self { fd, port: name.pid(), next_seq: 1, buffer: vec![0; RECV_BYTES] })
    }

    fn for_requests() -> Result<Self, NftError> {
        Self::open(0, RECV_BUFFER_BYTES)
    }

    /// The port by which the kernel names this socket, also in what it tells others of our changes.
    pub(super) fn port(&self) -> u32 {
        self.port
    }

    /// Carries out the messages in one transaction: all of them, or none and the first error.
    ///
    /// Where the system does not let us send so much at once (a container without the right to enlarge the buffer)
    /// or where it is longer than [`MAX_TRANSACTION_BYTES`], it becomes several transactions; an error then leaves
    /// the earlier ones in force. Returns how many there were.
    pub(super) fn transact(&mut self, mut messages: Writer) -> Result<u32, NftError> {
        if messages.is_too_long() {
            return Err(NftError::TooLong { bytes: messages.as_bytes().len() });
        }
        let room = self.make_room(messages.as_bytes().len())?;
        let first_seq = self.take_seqs(messages.ends().len());
        messages.number(first_seq);
        let mut transactions = 0;
        for part in split(messages.ends(), room) {
            messages.want_ack(part.last_start);
            let last_seq = first_seq.wrapping_add(part.last_index);
            let bytes = messages.as_bytes().get(part.start..part.end).unwrap_or_default();
            self.transact_part(bytes, last_seq)?;
            transactions += 1;
        }
        Ok(transactions)
    }

    fn transact_part(&mut self, bytes: &[u8], last_seq: u32) -> Result<(), NftError> {
        let mark = |kind, seq| {
            let mut mark = Writer::default();
            mark.batch_mark(kind);
            mark.number(seq);
            mark
        };
        let begin = mark(nfnl::MSG_BATCH_BEGIN, self.take_seqs(1));
        let end = mark(nfnl::MSG_BATCH_END, self.take_seqs(1));
        let parts = [begin.as_bytes(), bytes, end.as_bytes()].map(IoSlice::new);
        self.discard_waiting();
        self.send(&parts)?;

        // An error that concerns the whole (no right, no module, failed commit) comes under the number of the first
        // mark and before the acknowledgement of the last message, so the first error is the answer.
        let mut refused = None;
        let mut acknowledged = false;
        while let Some(length) = self.receive_waiting()? {
            for message in self.received(length) {
                match (message.kind, message.errno()) {
                    (nl::ERROR, 0) => acknowledged |= message.seq == last_seq,
                    (nl::ERROR, _) if refused.is_none() => refused = Some(refusal(&message)),
                    _ => {}
                }
            }
        }
        match refused {
            Some(error) => Err(error),
            None if acknowledged => Ok(()),
            None => Err(NftError::NoAnswer { what: "a change" }),
        }
    }

    /// Asks at most [`QUESTIONS_PER_ROUND`] questions at once and gives each answer with the number of its question,
    /// from 0; a question whose answer is "no such thing" gets none.
    pub(super) fn ask(
        &mut self,
        questions: &mut Writer,
        mut on_answer: impl FnMut(usize, &Message<'_>),
    ) -> Result<(), NftError> {
        let first_seq = self.take_seqs(questions.ends().len());
        questions.number(first_seq);
        self.discard_waiting();
        self.send(&[IoSlice::new(questions.as_bytes())])?;
        while let Some(length) = self.receive_waiting()? {
            for message in self.received(length) {
                let number = usize::try_from(message.seq.wrapping_sub(first_seq)).unwrap_or(usize::MAX);
                if message.kind != nl::ERROR {
                    on_answer(number, &message);
                } else if message.errno() != Errno::NOENT.raw_os_error() && message.errno() != 0 {
                    return Err(refusal(&message));
                }
            }
        }
        Ok(())
    }

    /// Lists: folds every message of the answer into a fresh `T`, again from the start if the rules changed meanwhile.
    pub(super) fn list<T: Default>(
        &mut self,
        kind: u8,
        family: u8,
        fill: impl Fn(&mut Writer),
        mut fold: impl FnMut(&mut T, &Message<'_>),
    ) -> Result<T, NftError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut listed = T::default();
            let whole = self.list_once(kind, family, &fill, |message| fold(&mut listed, message))?;
            if whole || tries == LISTING_TRIES {
                return Ok(listed);
            }
        }
    }

    /// Lists once. Whether the rules stayed the same all the time.
    fn list_once(
        &mut self,
        kind: u8,
        family: u8,
        fill: impl Fn(&mut Writer),
        mut on_message: impl FnMut(&Message<'_>),
    ) -> Result<bool, NftError> {
        let seq = self.take_seqs(1);
        let mut request = Writer::default();
        request.message(kind, nl::F_DUMP, family, fill);
        request.number(seq);
        self.discard_waiting();
        self.send(&[IoSlice::new(request.as_bytes())])?;
        let mut whole = true;
        loop {
            let length = self.receive(RecvFlags::empty())?;
            for message in self.received(length) {
                if message.seq != seq {
                    continue;
                }
                whole &= message.flags & nl::F_DUMP_INTR == 0;
                match (message.kind, message.errno()) {
                    (nl::DONE, 0) => return Ok(whole),
                    (nl::ERROR | nl::DONE, errno) => {
                        return Err(NftError::Kernel {
                            what: words_for(Some(kind)),
                            errno: Errno::from_raw_os_error(errno),
                        });
                    }
                    _ => on_message(&message),
                }
            }
        }
    }

    /// The number of the rules' generation: it grows by one with every transaction of anybody in this namespace.
    pub(super) fn generation(&mut self) -> Result<u32, NftError> {
        let mut question = Writer::default();
        question.message(msg::GETGEN, 0, proto::UNSPEC, |_| ());
        let mut id = None;
        self.ask(&mut question, |_, message| id = message.attrs().u32(generation::ID).or(id))?;
        id.ok_or(NftError::NoAnswer { what: "which generation" })
    }

    /// Makes the send buffer large enough for `bytes` if the system lets us; how long a transaction may be.
    fn make_room(&self, bytes: usize) -> Result<usize, NftError> {
        let failed = |errno| NftError::Socket { what: "set a buffer size", errno };
        let wanted = bytes.min(MAX_TRANSACTION_BYTES) + SEND_OVERHEAD_BYTES;
        let mut size = sockopt::socket_send_buffer_size(&self.fd).map_err(failed)?;
        if size < wanted {
            // The kernel doubles what it is given.
            if sockopt::set_socket_send_buffer_size_force(&self.fd, wanted).is_err() {
                sockopt::set_socket_send_buffer_size(&self.fd, wanted).map_err(failed)?;
            }
            size = sockopt::socket_send_buffer_size(&self.fd).map_err(failed)?;
        }
        Ok(size.min(MAX_TRANSACTION_BYTES).saturating_sub(SEND_OVERHEAD_BYTES))
    }

    fn take_seqs(&mut self, count: usize) -> u32 {
        let first = self.next_seq;
        #[expect(clippy::cast_possible_truncation, reason = "sequence numbers wrap around")]
        let count = count as u32;
        self.next_seq = first.wrapping_add(count);
        first
    }

    fn send(&self, parts: &[IoSlice<'_>]) -> Result<(), NftError> {
        let mut nothing = SendAncillaryBuffer::default();
        rustix::io::retry_on_intr(|| sendmsg(&self.fd, parts, &mut nothing, SendFlags::empty()))
            .map(|_| ())
            .map_err(|errno| NftError::Socket { what: "send", errno })
    }

    /// One datagram that is there already, or `None`.
    pub(super) fn receive_waiting(&mut self) -> Result<Option<usize>, NftError> {
        match self.receive(RecvFlags::DONTWAIT) {
            Ok(length) => Ok(Some(length)),
            Err(NftError::Socket { errno: Errno::AGAIN, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn receive(&mut self, flags: RecvFlags) -> Result<usize, NftError> {
        let buffer = self.buffer.as_mut_slice();
        match rustix::io::retry_on_intr(|| recv(&self.fd, &mut *buffer, flags)) {
            Ok((length, _)) => Ok(length),
            Err(Errno::NOBUFS) => Err(NftError::Lost),
            Err(errno) => Err(NftError::Socket { what: "receive", errno }),
        }
    }

    /// The bytes of the last datagram.
    pub(super) fn received(&self, length: usize) -> Messages<'_> {
        Messages(self.buffer.get(..length).unwrap_or_default())
    }

    /// Throws away what is left of an exchange that ended with an error.
    fn discard_waiting(&mut self) {
        while !matches!(self.receive_waiting(), Ok(None) | Err(NftError::Socket { .. })) {}
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn refusal(message: &Message<'_>) -> NftError {
    NftError::Kernel {
        what: words_for(message.error_about()),
        errno: Errno::from_raw_os_error(message.errno()),
    }
}

/// A run of whole messages that go into one transaction.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    start: usize,
    end: usize,
    /// Where its last message begins, and which one of all it is.
    last_start: usize,
    last_index: u32,
}

/// Cuts messages (given by their ends) into runs of at most `room` bytes, but of one message at least.
fn split(ends: &[usize], room: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut start = 0;
    for (index, &end) in (0_u32..).zip(ends) {
        match parts.last_mut() {
            Some(part) if end - part.start <= room => {
                *part = Part { start: part.start, end, last_start: start, last_index: index };
            }
            _ => parts.push(Part { start, end, last_start: start, last_index: index }),
        }
        start = end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_fit_are_one_transaction() {
        assert_eq!(split(&[10, 30, 60], 60), [Part { start: 0, end: 60, last_start: 30, last_index: 2 }]);
        assert_eq!(split(&[], 60), []);
    }

    #[test]
    fn messages_that_do_not_fit_are_cut_between_messages() {
        assert_eq!(
            split(&[10, 30, 60, 200, 210], 50),
            [
                Part { start: 0, end: 30, last_start: 10, last_index: 1 },
                Part { start: 30, end: 60, last_start: 30, last_index: 2 },
                Part { start: 60, end: 200, last_start: 60, last_index: 3 },
                Part { start: 200, end: 210, last_start: 200, last_index: 4 },
            ]
        );
    }
}
