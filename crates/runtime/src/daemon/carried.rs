//! What outlives one life of the daemon and is not stored: what was counted, what commands changed, the second log.

use std::path::Path;

use stockade_config::Config;
use stockade_core::Jails;

use super::live::Live;
use super::tally::Tally;
use super::turn::Turn;

/// What the next life goes on with, besides what is stored.
pub(super) struct Carried {
    pub(super) jails: Jails,
    pub(super) tally: Tally,
    pub(super) live: Vec<Live>,
}

impl Carried {
    /// For a life with the settings of the files.
    pub(super) fn without_changes(self) -> Self {
        Self { live: Vec::new(), ..self }
    }

    /// To the turn of the next life; jails that are new to it begin at nothing.
    pub(super) fn give_to(self, turn: &mut Turn) {
        let Self { jails, tally, live } = self;
        turn.tally = tally.carry_over(&jails, &turn.jails);
        for (jail, mine) in turn.jails.iter().zip(&mut turn.live) {
            if let Some(kept) = jails.find(&jail.name).and_then(|at| live.get(at)) {
                mine.clone_from(kept);
            }
        }
    }
}

/// Opens the log in fail2ban's format, or again, or no more.
pub(super) fn begin_log(config: &Config, turn: &Turn, first: bool) {
    let stockade_config::Fail2banLog { file, level } = &config.program.fail2ban_log;
    let log = &turn.log;
    if first || log.place() != (file.clone(), *level) {
        log.set_level(*level);
        if let Err(error) = log.set_file(file.as_deref()) {
            let file = file.as_deref().unwrap_or(Path::new(""));
            tracing::warn!(file = %file.display(), %error, "cannot write the log in fail2ban's format");
        }
    }
    log.reopen();
    if first {
        log.server(&format!("Starting Stockade v{}", env!("CARGO_PKG_VERSION")));
        turn.jails.iter().for_each(|jail| log.started(&jail.name));
    }
}
