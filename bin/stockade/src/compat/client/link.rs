//! The way to the daemon.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stockade_core::Timestamp;
use stockade_runtime::control::{
    Client, ClientError, DaemonChange, DaemonSettings, JailChange, JailDetail, JailStatus, LiveBan, Request,
    Response,
};

use super::args::Args;
use super::reply::Nok;
use crate::cli::Global;
use crate::config;

/// How long a daemon may take to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Where fail2ban's own server listens, which speaks another language.
const FAIL2BANS_OWN: [&str; 2] = ["/run/fail2ban/fail2ban.sock", "/var/run/fail2ban/fail2ban.sock"];
/// fail2ban's own configuration, which callers name without meaning it.
const FAIL2BANS_DIRECTORY: &str = "/etc/fail2ban";

/// The daemon that is meant.
#[derive(Debug)]
pub(super) struct Link {
    /// The options of every command.
    pub(super) global: Global,
    socket: PathBuf,
    client: Option<Client>,
}

impl Link {
    /// To the daemon of these options. Where they name what fail2ban has by default, ours is meant.
    pub(super) fn new(args: &Args) -> Self {
        let named =
            args.socket.clone().filter(|socket| FAIL2BANS_OWN.iter().all(|own| Path::new(own) != socket));
        let mut global = Global {
            config: args.config.clone(),
            socket: named,
            json: false,
            color: clap::ColorChoice::Never,
            verbose: 0,
        };
        let asks_by_default = |directory: &PathBuf| {
            directory == Path::new(FAIL2BANS_DIRECTORY) && !directory.join("stockade.toml").exists()
        };
        let config = global.config.take_if(|directory| asks_by_default(directory));
        let socket = config::socket(&global);
        global.config = config.or(global.config);
        Self { global, socket, client: None }
    }

    /// The socket.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks. An answer that says no is told in its words.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Response, Nok> {
        match self.exchange(request) {
            Ok(Response::Error { message, hint }) => {
                Err(Nok::refused(hint.map_or(message.clone(), |hint| format!("{message} ({hint})"))))
            }
            Ok(response) => Ok(response),
            Err(error) => Err(self.unreachable(&error, *request == Request::Ping)),
        }
    }

    /// Whether somebody answers.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.exchange(&Request::Ping), Ok(Response::Done { .. }))
    }

    /// Waits until nobody listens any more. Whether it came to that.
    pub(super) fn wait_until_gone(&mut self) -> bool {
        self.client = None;
        let began = Instant::now();
        // One that is about to end still listens, and its store is not yet closed.
        while Client::connect(&self.socket).is_ok() {
            if began.elapsed() > PATIENCE {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }

    /// All jails, by name.
    pub(super) fn jails(&mut self) -> Result<Vec<JailStatus>, Nok> {
        match self.ask(&Request::Jails)? {
            Response::Jails { jails } => Ok(jails),
            other => Err(strange(&other)),
        }
    }

    /// The bans of one jail or of all, in the order in which they were made.
    pub(super) fn bans(&mut self, jail: Option<&str>) -> Result<Vec<LiveBan>, Nok> {
        match self.of_jail(jail, &Request::Bans { jail: jail.map(str::to_owned) })? {
            Response::Bans { mut bans } => {
                bans.sort_by(|a, b| (a.since, &a.key).cmp(&(b.since, &b.key)));
                Ok(bans)
            }
            other => Err(strange(&other)),
        }
    }

    /// The bans of a jail in the order in which they end.
    pub(super) fn bans_by_end(&mut self, jail: &str) -> Result<Vec<LiveBan>, Nok> {
        let mut bans = self.bans(Some(jail))?;
        bans.sort_by_key(|ban| ban.until.unwrap_or(Timestamp::MAX));
        Ok(bans)
    }

    /// A jail's numbers and settings.
    pub(super) fn jail(&mut self, jail: &str) -> Result<JailDetail, Nok> {
        match self.of_jail(Some(jail), &Request::Jail { jail: jail.to_owned() })? {
            Response::Jail(detail) => Ok(*detail),
            other => Err(strange(&other)),
        }
    }

    /// Changes a jail.
    pub(super) fn set_jail(&mut self, jail: &str, change: JailChange) -> Result<JailDetail, Nok> {
        match self.of_jail(Some(jail), &Request::SetJail { jail: jail.to_owned(), change })? {
            Response::Jail(detail) => Ok(*detail),
            other => Err(strange(&other)),
        }
    }

    /// The settings of the daemon.
    pub(super) fn settings(&mut self) -> Result<DaemonSettings, Nok> {
        match self.ask(&Request::Settings)? {
            Response::Settings(settings) => Ok(settings),
            other => Err(strange(&other)),
        }
    }

    /// Changes settings of the daemon.
    pub(super) fn set(&mut self, change: DaemonChange) -> Result<DaemonSettings, Nok> {
        match self.ask(&Request::Set { change })? {
            Response::Settings(settings) => Ok(settings),
            other => Err(strange(&other)),
        }
    }

    /// Asks about a jail; if there is none of that name, that is what is told.
    pub(super) fn of_jail(&mut self, jail: Option<&str>, request: &Request) -> Result<Response, Nok> {
        let asked = self.ask(request);
        if let (Err(Nok::Refused { .. }), Some(jail)) = (&asked, jail)
            && self.jails()?.iter().all(|known| *known.name != *jail)
        {
            return Err(Nok::no_jail(jail));
        }
        asked
    }

    fn exchange(&mut self, request: &Request) -> Result<Response, ClientError> {
        // One that was idle for long may have been hung up on.
        if let Some(mut client) = self.client.take()
            && let Ok(answer) = client.ask(request)
        {
            self.client = Some(client);
            return Ok(answer);
        }
        let mut client = Client::connect(&self.socket)?;
        let answer = client.ask(request)?;
        self.client = Some(client);
        Ok(answer)
    }

    /// Why nobody answers, in fail2ban's words.
    fn unreachable(&self, error: &ClientError, ping: bool) -> Nok {
        let path = self.socket.display();
        Nok::Failed(match error {
            ClientError::Unreachable { error, .. } => match error.kind() {
                ErrorKind::NotFound => format!("Failed to access socket path: {path}. Is fail2ban running?"),
                ErrorKind::PermissionDenied => {
                    format!("Permission denied to socket: {path}, (you must be root)")
                }
                _ if ping => errno(error),
                _ => format!("[{}] Unable to contact server. Is it running?", errno(error)),
            },
            other => other.to_string(),
        })
    }
}

/// An error of the system as Python writes it: `[Errno 111] Connection refused`.
pub(super) fn errno(error: &std::io::Error) -> String {
    let Some(code) = error.raw_os_error() else { return error.to_string() };
    let text = error.to_string();
    format!("[Errno {code}] {}", text.split(" (os error").next().unwrap_or(&text))
}

/// An answer to another question.
pub(super) fn strange(response: &Response) -> Nok {
    Nok::Failed(format!("the daemon answered something else: {response:?}"))
}
