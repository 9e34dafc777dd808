//! The templates that are tried where no datepattern is set: fail2ban's 17 shapes, in its order.

use super::marks::LINE_BEGIN;

/// A fraction of a second after a full stop.
const FRACTION: &str = r"(?:\.%f)?";
/// The same, or after a comma.
const ANY_FRACTION: &str = "(?:[.,]%f)?";
/// A zone, after any white space.
const ZONE: &str = r"(?:\s*%z)?";
/// `T`, or one or two blanks, between date and time.
pub(super) const DATE_TIME: &str = "(?:T|  ?)";

/// The name of the template for seconds since the epoch; `LEPOCH` takes milli- and microseconds too.
pub(super) const EPOCH: &str = "EPOCH";
/// The name of the template for TAI64N labels.
pub(super) const TAI64N: &str = "TAI64N";

/// The place of the template that reads ISO 8601.
pub(super) const ISO: usize = 0;
/// The place of the template that reads `Jun 14 12:00:00`.
pub(super) const SYSLOG: usize = 1;
/// The place of the template that reads `31/Oct/2006:09:22:55 -0000`.
pub(super) const APACHE: usize = 4;

/// The patterns, in the order in which they are tried. Some have an anchor of their own; the others are also tried
/// anchored.
pub(super) fn patterns() -> [String; 17] {
    let month_day = format!("(?:%a )?%b %d %k:%M:%S{FRACTION}(?: %ExY)?");
    [
        format!("%ExY{}%d{DATE_TIME}%H:%M:%S{ANY_FRACTION}{ZONE}", between("%m", &["-", r"\.", "/"])),
        month_day.clone(),
        format!("(?:%a )?%b %d %ExY %k:%M:%S{FRACTION}"),
        format!("%d{}(?:%ExY|%Exy) %k:%M:%S", between("%m", &["-", "/"])),
        format!("%d{}%ExY[ :]?%H:%M:%S{FRACTION}(?: %z)?", between("%b", &["-", "/"])),
        "%m/%d/%ExY:%H:%M:%S".to_owned(),
        format!("%m-%d-%ExY %k:%M:%S{FRACTION}"),
        EPOCH.to_owned(),
        format!("{LINE_BEGIN}%H:%M:%S"),
        "^<%m/%d/%Exy@%H:%M:%S>".to_owned(),
        "%Exy%Exm%Exd  ?%H:%M:%S".to_owned(),
        "%b %d, %ExY %I:%M:%S %p".to_owned(),
        "^%b-%d-%Exy %k:%M:%S".to_owned(),
        format!("%ExY%Exm%Exd(?:-|{DATE_TIME})%ExH:?%ExM:?%ExS{ANY_FRACTION}{ZONE}"),
        format!("(?:%Z )?{month_day}"),
        format!("(?:%z )?{month_day}"),
        TAI64N.to_owned(),
    ]
}

/// A token between two separators, which are the same on both sides.
fn between(token: &str, separators: &[&str]) -> String {
    let arms: Vec<_> = separators.iter().map(|separator| format!("{separator}{token}{separator}")).collect();
    format!("(?:{})", arms.join("|"))
}
