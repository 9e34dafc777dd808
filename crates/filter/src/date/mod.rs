//! Dates: finding the one of a line, and what instant it is.
//!
//! ```
//! use stockade_core::Timestamp;
//! use stockade_filter::date::{DateReader, Zone};
//!
//! let mut reader = DateReader::new(None, Zone::parse("Europe/Berlin")?)?;
//! let line = b"Jun 14 12:00:00 host sshd[42]: Failed password for root from 192.0.2.7 port 4242 ssh2";
//! let found = reader.find(line, Timestamp::from_secs(1_781_500_000)).expect("a date");
//! assert_eq!(found.time, Some(Timestamp::from_secs(1_781_431_200)));
//! assert_eq!(found.cut, 0..15);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The language is fail2ban's: its 17 default templates and every form of `datepattern`. A line goes through three
//! stations, each exact, each slower than the one before:
//!
//! 1. the **memo**: the line begins like the last one, so its date is the same (`memo`);
//! 2. the **readers** written by hand for syslog, ISO 8601 and Apache (`fast`), where nothing else can match (`plan`);
//! 3. the **templates** on linear-time regex engines (`set`): one lazy DFA over all that are bound to the start of the
//!    line (`anchored`), a second engine for those that are not; then the winner alone takes its match apart
//!    (`template`).
//!
//! # Differences from fail2ban
//!
//! | what | fail2ban | here |
//! |---|---|---|
//! | which template wins | depends on the lines before | depends on the line alone: as a detector without history |
//! | words, digits, letters | Unicode | ASCII; any byte may stand in a line, a letter outside of ASCII ends a word |
//! | how far a date may be | anywhere in the line | within the first [`DATE_WINDOW_BYTES`] |
//! | years of `%ExY` | 2000 to this decade | 2000 to 2099 |
//! | second 60, 61 | unreadable | the next minute |
//! | year or day inferred beside a zone | from the machine's clock, so at times a day off | from the clock of the date's zone |
//! | `z`, `utc`, `gmt` | found, but unreadable | UTC |
//! | local times that occur twice or never | up to the C library | see [`Zone`] |
//! | named zones, POSIX rules as `logtimezone` | refused | with daylight saving, see [`Zone`] |
//! | lookaround, atomic groups, conditionals | run | refused with a reason; backreferences to a few texts are written out |
//! | several lines that are the same | refused | one counts |

mod abbrev;
mod anchored;
mod backref;
mod civil;
mod clock;
mod defaults;
mod emit;
mod error;
mod fast;
mod fields;
mod list;
mod marks;
mod memo;
mod node;
mod offset;
mod plan;
mod reader;
mod resolve;
mod set;
mod syntax;
mod template;
mod token;
mod translate;
mod zone;

pub use error::{DatePatternError, ZoneError};
pub use reader::{DateReader, FoundDate};
pub use set::DATE_WINDOW_BYTES;
pub use zone::Zone;

#[cfg(test)]
mod tests;
