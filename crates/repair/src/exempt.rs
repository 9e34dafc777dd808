//! What is told and not repaired: for a reason, and until a day.
//!
//! An exemption of the configuration is its owner's word. A tag is the word of whoever may set tags, perhaps of the
//! attacker who is about to stop what he tagged: it counts only where it ends soon.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use stockade_core::Timestamp;

use crate::event::Actor;
use crate::playbook::{Subject, Tags};

/// Who or what is exempt. All that is said must hold; something must be said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Whom {
    /// A playbook, by its id or name.
    pub playbook: Option<String>,
    /// The ARN of a user, a role or a session; `*` stands for anything. Holds where an event names the actor.
    pub principal: Option<String>,
    /// An account.
    pub account: Option<String>,
    /// The ARN or name of a thing; `*` stands for anything.
    pub resource: Option<String>,
    /// Where the actor's call came from.
    pub source: Option<IpNet>,
    /// Not before this time: with `until` a window.
    pub from: Option<Timestamp>,
}

/// An exemption. There is none without a reason or without an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Said", into = "Said")]
pub struct Exemption {
    whom: Whom,
    until: Timestamp,
    reason: String,
}

/// An exemption that holds: its reason and its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exempt {
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
    /// Whether it came from who did it, and so is gone with the event: it is remembered for the thing.
    #[serde(default)]
    pub by_actor: bool,
}

/// Why something is no exemption.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadExemption {
    /// It gives no reason.
    #[error("an exemption needs a reason")]
    NoReason,
    /// It would exempt everything, always.
    #[error("an exemption needs a playbook, a principal, an account, a resource, a source or a window")]
    Everything,
    /// The tag names no day.
    #[error("the tag `{}` names no end: `{value}`", TAG)]
    NoEnd {
        /// The tag's value.
        value: String,
    },
    /// The tag's day is none.
    #[error("the tag `{}` names a day that is none: `{day}`", TAG)]
    BadDay {
        /// What it names.
        day: String,
    },
    /// The tag's day is too far away.
    #[error("the tag `{}` names an end that is more than {} days away: `{day}`", TAG, at_most.as_secs() / DAY)]
    TooLong {
        /// What it names.
        day: String,
        /// How far away it may be.
        at_most: Duration,
    },
}

const DAY: u64 = 24 * 60 * 60;

/// The tag by which a thing is exempt: `REASON;until=2026-12-31`.
pub const TAG: &str = "stockade:exempt";
/// Whoever writes it in a service whose tags hold no semicolon.
const SEPARATORS: [char; 5] = [';', ',', '/', ' ', ':'];

impl Exemption {
    /// An exemption of somebody or something, until a time.
    ///
    /// # Errors
    /// If the reason is empty, or nobody in particular is meant.
    pub fn new(whom: Whom, until: Timestamp, reason: &str) -> Result<Self, BadExemption> {
        if reason.trim().is_empty() {
            return Err(BadExemption::NoReason);
        }
        if whom == Whom::default() {
            return Err(BadExemption::Everything);
        }
        Ok(Self { whom, until, reason: reason.trim().to_owned() })
    }

    /// Who or what is meant.
    pub fn whom(&self) -> &Whom {
        &self.whom
    }

    /// When it ends.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Why it is.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether it is about who did something.
    pub fn is_by_actor(&self) -> bool {
        self.whom.principal.is_some() || self.whom.source.is_some()
    }

