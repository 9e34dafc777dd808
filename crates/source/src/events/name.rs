//! What the name of a file, or the key of an object, tells: what CloudTrail delivered there, and when.
//!
//! `[prefix/]AWSLogs/[o-ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz`,
//! and the same with `CloudTrail-Digest` or `CloudTrail-Insight` in the place of `CloudTrail`, with seconds for digests.

use stockade_core::Timestamp;

use super::shape::NoEvent;

/// What a file is, from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A log file of CloudTrail.
    Log,
    /// Something else that CloudTrail delivers.
    NoEvent(NoEvent),
    /// Something that may hold JSON: `.json`, `.jsonl`, `.ndjson`, packed or not.
    Json,
    /// The name tells nothing.
    Unknown,
}

/// A name taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName {
    /// What it is.
    pub kind: FileKind,
    /// When CloudTrail delivered it; its records are older, by minutes as a rule.
    pub time: Option<Timestamp>,
}

const PACKED: [&str; 3] = [".gz", ".zst", ".xz"];
const JSON: [&str; 3] = [".json", ".jsonl", ".ndjson"];

impl FileName {
    /// Of a path or key, with `/` between its parts.
    pub fn of(path: &str) -> Self {
        let mut parts = path.rsplit('/');
        let name = parts.next().unwrap_or_default();
        let of_file = name.split('_').nth(1).and_then(delivered);
        let unpacked = PACKED.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let is_json = JSON.iter().any(|end| unpacked.ends_with(end));
        let time = of_file.and_then(|_| name.rsplit('_').find_map(time));
        let kind = match of_file.or_else(|| parts.find_map(delivered).filter(|kind| *kind != FileKind::Log)) {
            Some(kind) if is_json => kind,
            _ if is_json => FileKind::Json,
            _ => FileKind::Unknown,
        };
        Self { kind, time }
    }
}

/// What the part of a name says that begins with `CloudTrail`.
fn delivered(part: &str) -> Option<FileKind> {
    match part.strip_prefix("CloudTrail")? {
        "" => Some(FileKind::Log),
        "-Digest" => Some(FileKind::NoEvent(NoEvent::Digest)),
        "-Insight" => Some(FileKind::NoEvent(NoEvent::Insight)),
        other if other.starts_with("-Aggregat") => Some(FileKind::NoEvent(NoEvent::Aggregated)),
        // What comes later: its content will tell.
        other if other.starts_with('-') => Some(FileKind::Log),
        _ => None,
    }
}

/// `20261101T0405Z` or `20261101T040506Z`.
fn time(part: &str) -> Option<Timestamp> {
    let (date, clock) = part.split('.').next()?.strip_suffix('Z')?.split_once('T')?;
    let number = |text: &str, from: usize| -> Option<i64> {
        let digits = text.get(from..from + 2)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    if date.len() != 8 || !matches!(clock.len(), 4 | 6) {
        return None;
    }
    let (year, month, day) = (number(date, 0)? * 100 + number(date, 2)?, number(date, 4)?, number(date, 6)?);
    let (hour, minute) = (number(clock, 0)?, number(clock, 2)?);
    let second = if clock.len() == 6 { number(clock, 4)? } else { 0 };
    let valid =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    valid.then(|| Timestamp::from_secs(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar: years that begin in March, in eras of 400.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_was_delivered_and_when() {
        let folder = "logs/AWSLogs/o-abc123/111122223333";
        let of = |path: &str| {
            let name = FileName::of(&format!("{folder}/{path}"));
            (name.kind, name.time.map(Timestamp::as_secs))
        };
        assert_eq!(
            of(
                "CloudTrail/us-east-2/2015/08/01/111122223333_CloudTrail_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz"
            ),
            (FileKind::Log, Some(1_438_395_000))
        );
        let digest = "CloudTrail-Digest/us-east-2/2015/08/17/111122223333_CloudTrail-Digest_us-east-2_my_trail_us-east-2_20150817T040728Z";
        let kind = FileKind::NoEvent(NoEvent::Digest);
        assert_eq!(of(&format!("{digest}.json.gz")), (kind, Some(1_439_784_448)));
        assert_eq!(of(&format!("{digest}_backfill.json.gz")), (kind, Some(1_439_784_448)));
        let insight = "CloudTrail-Insight/eu-west-1/2026/02/29/111122223333_CloudTrail-Insight_eu-west-1_20260228T2359Z_abcdefghijklmnop.json.gz";
        assert_eq!(of(insight).0, FileKind::NoEvent(NoEvent::Insight));
        assert_eq!(of("CloudTrail-Digest/renamed.json.gz"), (kind, None));
        assert_eq!(of("CloudTrail-Aggregated/x.json.gz").0, FileKind::NoEvent(NoEvent::Aggregated));
        assert_eq!(of("CloudTrail-NetworkActivity/x.json.gz").0, FileKind::Json);
        assert_eq!(of("1_CloudTrail-NetworkActivity_x_20260101T0000Z_y.json.gz").0, FileKind::Log);
    }

    #[test]
    fn other_names() {
        let of = |path: &str| FileName::of(path);
        let plain = |kind| FileName { kind, time: None };
        for path in ["events.jsonl", "a/b.json.gz", "CloudTrail/x.ndjson.zst", "20260101T0000Z.json"] {
            assert_eq!(of(path), plain(FileKind::Json), "{path}");
        }
        for path in ["", "photo.jpg", "events", "a/CloudTrail-Digest/ELB.log.gz"] {
            assert_eq!(of(path), plain(FileKind::Unknown), "{path}");
        }
        for time in ["20261301T0000Z", "20260101T2400Z", "2026010aT0000Z", "20260101T000Z", "20260101T+1-1Z"]
        {
            assert_eq!(of(&format!("1_CloudTrail_r_{time}_x.json.gz")), plain(FileKind::Log), "{time}");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (date, wanted) in
            [((1970, 1, 1), 0), ((2000, 2, 29), 11_016), ((2000, 3, 1), 11_017), ((1969, 12, 31), -1)]
        {
            assert_eq!(days(date.0, date.1, date.2), wanted, "{date:?}");
        }
    }
}
