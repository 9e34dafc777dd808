//! Connections, with all that their lines said. The rules are those of `session`, which remembers less of each: here every
//! field can be asked for.

use std::time::Duration;

use indexmap::IndexMap;
use stockade_core::Timestamp;

use super::Manner;
use super::fields::{FieldValue, Fields, MATCHES};
use super::result::LineParts;
use crate::session::{MAX_AGE, MAX_CONNECTIONS};

/// How many connections fail2ban remembers.
const FAIL2BAN_CONNECTIONS: usize = 100;
/// How many lines of a connection are kept.
const MAX_LINES: usize = 1_000;
/// How many users of a connection are told apart.
const MAX_USERS: usize = 100;

/// The lines of a connection that only help.
const HELPING: &str = "nofail-matches";
/// A failure was seen, and nobody whom it is about.
pub(super) const PENDING: &str = "mlfpending";

/// The connections of one stream.
#[derive(Debug)]
pub(super) struct Connections {
    open: IndexMap<Vec<u8>, Connection>,
    most: usize,
    /// How long after its first line a connection is remembered.
    max_age: Option<Duration>,
    /// Whether an address that a line brings takes the place of one of the other family.
    one_address: bool,
}

#[derive(Debug)]
struct Connection {
    began: Option<Timestamp>,
    fields: Fields,
}

/// A line put into its connection.
pub(super) struct Merged {
    pub(super) fields: Fields,
    /// Whether what becomes of the fields is to be remembered.
    pub(super) keep: bool,
}

impl Connections {
    pub(super) fn new(manner: Manner) -> Self {
        let (most, max_age) = match manner {
            Manner::Stockade => (MAX_CONNECTIONS, Some(MAX_AGE)),
            // It counts five minutes of its own clock, in which a whole log is read.
            Manner::Fail2ban => (FAIL2BAN_CONNECTIONS, None),
        };
        Self { open: IndexMap::new(), most, max_age, one_address: manner == Manner::Stockade }
    }

    /// Joins what a line says with what its connection said before.
    pub(super) fn merge(
        &mut self,
        id: &[u8],
        mut line: Fields,
        lines: &[LineParts],
        time: Option<Timestamp>,
    ) -> Merged {
        let gained = line.says("mlfgained");
        let mut excused = gained || line.says("nofail");
        if gained && !line.says("nofail") {
            let value = line.get("mlfgained").cloned().unwrap_or(FieldValue::Flag);
            line.set("nofail", value);
        }
        let forget = line.says("mlfforget");
        line.remove("mlfforget");
        let known = self.known(id, time);
        let is_new = known.is_none();
        let mut users = Vec::new();
        let mut fields = match known {
            Some(mut before) => {
                users = add_user(&mut before, &line);
                let helped = [before.remove("nofail"), before.remove("mlfgained")];
                if gained {
                    before.remove(PENDING);
                }
                // What was told of it before is not told again.
                if !helped.into_iter().flatten().any(|value| value.counts()) && !before.says(PENDING) {
                    before.remove(MATCHES);
                }
                if self.one_address && (line.says("ip4") || line.says("ip6")) {
                    for name in ["ip4", "ip6", "cidr"] {
                        before.remove(name);
                    }
                }
                before.overlay(line);
                before
            }
            None => {
                if !forget {
                    let own = line.clone();
                    users = add_user(&mut line, &own);
                }
                line
            }
        };
        let pending = fields.remove(PENDING).is_some();
        let mut told_gain = gained;
        if pending || users.len() > 1 {
            fields.remove("nofail");
            fields.remove("mlfgained");
            (excused, told_gain) = (false, false);
        }
        if !excused {
            let mut all = fields.take_lines(HELPING);
            if let Some(FieldValue::Lines(before)) = fields.get(MATCHES) {
                all.extend_from_slice(before);
            }
            if !told_gain {
                all.extend_from_slice(lines);
            }
            fields.set(MATCHES, FieldValue::Lines(newest(all)));
        } else if !forget {
            let mut all = match fields.get(HELPING) {
                Some(FieldValue::Lines(before)) => before.clone(),
                _ => Vec::new(),
            };
            all.extend_from_slice(lines);
            fields.set(HELPING, FieldValue::Lines(newest(all)));
        }
        if forget {
            self.open.shift_remove(id);
        } else if is_new {
            self.begin(id, time);
        }
        Merged { fields, keep: !forget }
    }

    /// Remembers what is known of a connection now.
    pub(super) fn keep(&mut self, id: &[u8], fields: &Fields) {
        if let Some(connection) = self.open.get_mut(id) {
            connection.fields = fields.clone();
        }
    }

    fn known(&mut self, id: &[u8], time: Option<Timestamp>) -> Option<Fields> {
        let connection = self.open.get(id)?;
        let age = time.zip(connection.began).map(|(now, began)| now.since(began));
        if self.max_age.zip(age).is_some_and(|(max, age)| age > max) {
            self.open.shift_remove(id);
            return None;
        }
        Some(connection.fields.clone())
    }

    fn begin(&mut self, id: &[u8], time: Option<Timestamp>) {
        if self.open.len() >= self.most {
            self.open.shift_remove_index(0);
        }
        self.open.insert(id.to_vec(), Connection { began: time, fields: Fields::default() });
    }
}

/// Adds the user of a line to those of its connection.
fn add_user(connection: &mut Fields, line: &Fields) -> Vec<Vec<u8>> {
    let mut users = match connection.get("users") {
        Some(FieldValue::Users(users)) => users.clone(),
        _ => Vec::new(),
    };
    if let Some(user) = line.text("user").filter(|user| !user.is_empty()) {
        if !users.iter().any(|known| known == user) && users.len() < MAX_USERS {
            users.push(user.to_vec());
        }
        connection.set("users", FieldValue::Users(users.clone()));
    }
    users
}

/// The newest lines, as many as are kept.
fn newest(mut lines: Vec<LineParts>) -> Vec<LineParts> {
    let surplus = lines.len().saturating_sub(MAX_LINES);
    lines.drain(..surplus);
    lines
}
