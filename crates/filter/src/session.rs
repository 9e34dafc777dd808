//! Connection memory: what the earlier lines of one connection said.
//!
//! sshd writes the user in one line and the address in another; only together they prove something. The lines share
//! the text of `<F-MLFID>`, such as ` host sshd[4242]: `. The rules are fail2ban's (its `mlfid` cache), with three
//! differences: age is measured in the log's own time, so that a replay gives the same answers as the daemon; more
//! connections are remembered at once; and a line that says of itself that it is no failure (`<F-NOFAIL>`,
//! `<F-MLFGAINED>`) is none either where the filter names no connections. There fail2ban counts it, although its own
//! tests take it for none.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use smallvec::SmallVec;
use stockade_core::{Key, Timestamp};

use crate::fields::{Captured, Who};

/// How many connections are remembered; the one that began first goes. fail2ban keeps 100.
pub(crate) const MAX_CONNECTIONS: usize = 1024;
/// How long after its first line a connection is remembered.
pub(crate) const MAX_AGE: std::time::Duration = std::time::Duration::from_secs(300);
/// How many different users of one connection are told apart.
const MAX_USERS: usize = 8;
/// The longest user name that is remembered for the later lines of a connection, in bytes.
const MAX_USER_BYTES: usize = 128;

/// The connections of one filter in one stream.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// A ring: the next place to use is the one that was used longest ago.
    slots: Vec<Session>,
    next: usize,
    /// Hash of the connection's id -> its place in `slots`.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

#[derive(Debug)]
struct Session {
    /// The hash of the connection's id; `None` in a place that is free.
    id: Option<u64>,
    began: Timestamp,
    offset: u64,
    who: Who,
    user: Vec<u8>,
    users: SmallVec<[u64; 2]>,
    /// A failure was seen and no address yet.
    pending: bool,
}

/// What a line means, given its connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is a failure of this key.
    Failure(Key),
    /// It only helps, or waits for an address.
    Nothing,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), next: 0, index: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }

    /// Puts a line into its connection and says what it means. `user` receives the user, if one is known.
    pub(crate) fn merge(
        &mut self,
        line: &Captured<'_>,
        time: Timestamp,
        offset: u64,
        user: &mut Vec<u8>,
    ) -> Meaning {
        user.clear();
        let Some(connection) = line.connection else {
            return alone(line, user);
        };
        let id = self.hasher.hash_one(connection);
        let at =
            self.find(id).filter(|&at| self.slots.get(at).is_some_and(|s| time.since(s.began) <= MAX_AGE));
        let known = at.is_some();
        if !known && line.forget {
            // Its only line is its last one: nothing to remember.
            return alone(line, user);
        }
        let at = at.unwrap_or_else(|| self.begin(id, time, offset));
        let name = line.user().map(|name| (self.hasher.hash_one(name), name));
        let Some(session) = self.slots.get_mut(at) else { return Meaning::Nothing };
        if let Some((hash, name)) = name {
            if !session.users.contains(&hash) && session.users.len() < MAX_USERS {
                session.users.push(hash);
            }
            session.user.clear();
            session.user.extend_from_slice(name.get(..MAX_USER_BYTES).unwrap_or(name));
        }
        if line.gained && known {
            session.pending = false;
        }
        session.who.learn(line);
        // A second user on one connection, or a failure still waiting for its address, outweighs what excuses a line.
        let suspicious = std::mem::take(&mut session.pending) || session.users.len() > 1;
        let excused = (line.nofail || line.gained) && !suspicious;
        let meaning = if excused {
            Meaning::Nothing
        } else {
            let key = session.who.key();
            session.pending = key.is_none();
            key.map_or(Meaning::Nothing, Meaning::Failure)
        };
        user.extend_from_slice(&session.user);
        if line.forget {
            self.end(at);
        }
        meaning
    }

    /// Where the earliest connection began that may still say something at `now`.
    pub(crate) fn earliest_offset(&self, now: Timestamp) -> Option<u64> {
        self.slots.iter().filter(|s| s.id.is_some() && now.since(s.began) <= MAX_AGE).map(|s| s.offset).min()
    }

    fn find(&self, id: u64) -> Option<usize> {
        let slots = &self.slots;
        let same = |&at: &u32| slots.get(at as usize).is_some_and(|session| session.id == Some(id));
        self.index.find(id, same).map(|&at| at as usize)
    }

    /// A place for a new connection, taken from the one that began first when all are in use.
    fn begin(&mut self, id: u64, time: Timestamp, offset: u64) -> usize {
        if let Some(stale) = self.find(id) {
            self.end(stale);
        }
        let at = self.next;
        self.next = (at + 1) % MAX_CONNECTIONS;
        if at < self.slots.len() {
            self.end(at);
        } else {
            self.slots.push(Session {
                id: None,
                began: time,
                offset,
                who: Who::default(),
                user: Vec::new(),
                users: SmallVec::new(),
                pending: false,
            });
        }
        if let Some(session) = self.slots.get_mut(at) {
            session.id = Some(id);
            session.began = time;
            session.offset = offset;
        }
        let slots = &self.slots;
        // `at` is below MAX_CONNECTIONS.
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        let rehash = |&at: &u32| slots.get(at as usize).and_then(|session| session.id).unwrap_or(0);
        self.index.insert_unique(id, place, rehash);
        at
    }

    fn end(&mut self, at: usize) {
        let Some(session) = self.slots.get_mut(at) else { return };
        if let Some(id) = session.id.take()
            && let Ok(found) = self.index.find_entry(id, |&other| other as usize == at)
        {
            found.remove();
        }
        session.who = Who::default();
        session.user.clear();
        session.users.clear();
        session.pending = false;
    }
}

