//! Captured values in the notation of Python, as `--out row` has them.

use stockade_core::Timestamp;
use stockade_filter::conf::dump::python_text;
use stockade_filter::trial::{FieldValue, Fields, Id, LineParts, TrialDate};

/// A value.
pub(crate) fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Nothing => "None".to_owned(),
        FieldValue::Text(text) => bytes(text),
        FieldValue::Tuple(parts) => tuple(parts),
        FieldValue::Users(users) => {
            let users: Vec<String> = users.iter().map(|user| bytes(user)).collect();
            format!("{{{}}}", users.join(", "))
        }
        FieldValue::Lines(lines) => {
            let lines: Vec<String> = lines.iter().map(parts).collect();
            format!("[{}]", lines.join(", "))
        }
        FieldValue::Address(text) => python_text(text),
        FieldValue::Flag => "1".to_owned(),
    }
}

/// A value as `print` shows it: a text without quotes.
pub(crate) fn shown(field: &FieldValue) -> String {
    match field {
        FieldValue::Text(text) => String::from_utf8_lossy(text).into_owned(),
        FieldValue::Address(text) => text.clone(),
        other => value(other),
    }
}

/// Fields, but for those named.
pub(crate) fn fields(fields: &Fields, without: &str) -> String {
    let fields = fields.iter().filter(|(name, _)| *name != without);
    let fields: Vec<String> =
        fields.map(|(name, field)| format!("{}: {}", python_text(name), value(field))).collect();
    format!("{{{}}}", fields.join(", "))
}

/// An id: in quotes, or as a tuple.
pub(crate) fn id(id: &Id) -> String {
    match id {
        Id::Key(key) => python_text(&key.to_string()),
        Id::Tuple(parts) => tuple(parts),
        Id::Pending => "None".to_owned(),
    }
}

/// An id as `print` shows it.
pub(crate) fn shown_id(id: &Id) -> String {
    match id {
        Id::Key(key) => key.to_string(),
        Id::Tuple(parts) => tuple(parts),
        Id::Pending => "None".to_owned(),
    }
}

/// A time: a whole number if the line says its zone, else with a fraction.
pub(crate) fn time(time: Option<Timestamp>, date: Option<&TrialDate>, template: Option<&str>) -> String {
    let Some(time) = time else { return "None".to_owned() };
    let (seconds, millis) = (time.as_secs(), time.as_millis().rem_euclid(1000));
    if date.zip(template).is_some_and(|(date, template)| says_zone(&date.text, template)) {
        return seconds.to_string();
    }
    let fraction = format!("{millis:03}");
    let fraction = fraction.trim_end_matches('0');
    format!("{seconds}.{}", if fraction.is_empty() { "0" } else { fraction })
}

/// Whether a date names its zone. That it may is in the template, that it does at its end or beginning.
fn says_zone(date: &[u8], template: &str) -> bool {
    if template.contains("TAI64N") {
        return true;
    }
    if !["%z", "%Z", "%Exz", "%ExZ"].iter().any(|token| template.contains(token)) {
        return false;
    }
    let text = String::from_utf8_lossy(date);
    let offset = |end: &str| {
        let sign = end.rfind(['+', '-']).and_then(|at| end.get(at + 1..));
        sign.is_some_and(|digits| {
            let plain = digits.chars().filter(|c| *c != ':').count();
            matches!(plain, 2 | 4) && digits.chars().all(|c| c.is_ascii_digit() || c == ':')
        })
    };
    let first = text.split(' ').next().unwrap_or_default();
    text.ends_with(['Z', 'C', 'T'])
        || offset(&text)
        || (template.contains("(?:%Z )?") && first.len() >= 3 && text.split(' ').count() > 3)
        || (template.contains("(?:%z )?") && first.starts_with(['+', '-', 'Z', 'U', 'G']))
}

fn parts(line: &LineParts) -> String {
    format!("({}, {}, {})", bytes(&line.before), bytes(&line.date), bytes(&line.after))
}

fn tuple(parts: &[Option<Vec<u8>>]) -> String {
    let parts: Vec<String> =
        parts.iter().map(|part| part.as_ref().map_or("None".to_owned(), |part| bytes(part))).collect();
    format!("({})", parts.join(", "))
}

fn bytes(bytes: &[u8]) -> String {
    python_text(&String::from_utf8_lossy(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_date_that_names_its_zone_is_whole() {
        let shown = |text: &str, template: &str| {
            let date = TrialDate { text: text.into(), time: None, template: 0, at: 0 };
            time(Some(Timestamp::from_millis(1_500)), Some(&date), Some(template))
        };
        let iso = r"%ExY-%m-%d[T ]%H:%M:%S(?:\s*%z)?";
        assert_eq!(shown("2026-11-21 10:00:04", iso), "1.5");
        assert_eq!(shown("2026-11-21T10:00:04Z", iso), "1");
        assert_eq!(shown("2026-11-21T10:00:04+01:00", iso), "1");
        assert_eq!(shown("2026-11-21T10:00:04 -0100", iso), "1");
        assert_eq!(shown("2026-11-21", "%Y-%m-%d"), "1.5");
        assert_eq!(time(Some(Timestamp::from_secs(7)), None, None), "7.0");
        assert_eq!(time(None, None, None), "None");
    }
}
