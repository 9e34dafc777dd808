//! Every bound of a replay, with its unit: together they keep it under 50 MB whatever the size of the logs.

/// How many pairs of address and jail are told apart, in the report and in the windows together of all jails. Beyond
/// it those go that did least; [`super::Note::OffendersDropped`] tells how many.
pub const MAX_OFFENDERS: usize = 50_000;

/// How many bans are remembered at once. Beyond it those go that ended, or would end, first;
/// [`super::Note::BansForgotten`] tells how many.
pub const MAX_BANS: usize = 28_000;

/// How many user names of one offender are told by name.
pub const MAX_USERS: usize = 10;

/// How many more user names of one offender are told apart, to be counted.
pub const MAX_MORE_USERS: usize = 1_000;

/// How many user names that are only counted are told apart, for all offenders together.
pub const MAX_MORE_USERS_TOTAL: usize = 250_000;

/// The longest user name that is told, in bytes; the rest is cut.
pub const MAX_USER_BYTES: usize = 64;

/// How much text all different user names may have together, in bytes; those that come later are only counted.
pub const MAX_USER_TEXT_BYTES: usize = 2 << 20;

/// How many different user names are told by name; those that come later are only counted.
pub const MAX_USER_NAMES: usize = 100_000;

/// How much memory the logs may need that are read side by side, in bytes. Several logs are put together by time as far as
/// this goes; more of them are counted apart, and [`super::Note::CountedApart`] says so.
pub const SIDE_BY_SIDE_BYTES: usize = 12 << 20;

/// How many lines at either end of a block are looked at for a date, to find out which time the log spans.
pub(super) const SPAN_LINES: usize = 8;