/// What a line means that no other line belongs to.
fn alone(line: &Captured<'_>, user: &mut Vec<u8>) -> Meaning {
    user.extend(line.user().unwrap_or_default());
    match line.key() {
        Some(key) if !line.nofail && !line.gained => Meaning::Failure(key),
        _ => Meaning::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const ADDR: &str = "192.0.2.1";

    fn line<'t>(connection: &'t str, user: Option<&'t str>, addr: bool) -> Captured<'t> {
        Captured {
            connection: Some(connection.as_bytes()),
            user: user.map(str::as_bytes),
            ip4: addr.then(|| ADDR.parse::<IpAddr>().unwrap()),
            ..Captured::default()
        }
    }

    fn failures(lines: &[Captured<'_>]) -> Vec<bool> {
        let mut sessions = Sessions::new();
        let mut user = Vec::new();
        let mut offset = 0;
        lines
            .iter()
            .map(|line| {
                offset += 1;
                let time = Timestamp::from_secs(i64::try_from(offset).unwrap());
                sessions.merge(line, time, offset, &mut user) == Meaning::Failure(ADDR.parse().unwrap())
            })
            .collect()
    }

    fn nofail(line: Captured<'_>) -> Captured<'_> {
        Captured { nofail: true, ..line }
    }

    #[test]
    fn a_failure_waits_for_its_address() {
        let lines =
            [line("a", Some("root"), false), nofail(line("a", None, true)), nofail(line("a", None, true))];
        assert_eq!(failures(&lines), [false, true, false]);
    }

    #[test]
    fn a_helper_brings_the_address_of_a_later_failure() {
        let lines =
            [nofail(line("a", None, true)), line("a", Some("root"), false), line("b", Some("root"), false)];
        assert_eq!(failures(&lines), [false, true, false]);
    }

    #[test]
    fn success_clears_what_was_pending() {
        let gained = Captured { gained: true, ..line("a", None, true) };
        let lines = [line("a", None, false), gained, nofail(line("a", None, true))];
        assert_eq!(failures(&lines), [false, false, false]);
    }

    #[test]
    fn a_second_user_makes_even_success_a_failure() {
        let gained = Captured { gained: true, ..line("a", Some("admin"), true) };
        assert_eq!(failures(&[nofail(line("a", Some("root"), true)), gained]), [false, true]);
    }

    #[test]
    fn the_end_of_a_connection_is_its_end() {
        let bye = Captured { forget: true, ..nofail(line("a", None, true)) };
        let lines = [nofail(line("a", Some("root"), true)), bye, line("a", None, false)];
        assert_eq!(failures(&lines), [false, false, false]);
    }

    #[test]
    fn who_a_line_names_itself_is_meant() {
        let other: Key = "2001:db8::7".parse().unwrap();
        let own = Captured { ip6: Some("2001:db8::7".parse().unwrap()), ..line("a", None, false) };
        let (mut sessions, mut user) = (Sessions::new(), Vec::new());
        sessions.merge(&nofail(line("a", None, true)), Timestamp::from_secs(0), 0, &mut user);
        assert_eq!(
            sessions.merge(&own, Timestamp::from_secs(1), 1, &mut user),
            Meaning::Failure(other.clone())
        );
        let later = line("a", Some("root"), false);
        assert_eq!(sessions.merge(&later, Timestamp::from_secs(2), 2, &mut user), Meaning::Failure(other));
    }

    #[test]
    fn the_memory_is_bounded_and_old_connections_go() {
        let mut sessions = Sessions::new();
        let mut user = Vec::new();
        for n in 0..5_000_u32 {
            let id = format!("sshd[{n}]");
            sessions.merge(&nofail(line(&id, None, true)), Timestamp::from_secs(0), u64::from(n), &mut user);
        }
        assert_eq!(sessions.slots.len(), MAX_CONNECTIONS);
        assert_eq!(sessions.index.len(), MAX_CONNECTIONS);
        assert_eq!(sessions.earliest_offset(Timestamp::from_secs(1)), Some(5_000 - 1_024));
        assert_eq!(sessions.earliest_offset(Timestamp::from_secs(301)), None);
        let late = line("sshd[4999]", None, false);
        assert_eq!(sessions.merge(&late, Timestamp::from_secs(301), 0, &mut user), Meaning::Nothing);
    }
}
