//! Notices to tell.

use std::sync::Arc;
use std::time::Duration;

use stockade_core::ports::{Evidence, Notice, Standing};
use stockade_core::{Decision, Key, Match, MatchId, Reason, Timestamp, Verdict};
use stockade_respond::notice::{About, Book, Limits, Severity};

pub(crate) fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000).plus(Duration::from_secs(secs))
}

pub(crate) fn book() -> Arc<Book> {
    let about = About {
        description: "Who stops a trail".into(),
        severity: Severity::High,
        playbook: Some("P01".into()),
    };
    Arc::new(Book { rules: [(Arc::from("trail-stopped"), about)].into(), host: "web01".into() })
}

/// Everything at once, as much as wanted.
pub(crate) fn unlimited() -> Limits {
    Limits { group: Duration::ZERO, messages: 1_000_000, per: Duration::from_secs(1), waits: true }
}

/// What a rule found in an event of CloudTrail.
pub(crate) fn notice(key: &str, actor: &str, secs: u64) -> Notice {
    let line = serde_json::json!({
        "rule": "trail-stopped", "name": "StopLogging", "source": "cloudtrail.amazonaws.com",
        "account": "111122223333", "region": "eu-central-1", "actor": actor, "address": "203.0.113.7",
    });
    let id = MatchId::derive("trail-stopped", key, actor, secs, 0);
    let key = Key::parse_addr_or_net(key).unwrap_or_else(|| Key::name(key));
    let found = Match {
        id,
        jail: "trail-stopped".into(),
        key: key.clone(),
        time: at(secs),
        count: 1,
        user: None,
        stream: "queue".into(),
        line: line.to_string().into(),
    };
    let decision = Decision {
        jail: "trail-stopped".into(),
        key,
        verdict: Verdict::Notify,
        at: at(secs),
        reason: Reason::Match { id },
        nth: 0,
    };
    Notice { decision, matches: vec![found] }
}

pub(crate) fn ban(jail: &str, key: &str, secs: u64) -> Standing {
    Standing { jail: jail.into(), key: key.parse().unwrap(), until: at(secs) }
}

pub(crate) fn after(failures: u32) -> Evidence {
    let findtime = Duration::from_secs(600);
    let reason = Some(Reason::Threshold { matches: failures, findtime });
    Evidence { since: at(0), nth: 2, failures, reason, ..Evidence::default() }
}
