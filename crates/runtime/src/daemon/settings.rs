//! What commands ask about settings and change of them.

use std::path::Path;

use stockade_config::{Config, JailConfig, LogLevel};
use stockade_core::{BanTime, Key, Match, MatchId};
use stockade_filter::UseDns;
use stockade_source::JournalMatch;

use super::assembly::{Assembled, lookups};
use super::engine::{End, Engine};
use super::live::{Effect, Live, apply};
use crate::control::{DaemonChange, DaemonSettings, JailChange, JailDetail, Response};

/// The stream of failures that are reported by command.
pub(super) const REPORTED: &str = "command";
/// How many lines one report may have.
const MAX_REPORTED_LINES: usize = 1000;

impl Engine<'_> {
    /// A jail's numbers and settings.
    pub(super) fn jail_detail(&self, name: &str) -> Result<JailDetail, Response> {
        let at = self.turn.find_jail(name)?;
        let config = self.assembled.configs.get(at).ok_or_else(|| refused("this jail has no settings"))?;
        Ok(self.detail(at, config, &self.turn.live.get(at).cloned().unwrap_or_default()))
    }

    /// Changes a setting of a jail. `Some` if everything must be built anew for it.
    pub(super) fn set_jail(
        &mut self,
        name: &str,
        change: &JailChange,
    ) -> Result<(JailDetail, Option<End>), Response> {
        let at = self.turn.find_jail(name)?;
        let mut fresh = self.config.clone();
        let jail = fresh.jails.iter_mut().find(|jail| *jail.jail.name == *name);
        let jail = jail.ok_or_else(|| refused("this jail has no settings"))?;
        let mut live = self.turn.live.get(at).cloned().unwrap_or_default();
        let effect = apply(change, jail, &mut live).map_err(|why| refused(&why))?;
        let jail = jail.clone();
        let mut detail = self.detail(at, &jail, &live);
        match change {
            JailChange::AddLog { glob, .. } if !detail.files.contains(glob) => {
                detail.files.push(glob.clone());
            }
            JailChange::RemoveLog { glob } if detail.files.contains(glob) => {
                let known = &self.config.jail(name).map(|jail| &jail.logpaths);
                if known.is_some_and(|known| known.iter().all(|path| path.glob != *glob)) {
                    return Err(refused(&format!(
                        "`{glob}` is read because a pattern of `logpath` leads to it"
                    )));
                }
                detail.files.retain(|file| file != glob);
            }
            _ => {}
        }
        tracing::info!(jail = name, ?change, "changed by command until the next reload");
        if effect == Effect::Rebuild {
            self.check(&fresh)?;
            if let Some(kept) = self.turn.live.get_mut(at) {
                *kept = live;
            }
            return Ok((detail, Some(End::Rebuild(Box::new(fresh)))));
        }
        self.config = fresh;
        self.take_effect(at, jail, live);
        Ok((detail, None))
    }

    /// Reads the files again for one jail alone.
    pub(super) fn reload_jail(&mut self, name: &str) -> Result<End, Response> {
        let at = self.turn.find_jail(name)?;
        let read = (self.life.load)().and_then(Config::strict).map_err(|problems| {
            refused(&format!("cannot reload `{name}`, nothing was changed:\n{problems}"))
        })?;
        let read = self.life.options.configured(read).map_err(|error| refused(&error.to_string()))?;
        let mut fresh = self.config.clone();
        if !fresh.replace_jail(name, &read) {
            return Err(refused(&format!("no such jail in the files: `{name}`")));
        }
        self.check(&fresh)?;
        if let Some(live) = self.turn.live.get_mut(at) {
            *live = Live::default();
        }
        Ok(End::Rebuild(Box::new(fresh)))
    }

    /// Leaves a jail out until the next reload.
    pub(super) fn stop_jail(&mut self, name: &str) -> Result<End, Response> {
        self.turn.find_jail(name)?;
        let mut fresh = self.config.clone();
        fresh.jails.retain(|jail| *jail.jail.name != *name);
        if fresh.jails.is_empty() {
            let hint = Some("`stockade stop` stops the daemon".to_owned());
            return Err(Response::Error { message: "cannot stop the last jail".to_owned(), hint });
        }
        self.turn.log.stopped(name);
        Ok(End::Rebuild(Box::new(fresh)))
    }

    /// Counts failures that no log tells of.
    pub(super) fn attempt(&mut self, name: &str, key: &Key, lines: &[String]) -> Result<(), Response> {
        let at = self.turn.find_jail(name)?;
        let jail = self.turn.jails.get(at).map(|jail| jail.name.clone()).unwrap_or_default();
        let now = self.turn.clock.now();
        let stream: stockade_core::StreamName = REPORTED.into();
        self.reported = self.reported.wrapping_add(1);
        let cut = |line: &str| -> Box<str> {
            let clean: String = line.chars().take(stockade_core::limits::MAX_EVIDENCE_BYTES / 4).collect();
            clean.replace(char::is_control, " ").into()
        };
        let found = Match {
            id: MatchId::derive(&jail, &stream, &now.as_millis().to_string(), self.reported, 0),
            jail,
            key: key.clone(),
            time: now,
            count: u32::try_from(lines.len().clamp(1, MAX_REPORTED_LINES)).unwrap_or(1),
            user: None,
            stream,
            line: lines.first().map_or_else(|| "reported by command".into(), |line| cut(line)),
        };
        self.turn.log.attempted(name, key, now);
        self.turn.count(vec![(at, found)]);
        Ok(())
    }

    /// Settings of the daemon.
    pub(super) fn settings(&self) -> DaemonSettings {
        let (log_file, level) = self.turn.log.place();
        let keep = &self.config.program.retention;
        DaemonSettings {
            log_file,
            log_level: level.name().to_owned(),
            store: Some(self.life.store_shown.to_owned()).filter(|store| store.starts_with('/')),
            keep_bans_seconds: keep.bans.as_secs(),
            max_matches: keep.max_matches,
        }
    }

    /// Changes settings of the daemon.
    pub(super) fn set(&mut self, change: &DaemonChange) -> Result<DaemonSettings, Response> {
        if let Some(name) = &change.log_level {
            let level = LogLevel::parse(name).ok_or_else(|| refused(&format!("no such level: `{name}`")))?;
            self.turn.log.set_level(level);
            self.config.program.fail2ban_log.level = level;
        }
        if let Some(file) = &change.log_file {
            let before = self.turn.log.place().0;
            let file = Some(file.as_path()).filter(|file| !file.as_os_str().is_empty());
            if file.is_some_and(|file| !file.is_absolute()) {
                return Err(refused("the path of a log is absolute"));
            }
            if let Err(error) = self.turn.log.set_file(file) {
                let _ = self.turn.log.set_file(before.as_deref());
                return Err(refused(&format!("cannot write the log: {error}")));
            }
            self.config.program.fail2ban_log.file = file.map(Into::into);
        }
        if let Some(seconds) = change.keep_bans_seconds {
            self.config.program.retention.bans = std::time::Duration::from_secs(seconds.max(60));
        }
        Ok(self.settings())
    }

    /// Whether a configuration can be used as a whole.
    fn check(&mut self, fresh: &Config) -> Result<(), Response> {
        self.turn.store_answers().map_err(|error| refused(&error.to_string()))?;
        let mut said = Vec::new();
        let assembled = Assembled::new(fresh, |warning| said.push(warning))
            .map_err(|error| Response::Error { message: error.to_string(), hint: error.hint() })?;
        if assembled.jails.len() < fresh.jails.len() {
            return Err(refused(&said.join("\n")));
        }
        Ok(())
    }

    /// Puts what only decides in force.
    fn take_effect(&mut self, at: usize, config: JailConfig, live: Live) {
        if let Some(ignoring) = self.turn.ignoring.get_mut(at) {
            ignoring.fixed = config.jail.ignore.clone();
            if !config.ignore_self {
                ignoring.forget_own();
            }
        }
        let seed = self.assembled.seed;
        if let (Some(jail), Some(ignoring)) = (self.turn.jails.get_mut(at), self.turn.ignoring.get(at)) {
            jail.threshold = config.jail.threshold;
            jail.bantime = config.jail.bantime;
            jail.growth.clone_from(&config.jail.growth);
            jail.growth.iter_mut().for_each(|growth| growth.seed = seed);
            jail.ignore = ignoring.set();
        }
        let wanted = lookups(&config);
        if let Some(known) = self.assembled.lookups.get_mut(at).filter(|known| **known != wanted) {
            *known = wanted.clone();
            let _ = self.replace_lookups.send((at, wanted));
        }
        if let Some(known) = self.assembled.configs.get_mut(at) {
            *known = config;
        }
        if let Some(known) = self.turn.live.get_mut(at) {
            *known = live;
        }
    }

    fn detail(&self, at: usize, config: &JailConfig, live: &Live) -> JailDetail {
        let now = self.turn.clock.now();
        let jail = &config.jail;
        let horizon = now.minus(jail.threshold.findtime);
        let failing = self.turn.states.windows(at).map_or(0, |windows| {
            windows
                .iter()
                .filter(|(_, window)| window.newest().is_some_and(|newest| newest >= horizon))
                .count()
        });
        let tally = self.turn.tally.jail(at);
        let live_bans = self.turn.states.bans.iter().filter(|(_, ban)| ban.live && ban.jail == at).count();
        let streams = self.turn.tally.streams.iter().filter(|(_, t)| t.jails.contains(&jail.name));
        let (open, others): (Vec<_>, Vec<_>) =
            streams.map(|(stream, _)| stream.to_string()).partition(|stream| stream.starts_with('/'));
        // Those that are named one by one are told in that order, and before they are opened.
        let named = config.logpaths.iter().map(|path| &path.glob).filter(|glob| Path::new(glob).exists());
        let mut files: Vec<String> = if others.is_empty() { named.cloned().collect() } else { Vec::new() };
        for file in open {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        // Regexes are told by themselves.
        let short = |key: &str| !key.ends_with("regex") && key != "datepattern";
        let rows = self.config.origin_table().iter();
        let rows = rows.filter(|row| *row.section == *jail.name && short(&row.key));
        let mut options: std::collections::BTreeMap<String, String> =
            rows.map(|row| (row.key.clone(), row.value.clone())).collect();
        options.extend(live.options.clone());
        let filter = config.filter.as_ref();
        let texts = |list: &[stockade_filter::Source]| list.iter().map(|one| one.text.clone()).collect();
        JailDetail {
            name: jail.name.clone(),
            failing: failing as u64,
            matches: tally.matches,
            live_bans: live_bans as u64,
            bans: tally.bans + tally.restored,
            reads_journal: files.is_empty() && (!others.is_empty() || config.logpaths.is_empty()),
            files,
            journalmatch: config.journalmatch.iter().flat_map(|line| journal_words(line)).collect(),
            idle: live.idle,
            ignore_self: config.ignore_self,
            ignore: ignored(config),
            ignore_command: config.ignore_command.clone(),
            findtime_seconds: jail.threshold.findtime.as_secs(),
            bantime_seconds: match jail.bantime {
                BanTime::Forever => None,
                BanTime::For(span) => Some(span.as_secs()),
            },
            maxretry: jail.threshold.maxretry.get(),
            maxlines: filter.map_or(1, |filter| filter.maxlines as u64),
            usedns: match filter.map(|filter| filter.usedns) {
                Some(UseDns::Yes) => "warn",
                Some(UseDns::Raw) => "raw",
                _ => "no",
            }
            .to_owned(),
            prefregex: filter.and_then(|filter| filter.prefregex.as_ref()).map(|regex| regex.text.clone()),
            failregex: filter.map(|filter| texts(&filter.failregex)).unwrap_or_default(),
            ignoreregex: filter.map(|filter| texts(&filter.ignoreregex)).unwrap_or_default(),
            datepattern: filter.and_then(|filter| filter.datepattern.clone()),
            zone: config.zone.clone(),
            responders: config.responders.clone(),
            options,
        }
    }
}

/// `ignoreip` as it is listed: networks, host names, files, addresses; each sort in order.
fn ignored(config: &JailConfig) -> Vec<String> {
    let mut keys: Vec<Key> = config.jail.ignore.iter().collect();
    keys.sort();
    let (addresses, others): (Vec<Key>, Vec<Key>) =
        keys.into_iter().partition(|key| matches!(key, Key::Addr(_)));
    let files = config.ignore_files.iter().map(|file| format!("file:{}", file.display()));
    let listed = others.iter().map(ToString::to_string).chain(config.ignore_hosts.iter().cloned());
    listed.chain(files).chain(addresses.iter().map(ToString::to_string)).collect()
}

/// The alternatives of a line of `journalmatch`.
fn journal_words(line: &str) -> Vec<Vec<String>> {
    let Ok(parsed) = JournalMatch::parse(line) else { return Vec::new() };
    let words: Vec<String> = parsed.arguments().map(str::to_owned).collect();
    words.split(|word| word == "+").map(<[String]>::to_vec).collect()
}

fn refused(message: &str) -> Response {
    Response::Error { message: message.to_owned(), hint: None }
}
