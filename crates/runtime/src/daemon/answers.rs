//! Answers to the commands.

use stockade_core::{Key, Reason, Timestamp, step};

use super::turn::Turn;
use crate::control::{
    Change, JailStatus, LiveBan, ResponderStatus, Response, SourceStatus, Standing, Status, Why,
};

/// What a responder's thread last said of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    /// What is wrong now.
    pub(crate) problem: Option<String>,
    /// Why it does less than it was configured to, from the start on.
    pub(crate) reduced: Option<String>,
}

impl Turn {
    /// How everything is.
    pub(crate) fn status(&self, store: &str, responders: Vec<ResponderStatus>) -> Status {
        let totals = self.tally.totals();
        let source =
            |(stream, tally): (&stockade_core::StreamName, &super::tally::StreamTally)| SourceStatus {
                stream: stream.to_string(),
                jails: tally.jails.clone(),
                lines: tally.lines,
                skew_seconds: tally.skew_seconds,
                problem: tally.problem.clone(),
            };
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: self.tally.since,
            responders,
            sources: self.tally.streams.iter().map(source).collect(),
            store: store.to_owned(),
            lines: self.tally.lines,
            matches: totals.matches,
            bans: totals.bans,
            live_bans: self.states.bans.live() as u64,
            refused: self.tally.refused,
            outbox: self.waiting(),
            warnings: self.tally.all_warnings(),
        }
    }

    /// The jails with their numbers.
    pub(crate) fn jail_status(&self, configs: &[stockade_config::JailConfig]) -> Vec<JailStatus> {
        let mut live = vec![0_u64; self.jails.len()];
        for (_, ban) in self.states.bans.iter().filter(|(_, ban)| ban.live) {
            if let Some(count) = live.get_mut(ban.jail) {
                *count += 1;
            }
        }
        let one = |(at, jail): (usize, &stockade_core::Jail)| {
            let tally = self.tally.jail(at);
            let config = configs.get(at);
            let streams = self.tally.streams.iter().filter(|(_, t)| t.jails.contains(&jail.name));
            JailStatus {
                name: jail.name.clone(),
                filter: config.and_then(|c| c.filter.as_ref()).map(|filter| filter.name.to_string()),
                maxretry: jail.threshold.maxretry.get(),
                findtime_seconds: jail.threshold.findtime.as_secs(),
                bantime_seconds: match jail.bantime {
                    stockade_core::BanTime::Forever => None,
                    stockade_core::BanTime::For(span) => Some(span.as_secs()),
                },
                streams: streams.map(|(stream, _)| stream.to_string()).collect(),
                watching: self.states.windows(at).map_or(0, |windows| windows.len() as u64),
                matches: tally.matches,
                live_bans: live.get(at).copied().unwrap_or(0),
                bans: tally.bans,
                ports: config.map(|c| c.scope.ports.clone()).unwrap_or_default(),
                responders: self.responders_of.get(at).cloned().unwrap_or_default(),
            }
        };
        self.jails.iter().enumerate().map(one).collect()
    }

    /// The live bans, the first to end first.
    pub(crate) fn live_bans(&self, jail: Option<&str>) -> Result<Vec<LiveBan>, Response> {
        let only = jail.map(|name| self.find_jail(name)).transpose()?;
        let wanted = |ban: &stockade_core::bans::Ban| ban.live && only.is_none_or(|only| only == ban.jail);
        let mut bans: Vec<LiveBan> = self
            .states
            .bans
            .iter()
            .filter(|(_, ban)| wanted(ban))
            .filter_map(|(key, ban)| self.live_ban(key, ban))
            .collect();
        bans.sort_by(|a, b| {
            (a.until.unwrap_or(Timestamp::MAX), &a.key, &a.jail).cmp(&(
                b.until.unwrap_or(Timestamp::MAX),
                &b.key,
                &b.jail,
            ))
        });
        Ok(bans)
    }

    /// Bans by hand.
    pub(crate) fn ban(
        &mut self,
        keys: &[Key],
        jail: Option<&str>,
        span: Option<stockade_core::BanTime>,
        note: &str,
    ) -> Result<Vec<Change>, Response> {
        let at = match jail {
            Some(name) => self.find_jail(name)?,
            None => {
                let ordinary = |jail: &stockade_core::Jail| jail.feed == stockade_core::Feed::Matches;
                self.jails.iter().position(ordinary).ok_or_else(|| Response::Error {
                    message: "cannot ban: no jail is enabled".to_owned(),
                    hint: Some("enable one in jail.local".to_owned()),
                })?
            }
        };
        let now = self.clock.now();
        let one = |key: &Key| {
            let jail = self.jails.get(at).map(|jail| jail.name.clone()).unwrap_or_default();
            let ignored = self.jails.get(at).and_then(|jail| jail.ignore.covering(key));
            let decision = step::ban_by_hand(&self.jails, &mut self.states, at, key, span, note, now);
            let (done, note) = match decision {
                None => (false, ignored.map_or("ignored".to_owned(), |by| format!("ignored by `{by}`"))),
                Some(decision) => {
                    let until = match decision.verdict {
                        stockade_core::Verdict::Ban { until, .. } => crate::show_time(until),
                        _ => String::new(),
                    };
                    match self.decide(decision, false, now) {
                        Some(reason) => (false, format!("refused: {reason}")),
                        None => (true, format!("banned until {until}")),
                    }
                }
            };
            Change { key: key.clone(), jail, done, note }
        };
        Ok(keys.iter().map(one).collect())
    }

    /// Unbans by hand.
    pub(crate) fn unban(
        &mut self,
        keys: &[Key],
        all: bool,
        jail: Option<&str>,
        note: &str,
    ) -> Result<Vec<Change>, Response> {
        let only = jail.map(|name| self.find_jail(name)).transpose()?;
        let now = self.clock.now();
        let in_question =
            |ban: &stockade_core::bans::Ban| ban.live && only.is_none_or(|only| only == ban.jail);
        let targets: Vec<(usize, Key)> = if all {
            self.states
                .bans
                .iter()
                .filter(|(_, b)| in_question(b))
                .map(|(key, b)| (b.jail, key.clone()))
                .collect()
        } else {
            let of = |key: &Key| -> Vec<(usize, Key)> {
                self.states
                    .bans
                    .of(key)
                    .iter()
                    .filter(|b| in_question(b))
                    .map(|b| (b.jail, key.clone()))
                    .collect()
            };
            keys.iter().flat_map(of).collect()
        };
        let mut changes = Vec::new();
        for (at, key) in &targets {
            let reason = Reason::Manual { note: note.to_owned() };
            if let Some(decision) = step::end(&self.jails, &mut self.states, *at, key, now, reason) {
                let jail = decision.jail.clone();
                self.decide(decision, false, now);
                changes.push(Change { key: key.clone(), jail, done: true, note: "unbanned".to_owned() });
            }
        }
        for key in keys.iter().filter(|key| !targets.iter().any(|(_, other)| other == *key)) {
            let jail = jail.unwrap_or_default().into();
            changes.push(Change { key: key.clone(), jail, done: false, note: "not banned".to_owned() });
        }
        Ok(changes)
    }

    /// All that is known of a key.
    pub(crate) fn why(&mut self, key: &Key, limit: usize) -> Result<Why, Response> {
        let now = self.clock.now();
        let guarded = self.guards.protects(key, now);
        let one = |(at, jail): (usize, &stockade_core::Jail)| {
            let (counted, maxretry, findtime) = step::progress(&self.jails, &self.states, at, key, now)?;
            let last = self.states.bans.get(at, key);
            let ignored = jail.ignore.covering(key).map(|by| format!("ignoreip: {by}"));
            Some(Standing {
                jail: jail.name.clone(),
                ignored_by: ignored.or_else(|| guarded.clone()),
                counted: u32::try_from(counted).unwrap_or(u32::MAX),
                maxretry,
                findtime_seconds: findtime.as_secs(),
                ban: last.filter(|ban| ban.live).and_then(|ban| self.live_ban(key, ban)),
                times_banned: last.map_or(0, |ban| ban.times),
            })
        };
        let jails = self.jails.iter().enumerate().filter_map(one).collect();
        let matches = self.store.matches_of(key, limit).map_err(store_error)?;
        let decisions = self.store.decisions(Some(key), limit).map_err(store_error)?;
        Ok(Why { key: key.clone(), jails, matches, decisions })
    }

    fn live_ban(&self, key: &Key, ban: &stockade_core::bans::Ban) -> Option<LiveBan> {
        Some(LiveBan {
            key: key.clone(),
            jail: self.jails.get(ban.jail)?.name.clone(),
            since: ban.since,
            until: (ban.until != Timestamp::MAX).then_some(ban.until),
            nth: ban.times,
            reason: ban.reason.to_string(),
        })
    }

    pub(crate) fn find_jail(&self, name: &str) -> Result<usize, Response> {
        self.jails.find(name).ok_or_else(|| {
            let known: Vec<&str> = self.jails.iter().map(|jail| &*jail.name).collect();
            Response::Error {
                message: format!("no such jail: `{name}`"),
                hint: Some(format!("the enabled jails are: {}", known.join(", "))),
            }
        })
    }
}

fn store_error(error: stockade_core::ports::StoreError) -> Response {
    Response::Error { message: error.message, hint: error.hint }
}
