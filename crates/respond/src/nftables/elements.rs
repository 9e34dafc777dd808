//! Elements of sets: written in bulk, listed, and asked for one by one.

use std::net::IpAddr;
use std::time::Instant;

use stockade_core::Timestamp;

use super::error::NftError;
use super::names::TABLE;
use super::socket::{QUESTIONS_PER_ROUND, Socket, Sockets};
use super::uapi::{elem, expr, msg, nl, proto};
use super::wire::{Attrs, Message, Writer};

/// An element takes at most 52 bytes, and the list of them at most 65,535.
const ELEMENTS_PER_MESSAGE: usize = 1_200;
/// From so many elements on, asking for them is shared between two threads.
const SHARED_FROM: usize = 10_000;
/// A shorter life would be rounded down to none, which the kernel reads as "for ever".
const MIN_LIFETIME_MS: u64 = 100;
/// 500 years. The kernel counts to 584; what is to hold longer holds for ever.
const MAX_LIFETIME_MS: u64 = 500 * 365 * 86_400_000;

/// How long an element still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    Forever,
    Millis(u64),
}

impl Lifetime {
    /// From `now` to `until`; `None` if that is over.
    pub(super) fn between(now: Timestamp, until: Timestamp) -> Option<Self> {
        if until == Timestamp::MAX {
            return Some(Self::Forever);
        }
        let millis = until.as_millis().saturating_sub(now.as_millis());
        match u64::try_from(millis) {
            Err(_) | Ok(0) => None,
            Ok(millis) if millis > MAX_LIFETIME_MS => Some(Self::Forever),
            Ok(millis) => Some(Self::Millis(millis.max(MIN_LIFETIME_MS))),
        }
    }

    /// When it ends, seen from `now`.
    pub(super) fn end(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Forever => Timestamp::MAX,
            Self::Millis(millis) => now.plus(std::time::Duration::from_millis(millis)),
        }
    }
}

/// Asks for elements to be there. Those that are there already get the new lifetime, if the kernel can do that
/// (6.12 and later); before, they keep theirs and no error comes.
pub(super) fn add(w: &mut Writer, set: &str, elements: &[(IpAddr, Lifetime)]) {
    write(w, msg::NEWSETELEM, nl::F_CREATE, set, elements, |w, (address, lifetime)| {
        write_key(w, *address);
        if let Lifetime::Millis(millis) = lifetime {
            // Both: given the old timeout alone, the kernel would not begin it anew.
            w.u64(elem::TIMEOUT, *millis);
            w.u64(elem::EXPIRATION, *millis);
        }
    });
}

/// Asks for elements not to be there. To delete what is missing is an error to the kernel, so they are added first.
pub(super) fn remove(w: &mut Writer, set: &str, addresses: &[IpAddr]) {
    let key = |w: &mut Writer, address: &IpAddr| write_key(w, *address);
    write(w, msg::NEWSETELEM, nl::F_CREATE, set, addresses, key);
    write(w, msg::DELSETELEM, 0, set, addresses, key);
}

/// Lists a set; lifetimes are counted from `started`, for the listing itself may take seconds.
///
/// An expired element is not in it, even before the kernel has freed it. Shortly after many elements were added or
/// removed, while the kernel resizes its table, a few may be passed over. For every datagram the kernel walks the set
/// from its beginning, so ten times as many elements take a hundred times as long: 0.2 s for 100,000.
pub(super) fn list(
    socket: &mut Socket,
    set: &str,
    started: Instant,
) -> Result<Vec<(IpAddr, Lifetime)>, NftError> {
    socket.list(
        msg::GETSETELEM,
        proto::INET,
        |w| write_set_name(w, set),
        |found: &mut Vec<_>, message| {
            let passed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            found.extend(read(message).map(|(address, lifetime)| match lifetime {
                Lifetime::Forever => (address, lifetime),
                Lifetime::Millis(left) => (address, Lifetime::Millis(left.saturating_add(passed))),
            }));
        },
    )
}

/// Asks for each of these elements; answers with its lifetime, in their order. Large questions are shared between
/// two sockets and two threads: one answer takes a microsecond, nearly all of it in the kernel.
pub(super) fn ask(
    sockets: &mut Sockets,
    set: &str,
    addresses: &[IpAddr],
) -> Result<Vec<Option<Lifetime>>, NftError> {
    let Sockets { main, helper } = sockets;
    if addresses.len() < SHARED_FROM {
        return ask_through(main, set, addresses);
    }
    let (front, back) = addresses.split_at(addresses.len() / 2);
    let (front, helped) = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("nftables-ask".to_owned());
        let helped = thread.spawn_scoped(scope, || ask_through(helper, set, back));
        (ask_through(main, set, front), helped.ok().and_then(|thread| thread.join().ok()))
    });
    let mut answers = front?;
    answers.extend(match helped {
        Some(back) => back?,
        None => ask_through(main, set, back)?, // no thread could be had
    });
    Ok(answers)
}