    /// Whether it holds for a finding, at a time; `playbook` is its id and its name.
    pub fn holds(
        &self,
        playbook: [&str; 2],
        subject: &Subject,
        name: &str,
        actor: Option<&Actor>,
        now: Timestamp,
    ) -> Option<Exempt> {
        let Whom { playbook: of, principal, account, resource, source, from } = &self.whom;
        let from_source = |net: &IpNet| {
            let address = actor.and_then(|actor| actor.source.parse::<std::net::IpAddr>().ok());
            address.is_some_and(|address| net.contains(&address))
        };
        let by_principal = |pattern: &String| {
            actor.is_some_and(|actor| {
                [&actor.arn, &actor.role].into_iter().any(|arn| !arn.is_empty() && like(pattern, arn))
            })
        };
        let holds = now < self.until
            && from.is_none_or(|from| from <= now)
            && of.as_ref().is_none_or(|of| playbook.contains(&of.as_str()))
            && account.as_ref().is_none_or(|account| *account == subject.place.account)
            && resource.as_ref().is_none_or(|pattern| like(pattern, &subject.id) || like(pattern, name))
            && principal.as_ref().is_none_or(by_principal)
            && source.as_ref().is_none_or(from_source);
        holds.then(|| Exempt { reason: self.reason.clone(), until: self.until, by_actor: self.is_by_actor() })
    }
}

/// The exemption that a thing's tags give it; `None` where there is none, or it is over. It may end `at_most` so far
/// from now.
///
/// # Errors
/// If the tag is there and says nothing that can be used; then nothing is exempt.
pub fn by_tag(tags: &Tags, now: Timestamp, at_most: Duration) -> Result<Option<Exempt>, BadExemption> {
    let Some(value) = tags.get(TAG) else { return Ok(None) };
    let Some((reason, day)) = value.split_once("until=") else {
        return Err(BadExemption::NoEnd { value: value.clone() });
    };
    let reason = reason.trim_matches(SEPARATORS).to_owned();
    if reason.is_empty() {
        return Err(BadExemption::NoReason);
    }
    let day = day.trim();
    let until = end_of(day).ok_or_else(|| BadExemption::BadDay { day: day.to_owned() })?;
    // A day is named by its end: one more.
    if until > now.plus(at_most).plus(Duration::from_secs(DAY)) || at_most.is_zero() {
        return Err(BadExemption::TooLong { day: day.to_owned(), at_most });
    }
    Ok((now < until).then_some(Exempt { reason, until, by_actor: false }))
}

/// A moment as it is (`2026-12-31T18:00:00Z`), or the end of a day in UTC (`2026-12-31`). None where the text is neither.
pub fn end_of(day: &str) -> Option<Timestamp> {
    if let Ok(moment) = day.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(moment.as_millisecond()));
    }
    let next = day.parse::<jiff::civil::Date>().ok()?.tomorrow().ok()?;
    let moment = next.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

/// Whether a text is as a pattern says, in which `*` stands for anything. Linear in the text for each star.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// As it is configured.
#[derive(Clone, Serialize, Deserialize)]
struct Said {
    #[serde(flatten)]
    whom: Whom,
    until: Timestamp,
    reason: String,
}

impl TryFrom<Said> for Exemption {
    type Error = BadExemption;

    fn try_from(said: Said) -> Result<Self, BadExemption> {
        Self::new(said.whom, said.until, &said.reason)
    }
}

