//! The answer of a scan as comma-separated values: a line of names, then one line per address and jail.

use std::io::{self, Write};

use super::Answer;
use crate::output::csv::record;
use crate::output::raw;
use crate::output::text::shown;
use crate::output::time::utc;

/// The names of the columns. They are interface: columns are only added, at the end.
const COLUMNS: [&str; 10] =
    ["key", "jail", "matches", "first", "last", "bans", "banned_from", "banned_until", "users", "more_users"];

/// An end that never comes.
const FOREVER: &str = "forever";

pub(super) fn print(answer: &Answer<'_>) -> io::Result<()> {
    let mut out = raw();
    record(&mut out, COLUMNS)?;
    for offender in answer.offenders().0 {
        let time = |time| utc(time).unwrap_or_else(|| FOREVER.to_owned());
        let (matches, bans) = (offender.matches().to_string(), offender.bans().to_string());
        let from = offender.first_ban().map(|ban| time(ban.from)).unwrap_or_default();
        let until = offender.last_ban().map(|ban| time(ban.until)).unwrap_or_default();
        let users = offender.users().map(shown).collect::<Vec<_>>().join(";");
        let more = offender.more_users().0.to_string();
        let key = shown(&offender.key().to_string()).into_owned();
        let (first, last) = (time(offender.first()), time(offender.last()));
        let fields =
            [&key, offender.jail(), &matches, &first, &last, &bans, &from, &until, &users, more.as_str()];
        record(&mut out, fields)?;
    }
    out.flush()
}
