//! When a jail bans and for how long: `maxretry`, `findtime`, `bantime` and how it grows.

use std::num::NonZeroU32;
use std::time::Duration;

use stockade_core::{BanTime, Growth, Threshold};
use stockade_filter::conf;
use stockade_filter::conf::value::TimeSpan;

use super::options::Options;
use crate::limits::MAX_MULTIPLIERS;
use crate::problem::{ProblemKind, cut};

/// fail2ban's formula, without blanks.
const FORMULA: &str = "ban.Time*(1<<(ban.Countifban.Count<20else20))*banFactor";

/// `maxretry` and `findtime`; `default` where they are not set.
pub(super) fn threshold(options: &mut Options<'_>, default: Threshold) -> Threshold {
    Threshold {
        maxretry: maxretry(options).unwrap_or(default.maxretry),
        findtime: positive(options, "findtime").unwrap_or(default.findtime),
    }
}

/// `bantime`: -1 is for ever.
pub(super) fn bantime(options: &mut Options<'_>, default: BanTime) -> BanTime {
    match options.jail.time("bantime") {
        Some(TimeSpan::Forever) => BanTime::Forever,
        _ => positive(options, "bantime").map_or(default, BanTime::For),
    }
}

/// `bantime` in seconds, -1 for ever, for the commands of actions. What is wrong with it is told elsewhere.
pub(super) fn bantime_seconds(jail: &conf::Jail) -> i64 {
    match jail.time("bantime") {
        Some(TimeSpan::Forever) => -1,
        Some(time) => time.duration().map_or(-1, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX)),
        None => 600,
    }
}

/// `bantime.increment` and its companions.
pub(super) fn growth(options: &mut Options<'_>) -> Option<Growth> {
    if !options.flag("bantime.increment") {
        return None;
    }
    let multipliers = multipliers(options);
    formula(options, multipliers.is_empty());
    let maxtime = match options.jail.time("bantime.maxtime") {
        Some(TimeSpan::Forever) => None,
        _ => positive(options, "bantime.maxtime"),
    };
    Some(Growth {
        factor: number(options, "bantime.factor").unwrap_or(1.0),
        multipliers,
        maxtime,
        rndtime: rndtime(options),
        overalljails: options.flag("bantime.overalljails"),
        seed: 0,
    })
}

fn maxretry(options: &mut Options<'_>) -> Option<NonZeroU32> {
    let value = options.get("maxretry")?;
    // What is no number at all was reported when the jail was read.
    let number = options.jail.integer("maxretry")?;
    let maxretry = u32::try_from(number).ok().and_then(NonZeroU32::new);
    if maxretry.is_none() {
        options.error("maxretry", value, ProblemKind::bad_value("a whole number above zero", value.text()));
    }
    maxretry
}

/// A length of time above zero.
fn positive(options: &mut Options<'_>, key: &str) -> Option<Duration> {
    let value = options.get(key)?;
    let time = options.jail.time(key)?;
    match time.duration() {
        Some(span) if !span.is_zero() => Some(span),
        _ => {
            let expected = match key {
                "findtime" => "a length of time above zero",
                _ => "a length of time above zero, or -1 for no end",
            };
            options.error(key, value, ProblemKind::bad_value(expected, value.text()));
            None
        }
    }
}

fn rndtime(options: &mut Options<'_>) -> Duration {
    let time = options.jail.time("bantime.rndtime").map(TimeSpan::duration);
    match (time, options.get("bantime.rndtime")) {
        (Some(None), Some(value)) => {
            options.error("bantime.rndtime", value, ProblemKind::bad_value("a length of time", value.text()));
            Duration::ZERO
        }
        (time, _) => time.flatten().unwrap_or_default(),
    }
}

/// A number above zero. fail2ban evaluates an expression here.
fn number(options: &mut Options<'_>, key: &str) -> Option<f64> {
    let value = options.get(key)?;
    let number = positive_number(value.text());
    if number.is_none() {
        options.error(key, value, ProblemKind::bad_value("a number above zero", value.text()));
    }
    number
}

fn multipliers(options: &mut Options<'_>) -> Vec<f64> {
    const KEY: &str = "bantime.multipliers";
    let Some(value) = options.get(KEY) else { return Vec::new() };
    let words = value.text().split_whitespace();
    let numbers: Option<Vec<f64>> = words.take(MAX_MULTIPLIERS + 1).map(positive_number).collect();
    match numbers {
        Some(numbers) if numbers.len() <= MAX_MULTIPLIERS => numbers,
        _ => {
            let expected = format!("numbers above zero, at most {MAX_MULTIPLIERS}, such as `1 2 4 8`");
            options.error(KEY, value, ProblemKind::bad_value(expected, value.text()));
            Vec::new()
        }
    }
}

/// Only fail2ban's own formula can be used; with multipliers there is none.
fn formula(options: &mut Options<'_>, used: bool) {
    const KEY: &str = "bantime.formula";
    let Some(value) = options.get(KEY) else { return };
    if !used {
        options.warn(KEY, value, ProblemKind::NoEffect { reason: "`bantime.multipliers` is set" });
    } else if value.text().split_whitespace().collect::<String>() != FORMULA {
        options.error(KEY, value, ProblemKind::Formula { formula: cut(value.text()) });
    }
}

fn positive_number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)
}