impl From<Exemption> for Said {
    fn from(exemption: Exemption) -> Self {
        let Exemption { whom, until, reason } = exemption;
        Self { whom, until, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000); // 2026-09-21
    const UNTIL: Timestamp = Timestamp::from_secs(1_800_000_000);
    const MONTH: Duration = Duration::from_secs(31 * DAY);

    fn subject() -> Subject {
        Subject::new(
            &Place::new("111122223333", "eu-west-1"),
            "trail",
            "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main",
        )
    }

    fn holds(whom: Whom, actor: Option<&Actor>, now: Timestamp) -> bool {
        let exemption = Exemption::new(whom, UNTIL, "planned").unwrap();
        exemption.holds(["P02", "trail-deleted"], &subject(), "main", actor, now).is_some()
    }

    #[test]
    fn all_that_is_said_must_hold() {
        let pipeline = Actor {
            arn: "arn:aws:sts::111122223333:assumed-role/pipeline/run-1".into(),
            role: "arn:aws:iam::111122223333:role/pipeline".into(),
            source: "192.0.2.7".into(),
            ..Actor::default()
        };
        let by = |principal: &str| Whom { principal: Some(principal.into()), ..Whom::default() };
        assert!(holds(by("arn:aws:iam::111122223333:role/pipeline"), Some(&pipeline), NOW));
        assert!(holds(by("arn:aws:sts::*:assumed-role/pipeline/*"), Some(&pipeline), NOW));
        assert!(!holds(by("arn:aws:iam::111122223333:role/pipe"), Some(&pipeline), NOW));
        assert!(!holds(by("*"), None, NOW), "nobody is no principal");
        assert!(!holds(by("*pipeline"), Some(&pipeline), UNTIL), "over");
        let net = Whom { source: Some("192.0.2.0/24".parse().unwrap()), ..by("*/pipeline") };
        assert!(holds(net.clone(), Some(&pipeline), NOW));
        assert!(!holds(net, Some(&Actor { source: "AWS Internal".into(), ..pipeline }), NOW));
        let window = Whom { from: Some(NOW), resource: Some("*:trail/ma*n".into()), ..Whom::default() };
        assert!(holds(window.clone(), None, NOW));
        assert!(!holds(window, None, NOW.minus(std::time::Duration::from_secs(1))));
        let other = Whom { playbook: Some("P01".into()), ..Whom::default() };
        assert!(!holds(other, None, NOW));
    }

    #[test]
    fn none_without_reason_end_or_object() {
        assert_eq!(Exemption::new(Whom::default(), UNTIL, "x"), Err(BadExemption::Everything));
        let whom = Whom { account: Some("1".into()), ..Whom::default() };
        assert_eq!(Exemption::new(whom, UNTIL, " "), Err(BadExemption::NoReason));
        assert!(serde_json::from_str::<Exemption>(r#"{"account": "1", "reason": "x"}"#).is_err());
        assert!(serde_json::from_str::<Exemption>(r#"{"account": "1", "reason": "x", "until": 5}"#).is_ok());
    }

    #[test]
    fn tags_need_a_reason_and_a_day() {
        let tag = |value: &str| by_tag(&Tags::from([(TAG.to_owned(), value.to_owned())]), NOW, MONTH);
        let held = tag("being retired;until=2026-09-30").unwrap().unwrap();
        assert_eq!(
            (held.reason.as_str(), held.until),
            ("being retired", Timestamp::from_secs(1_790_812_800))
        );
        assert!(tag("being retired / until=2026-09-30").unwrap().is_some(), "services without semicolons");
        assert_eq!(tag("x;until=2026-09-20"), Ok(None), "over");
        assert!(tag("x;until=2026-09-21").unwrap().is_some(), "the day counts to its end");
        for bad in ["", "x", "until=2026-12-31", "x;until=", "x;until=soon", "x;until=2026-02-30"] {
            assert!(tag(bad).is_err(), "{bad}");
        }
        assert_eq!(by_tag(&Tags::new(), NOW, MONTH), Ok(None));
    }

    #[test]
    fn whoever_may_set_tags_exempts_nothing_for_ever() {
        let tag =
            |value: &str, at_most| by_tag(&Tags::from([(TAG.to_owned(), value.to_owned())]), NOW, at_most);
        assert!(tag("x;until=2026-10-22", MONTH).unwrap().is_some());
        for far in ["2026-10-23", "2099-12-31", "9999-12-30T00:00:00Z"] {
            let bad = tag(&format!("x;until={far}"), MONTH).unwrap_err();
            assert!(bad.to_string().contains("more than 31 days away"), "{bad}");
        }
        assert!(tag("x;until=2026-09-21", Duration::ZERO).is_err(), "no tag exempts anything");
    }

    #[test]
    fn patterns_are_anchored() {
        for (pattern, text, want) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("*", "", true),
            ("a", "ab", false),
            ("*b*", "abc", true),
            ("a*b*b", "ab", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(like(pattern, text), want, "{pattern} {text}");
        }
    }
}