fn ask_through(
    socket: &mut Socket,
    set: &str,
    addresses: &[IpAddr],
) -> Result<Vec<Option<Lifetime>>, NftError> {
    let mut answers = vec![None; addresses.len()];
    let mut questions = Writer::default();
    for (round, answers) in addresses.chunks(QUESTIONS_PER_ROUND).zip(answers.chunks_mut(QUESTIONS_PER_ROUND))
    {
        questions.clear();
        for address in round {
            let one = std::slice::from_ref(address);
            write(&mut questions, msg::GETSETELEM, 0, set, one, |w, address| write_key(w, *address));
        }
        socket.ask(&mut questions, |number, message| {
            if let (Some(answer), Some((_, lifetime))) = (answers.get_mut(number), read(message).next()) {
                *answer = Some(lifetime);
            }
        })?;
    }
    Ok(answers)
}

/// The elements in one message.
fn read<'a>(message: &Message<'a>) -> impl Iterator<Item = (IpAddr, Lifetime)> + use<'a> {
    message.attrs().nested(elem::LIST_ELEMENTS).filter_map(|(_, element)| {
        let element = Attrs(element);
        let key = element.nested(elem::KEY).get(expr::DATA_VALUE)?;
        let address = match key.len() {
            4 => IpAddr::from(*key.first_chunk::<4>()?),
            16 => IpAddr::from(*key.first_chunk::<16>()?),
            _ => return None,
        };
        let millis = element.get(elem::EXPIRATION).and_then(|bytes| bytes.first_chunk().copied());
        let lifetime = millis.map_or(Lifetime::Forever, |bytes| Lifetime::Millis(u64::from_be_bytes(bytes)));
        Some((address, lifetime))
    })
}

fn write<T>(
    w: &mut Writer,
    kind: u8,
    flags: u16,
    set: &str,
    elements: &[T],
    mut fill: impl FnMut(&mut Writer, &T),
) {
    for chunk in elements.chunks(ELEMENTS_PER_MESSAGE) {
        w.message(kind, flags, proto::INET, |w| {
            write_set_name(w, set);
            w.nest(elem::LIST_ELEMENTS, |w| {
                for element in chunk {
                    w.nest(elem::LIST_ELEM, |w| fill(w, element));
                }
            });
        });
    }
}

fn write_set_name(w: &mut Writer, set: &str) {
    w.text(elem::LIST_TABLE, TABLE);
    w.text(elem::LIST_SET, set);
}

fn write_key(w: &mut Writer, address: IpAddr) {
    w.nest(elem::KEY, |w| match address {
        IpAddr::V4(v4) => w.bytes(expr::DATA_VALUE, &v4.octets()),
        IpAddr::V6(v6) => w.bytes(expr::DATA_VALUE, &v6.octets()),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nftables::wire::Messages;

    #[test]
    fn what_is_written_is_read_back_in_messages_that_fit() {
        let elements: Vec<(IpAddr, Lifetime)> = (0..2_500_u32)
            .map(|n| {
                let address = if n % 2 == 0 {
                    IpAddr::from((0xc000_0200 + n).to_be_bytes())
                } else {
                    IpAddr::from((0x2001_0db8_u128 << 96 | u128::from(n)).to_be_bytes())
                };
                (
                    address,
                    if n % 3 == 0 { Lifetime::Forever } else { Lifetime::Millis(u64::MAX - u64::from(n)) },
                )
            })
            .collect();
        let mut w = Writer::default();
        add(&mut w, &"x".repeat(100), &elements);
        assert!(!w.is_too_long());
        assert_eq!(w.ends().len(), 3);
        let back: Vec<_> = Messages(w.as_bytes()).flat_map(|m| read(&m)).collect();
        assert_eq!(back, elements);
    }

    #[test]
    fn an_element_has_the_bytes_that_nft_gives_it() {
        let mut w = Writer::default();
        add(&mut w, "s", &["192.0.2.7".parse().map(|a| (a, Lifetime::Forever)).unwrap()]);
        // From `nft --debug=mnl add element inet stockade s '{ 192.0.2.7 }'`, flags and numbers aside.
        let golden: &[u8] = b"\x0d\0\x01\0stockade\0\0\0\0\x06\0\x02\0s\0\0\0\x14\0\x03\x80\x10\0\x01\x80\
            \x0c\0\x01\x80\x08\0\x01\0\xc0\0\x02\x07";
        if cfg!(target_endian = "little") {
            assert_eq!(&w.as_bytes()[20..], golden);
        }
    }

    #[test]
    fn a_lifetime_never_becomes_for_ever_by_rounding() {
        let at = Timestamp::from_millis;
        assert_eq!(Lifetime::between(at(10), at(11)), Some(Lifetime::Millis(MIN_LIFETIME_MS)));
        assert_eq!(Lifetime::between(at(10), at(10)), None);
        assert_eq!(Lifetime::between(at(10), Timestamp::MIN), None);
        assert_eq!(Lifetime::between(at(10), at(60_010)), Some(Lifetime::Millis(60_000)));
        assert_eq!(Lifetime::between(at(10), Timestamp::MAX), Some(Lifetime::Forever));
        assert_eq!(Lifetime::between(Timestamp::MIN, at(1)), Some(Lifetime::Forever));
    }
}
