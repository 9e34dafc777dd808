//! How fail2ban lays out a line, a date and a length of time.

use std::time::Duration;

use jiff::tz::TimeZone;
use stockade_config::LogLevel;
use stockade_core::Timestamp;

/// A whole line: local time to the millisecond, the part of the program, the process, the level, the message. What
/// could end the line or confuse a terminal is taken out of the message.
pub(super) fn line(
    zone: &TimeZone,
    now: jiff::Timestamp,
    part: &str,
    pid: u32,
    level: LogLevel,
    message: &str,
) -> String {
    let date = now.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S");
    let millis = now.as_millisecond().rem_euclid(1000);
    let name = format!("fail2ban.{part}");
    let level = level.name().to_uppercase();
    let message = message.replace(char::is_control, "?");
    format!("{date},{millis:03} {name:<24}[{pid}]: {level:<7} {message}\n")
}

/// A point in time: local, to the second. After the year 9999 it is its last second.
pub(super) fn date(zone: &TimeZone, time: Timestamp) -> String {
    match jiff::Timestamp::from_second(time.as_secs()) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "9999-12-31 23:59:59".to_owned(),
    }
}

/// A length of time in units that get coarser as it gets longer, as in `1w 2d 3h`.
pub(super) fn span(span: Duration) -> String {
    const DAY: u64 = 86_400;
    /// From how many seconds on, rounded to how many, in which units of that many.
    type Scale = (u64, u64, &'static [(u64, char)]);
    const SCALES: [Scale; 5] = [
        (365 * DAY, DAY, &[(365, 'y'), (7, 'w'), (1, 'd')]),
        (7 * DAY, 3600, &[(168, 'w'), (24, 'd'), (1, 'h')]),
        (DAY, 60, &[(1440, 'd'), (60, 'h'), (1, 'm')]),
        (3595, 10, &[(360, 'h'), (6, 'm')]),
        (0, 1, &[(60, 'm'), (1, 's')]),
    ];
    let seconds = span.as_secs();
    let scale = SCALES.iter().find(|(from, ..)| seconds >= *from);
    let Some((_, step, units)) = scale.filter(|_| seconds > 0) else { return "0".to_owned() };
    let (whole, rest) = (seconds / step, seconds % step * 2);
    // Half a step goes to the even neighbour.
    let mut left = whole + u64::from(rest > *step || rest == *step && whole % 2 == 1);
    let mut text = String::new();
    for (size, unit) in *units {
        let count = left / size;
        left %= size;
        if count > 0 {
            text += &format!("{}{count}{unit}", if text.is_empty() { "" } else { " " });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_fail2bans_columns() {
        let now = jiff::Timestamp::from_millisecond(1_795_301_226_007).unwrap();
        let line = |message: &str| line(&TimeZone::UTC, now, "actions", 42, LogLevel::Notice, message);
        assert_eq!(
            line("[sshd] Ban 192.0.2.7"),
            "2026-11-21 22:47:06,007 fail2ban.actions        [42]: NOTICE  [sshd] Ban 192.0.2.7\n"
        );
        assert!(line("a\nb\x1b[2Jc\u{85}d").ends_with("NOTICE  a?b?[2Jc?d\n"));
    }

    /// What `MyTime.seconds2str` of fail2ban 1.0.2 gave.
    #[test]
    fn lengths_of_time_are_rounded_as_fail2ban_does() {
        for (seconds, text) in [
            (0, "0"),
            (59, "59s"),
            (60, "1m"),
            (90, "1m 30s"),
            (600, "10m"),
            (3590, "59m 50s"),
            (3595, "1h"),
            (3600, "1h"),
            (4815, "1h 20m"),
            (86_399, "24h"),
            (86_400, "1d"),
            (176_399, "2d 1h"),
            (198_900, "2d 7h 15m"),
            (604_800, "1w"),
            (1_000_000, "1w 4d 14h"),
            (31_536_000, "1y"),
            (31_795_200, "1y 3d"),
            (33_696_000, "1y 3w 4d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }

    #[test]
    fn a_date_beyond_the_calendar_is_its_end() {
        assert_eq!(date(&TimeZone::UTC, Timestamp::from_secs(1_795_301_226)), "2026-11-21 22:47:06");
        assert_eq!(date(&TimeZone::UTC, Timestamp::MAX), "9999-12-31 23:59:59");
    }
}
