//! The lines of a snapshot.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stockade_core::{Key, Timestamp};

use crate::wire::column::{end_in, end_of};
use crate::wire::notice::tidy;
use crate::wire::{MAX_ID_BYTES, MAX_JAIL_BYTES, Notice, Told};

/// How the last line begins; no ban does.
pub(super) const END: &[u8] = b"{\"end\":";

/// The first line.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    #[serde(rename = "stockade-bans")]
    pub(super) version: u32,
    pub(super) made: i64,
}

/// The last line.
#[derive(Serialize, Deserialize)]
pub(super) struct End {
    #[serde(rename = "end")]
    pub(super) bans: u64,
    pub(super) crc32: u32,
}

/// A ban.
#[derive(Serialize, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub(super) jail: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) key: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) nth: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) failures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default, borrow)]
    pub(super) reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", default, borrow)]
    pub(super) id: Option<Cow<'a, str>>,
}

impl<'a> Line<'a> {
    /// What the line says of a ban; `None` for what is no line of a snapshot: an unban, a name.
    pub(super) fn of(notice: &'a Notice) -> Option<Self> {
        let Told::Ban { until } = notice.told else { return None };
        if notice.key.to_net().is_none() || notice.jail.is_empty() || notice.jail.len() > MAX_JAIL_BYTES {
            return None;
        }
        Some(Self {
            jail: notice.jail.as_ref().into(),
            key: notice.key.to_string().into(),
            until: until.map(end_in),
            at: notice.at.map(Timestamp::as_millis),
            version: notice.version,
            nth: notice.nth,
            failures: notice.failures,
            reason: notice.reason.as_deref().map(Into::into),
            id: notice.id.as_deref().map(Into::into),
        })
    }
}

impl Line<'_> {
    pub(super) fn notice(&self, names: &mut Names) -> Result<Notice, &'static str> {
        if self.jail.is_empty() || self.jail.len() > MAX_JAIL_BYTES {
            return Err("no name of a jail");
        }
        if self.id.as_ref().is_some_and(|id| id.len() > MAX_ID_BYTES) {
            return Err("the id is too long");
        }
        let key = Key::parse_addr_or_net(&self.key).ok_or("not an address or network")?;
        Ok(Notice {
            jail: names.jails.one(&self.jail),
            key,
            told: Told::Ban { until: self.until.map(end_of) },
            at: self.at.map(Timestamp::from_millis),
            version: self.version,
            nth: self.nth,
            failures: self.failures,
            reason: self.reason.as_deref().and_then(|reason| names.reasons.tidied(reason)),
            id: self.id.as_deref().and_then(tidy),
        })
    }
}

/// Texts that come again and again, kept once.
#[derive(Default)]
pub(super) struct Names {
    jails: Last,
    reasons: Last,
}

/// The last text: neighbours are mostly alike.
#[derive(Default)]
pub(super) struct Last(Option<Arc<str>>);

impl Last {
    fn one(&mut self, text: &str) -> Arc<str> {
        match &self.0 {
            Some(last) if **last == *text => Arc::clone(last),
            _ => Arc::clone(self.0.insert(text.into())),
        }
    }

    fn tidied(&mut self, text: &str) -> Option<Arc<str>> {
        match &self.0 {
            Some(last) if **last == *text => Some(Arc::clone(last)),
            _ => tidy(text).inspect(|tidied| self.0 = Some(Arc::clone(tidied))),
        }
    }
}
