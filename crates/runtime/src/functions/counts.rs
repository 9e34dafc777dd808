//! What a function counts: one line of CloudWatch's embedded metric format for each invocation.

use std::time::Duration;

use serde_json::{Map, Value, json};
use stockade_core::Timestamp;

use super::role::Role;
use super::table::Units;

/// The namespace of the metrics.
const NAMESPACE: &str = "Stockade";

macro_rules! counts {
    ($($(#[$doc:meta])+ $field:ident = $name:literal,)+) => {
        /// What one invocation counted.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])+ pub $field: u64,)+
        }

        impl Counts {
            /// Every number with the name of its metric.
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$(($name, self.$field)),+]
            }
        }
    };
}

counts! {
    /// Records: envelopes, or changes of the table.
    records = "Records",
    /// Log events.
    events = "Events",
    /// Lines of log events.
    lines = "Lines",
    /// Matches that a jail counts.
    matches = "Matches",
    /// Matches of keys that a jail ignores.
    ignored = "Ignored",
    /// New bans that were put and announced.
    bans = "Bans",
    /// Bans that were made longer.
    extensions = "Extensions",
    /// Bans that ended.
    unbans = "Unbans",
    /// Notices that were given, and repairs that were made.
    notices = "Notices",
    /// Objects that were read to their end.
    objects = "Objects",
    /// Bans that a guard refused.
    refused = "Refused",
    /// Envelopes of log groups that no filter reads.
    unknown_groups = "UnknownLogGroups",
    /// Payloads and records that cannot be read.
    bad_payloads = "BadPayloads",
    /// Events that cannot be read.
    bad_events = "BadEvents",
    /// Events that were there twice.
    repeated = "RepeatedEvents",
    /// Lines that were too long to be judged.
    overlong = "OverlongLines",
    /// Lines on which a regex took too many steps.
    exhausted = "StoppedRegexes",
    /// Events whose clock is wrong beyond what CloudWatch Logs accepts.
    wrong_clocks = "WrongClocks",
    /// Host names that were not looked up in time.
    late_names = "LateNames",
    /// Bans that another function put first, so that it was decided again.
    races = "Races",
    /// Records that are given back, to be delivered again.
    failed = "FailedRecords",
    /// Announcements that did not work; `expire` repeats them.
    unannounced = "FailedAnnouncements",
    /// Announcements that repeat one that was not confirmed.
    repeats = "RepeatedAnnouncements",
    /// Live bans in the snapshot.
    live = "LiveBans",
}

impl Counts {
    /// The line that CloudWatch makes metrics of. What is zero is left out, but for what alarms look at.
    pub fn metric_line(&self, role: Role, now: Timestamp, took: Duration, units: Option<Units>) -> String {
        const ALWAYS: [&str; 6] =
            ["Events", "Matches", "Bans", "UnknownLogGroups", "BadPayloads", "FailedRecords"];
        let mut metrics = Vec::new();
        let mut line = Map::new();
        let mut put = |name: &str, unit: &str, value: Value| {
            metrics.push(json!({"Name": name, "Unit": unit}));
            line.insert(name.to_owned(), value);
        };
        for (name, value) in self.named() {
            if value > 0 || ALWAYS.contains(&name) {
                put(name, "Count", value.into());
            }
        }
        if let Some(units) = units {
            put("WriteUnits", "Count", json!(units.write));
            put("ReadUnits", "Count", json!(units.read));
        }
        put("Duration", "Milliseconds", json!(took.as_secs_f64() * 1000.0));
        line.insert("Role".to_owned(), role.name().into());
        let about = json!({
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["Role"]], "Metrics": metrics}],
        });
        line.insert("_aws".to_owned(), about);
        Value::Object(line).to_string()
    }

    /// The numbers above zero, for an answer.
    pub(super) fn summary(&self) -> Value {
        let above = self.named().into_iter().filter(|(_, value)| *value > 0);
        Value::Object(above.map(|(name, value)| (snake(name), value.into())).collect())
    }
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_what_cloudwatch_reads() {
        let counts = Counts { events: 3, repeated: 1, ..Counts::default() };
        let units = Some(Units { write: 2.0, read: 0.5 });
        let line =
            counts.metric_line(Role::Filter, Timestamp::from_millis(7), Duration::from_micros(1500), units);
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["_aws"]["Timestamp"], 7);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Role"]]));
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        assert_eq!(
            (&line["Events"], &line["RepeatedEvents"], &line["BadPayloads"]),
            (&json!(3), &json!(1), &json!(0))
        );
        assert_eq!((&line["Role"], &line["WriteUnits"]), (&json!("cloudwatch_filter"), &json!(2.0)));
        assert!(line.get("Races").is_none());
        assert_eq!(counts.summary(), json!({"events": 3, "repeated_events": 1}));
    }
}
