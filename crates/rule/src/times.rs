//! When an event happened.

use jiff::civil::DateTime;
use stockade_core::Timestamp;

/// Longer texts are no times.
const MAX_TIME_BYTES: usize = 64;

/// Reads a time as AWS writes it (`2022-11-15T22:58:13Z`), and as programs that store events do (`2022-11-15 22:58:13.355`,
/// without a zone: UTC).
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if text.len() > MAX_TIME_BYTES {
        return None;
    }
    let text = text.trim();
    let time: jiff::Timestamp = match text.parse() {
        Ok(time) => time,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(),
    };
    Some(Timestamp::from_millis(time.as_millisecond()))
}

/// A time as EventBridge's envelopes have it: whole seconds, UTC.
pub(crate) fn text(time: Timestamp) -> Option<String> {
    Some(jiff::Timestamp::from_second(time.as_secs()).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_in_which_events_have_times() {
        for form in [
            "2022-11-15T22:58:13Z",
            "2022-11-15 22:58:13",
            "2022-11-15 22:58:13.000",
            "2022-11-15T22:58:13.000Z",
            "2022-11-15T22:58:13+00:00",
            "2022-11-15T23:58:13+01:00",
            " 2022-11-15T22:58:13Z\n",
        ] {
            assert_eq!(parse(form), Some(Timestamp::from_secs(1_668_553_093)), "{form}");
        }
        assert_eq!(parse("2022-11-15 22:58:13.355"), Some(Timestamp::from_millis(1_668_553_093_355)));
        assert_eq!(text(Timestamp::from_millis(1_668_553_093_355)).as_deref(), Some("2022-11-15T22:58:13Z"));
    }

    #[test]
    fn what_is_no_time() {
        let long = format!("2022-11-15T22:58:13{}Z", " ".repeat(100));
        for text in ["", "now", "2022", "22:58:13", "2022-13-15T22:58:13Z", "1668553093", &long] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(text(Timestamp::MAX), None);
    }
}
