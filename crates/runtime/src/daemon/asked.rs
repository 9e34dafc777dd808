//! What commands ask of the running daemon.

use stockade_config::Config;

use super::assembly::Assembled;
use super::engine::{End, Engine};
use crate::control::{Asked, Request, ResponderStatus, Response};

/// How much evidence one answer holds at most.
const MAX_WHY_LINES: usize = 1000;

impl Engine<'_> {
    /// Answers a command. `Some` if it ends this life.
    pub(super) fn answer(&mut self, asked: Asked) -> Option<End> {
        let Asked { request, reply } = asked;
        let or_error = |result: Result<Response, Response>| result.unwrap_or_else(|error| error);
        let mut end = None;
        let response = match request {
            Request::Ping => done("pong"),
            Request::Status => {
                Response::Status(Box::new(self.turn.status(self.life.store_shown, self.responder_status())))
            }
            Request::Jails => Response::Jails { jails: self.turn.jail_status(&self.assembled.configs) },
            Request::Bans { jail } => {
                or_error(self.turn.live_bans(jail.as_deref()).map(|bans| Response::Bans { bans }))
            }
            Request::Ban { keys, jail, span, reason } => {
                let changed = self.turn.ban(&keys, jail.as_deref(), span, &reason);
                or_error(changed.map(|changes| Response::Changed { changes }))
            }
            Request::Unban { keys, all, jail, reason } => {
                let changed = self.turn.unban(&keys, all, jail.as_deref(), &reason);
                or_error(changed.map(|changes| Response::Changed { changes }))
            }
            Request::Why { key, limit } => {
                // What was found but not yet stored belongs to the answer.
                self.turn.commit();
                or_error(
                    self.turn.why(&key, limit.min(MAX_WHY_LINES)).map(|why| Response::Why(Box::new(why))),
                )
            }
            Request::Reload => match self.reload() {
                Ok(reload) => {
                    end = Some(reload);
                    done("configuration reloaded")
                }
                Err(response) => response,
            },
            Request::Jail { jail } => {
                or_error(self.jail_detail(&jail).map(|detail| Response::Jail(Box::new(detail))))
            }
            Request::SetJail { jail, change } => {
                or_error(self.set_jail(&jail, &change).map(|(detail, rebuild)| {
                    end = rebuild;
                    Response::Jail(Box::new(detail))
                }))
            }
            Request::ReloadJail { jail } => or_error(self.reload_jail(&jail).map(|reload| {
                end = Some(reload);
                done("jail reloaded")
            })),
            Request::StopJail { jail } => or_error(self.stop_jail(&jail).map(|rebuild| {
                end = Some(rebuild);
                done("jail stopped")
            })),
            Request::Attempt { jail, key, lines } => {
                or_error(self.attempt(&jail, &key, &lines).map(|()| done("counted")))
            }
            Request::Settings => Response::Settings(self.settings()),
            Request::Set { change } => or_error(self.set(&change).map(Response::Settings)),
            Request::FlushLogs => {
                self.turn.log.reopen();
                done("logs opened again")
            }
            Request::Import { bans, dry_run } => {
                Response::Imported { fates: self.turn.import(&bans, dry_run) }
            }
            Request::Stop { flush } => {
                end = Some(End::Stop { flush: flush || self.life.options.flush });
                done("stopping")
            }
        };
        // A ban or unban is on record and on its way before the command hears of it.
        self.turn.commit();
        let _ = reply.send(response);
        end
    }

    /// Reads the configuration again; an error changes nothing.
    pub(super) fn reload(&mut self) -> Result<End, Response> {
        let refuse = |problems: &dyn std::fmt::Display| {
            let message = format!("cannot reload, nothing was changed:\n{problems}");
            tracing::error!("{message}");
            Response::Error { message, hint: Some("`stockade check` shows the same".to_owned()) }
        };
        self.turn.store_answers().map_err(|error| refuse(&error))?;
        let fresh = (self.life.load)().and_then(Config::strict).map_err(|problems| refuse(&problems))?;
        let fresh = self.life.options.configured(fresh).map_err(|error| refuse(&error))?;
        let mut said = Vec::new();
        let assembled = Assembled::new(&fresh, |warning| said.push(warning))
            .map_err(|error| Response::Error { message: error.to_string(), hint: error.hint() })?;
        if assembled.jails.len() < fresh.jails.len() {
            return Err(refuse(&said.join("\n")));
        }
        Ok(End::Reload(Box::new(fresh)))
    }

    fn responder_status(&self) -> Vec<ResponderStatus> {
        let named = self.turn.hands.iter().zip(&self.health);
        named
            .map(|(hand, health)| ResponderStatus {
                name: hand.name.to_string(),
                problem: health.problem.clone(),
            })
            .collect()
    }
}

fn done(message: &str) -> Response {
    Response::Done { message: message.to_owned() }
}
