//! The daemon as a whole: starting, stopping, reloading, its configuration.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use stockade_config::Config;
use stockade_runtime::control::{DaemonChange, Request};

use super::args::Args;
use super::bans::lift_all;
use super::link::Link;
use super::reply::{Nok, Reply};
use super::set::log_target;
use crate::cli::Global;
use crate::commands::config::dump;
use crate::config;

/// `ping [SECONDS]`.
pub(super) fn ping(link: &mut Link, words: &[String]) -> Reply {
    if let Some(seconds) = words.first()
        && seconds.trim().parse::<f64>().is_err()
    {
        return Err(Nok::Failed(format!("could not convert string to float: '{seconds}'")));
    }
    link.ask(&Request::Ping).map(|_| "Server replied: pong".to_owned())
}

/// `flushlogs`.
pub(super) fn flush_logs(link: &mut Link) -> Reply {
    link.ask(&Request::FlushLogs)?;
    let to_a_file = link.settings()?.log_file.is_some();
    Ok(if to_a_file { "logs: rolled over" } else { "logs: flushed" }.to_owned())
}

/// `start`, `start JAIL`.
pub(super) fn start(link: &mut Link, args: &Args, words: &[String]) -> Reply {
    if let Some(jail) = words.first() {
        let change = stockade_runtime::control::JailChange::Idle { on: false };
        return link.set_jail(jail, change).map(|_| "Jail started".to_owned());
    }
    if link.is_alive() {
        return Err(Nok::Failed("Server already running".to_owned()));
    }
    let failed = |error: std::io::Error| Nok::Failed(format!("Could not start server: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let mut daemon = Command::new(program);
    daemon.arg0("stockade").arg("run").arg("--socket").arg(link.socket());
    if let Some(directory) = &link.global.config {
        daemon.arg("--config").arg(directory);
    }
    if args.foreground {
        return Err(failed(daemon.exec()));
    }
    daemon.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut daemon = daemon.spawn().map_err(failed)?;
    let began = std::time::Instant::now();
    while !link.is_alive() {
        if let Ok(Some(status)) = daemon.try_wait() {
            let why = format!(
                "Could not start server: it ended with {status}\n`fail2ban-client -f start` shows why"
            );
            return Err(Nok::Failed(why));
        }
        if began.elapsed() > Duration::from_secs(30) {
            return Err(Nok::Failed("Could not find server, waiting failed".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let change = DaemonChange {
        log_level: args
            .log_level
            .as_deref()
            .and_then(super::args::level)
            .map(|level| level.name().to_owned()),
        log_file: args.log_target.as_deref().map(log_target).transpose()?,
        keep_bans_seconds: None,
    };
    if change != DaemonChange::default() {
        link.set(change)?;
    }
    Ok("Server ready".to_owned())
}

/// `stop`, `stop JAIL`, `stop --all`.
pub(super) fn stop(link: &mut Link, words: &[String]) -> Reply {
    match words.first().map(String::as_str) {
        // As in fail2ban the bans are lifted now and put back when the daemon starts again.
        None => end(link, true).map(|()| "Shutdown successful".to_owned()),
        Some("--all") => Err(Nok::cannot("a daemon without a jail has nothing to do; `stop` stops it")),
        Some(jail) => {
            link.of_jail(Some(jail), &Request::StopJail { jail: jail.to_owned() })?;
            settle(link);
            Ok("Jail stopped".to_owned())
        }
    }
}

/// `restart`, `restart [--unban] [--if-exists] JAIL`.
pub(super) fn restart(link: &mut Link, args: &Args, words: &[String]) -> Reply {
    if !words.is_empty() {
        return reload(link, words);
    }
    if let Err(nok) = end(link, false) {
        nok.tell();
    }
    start(link, args, &[])
}

/// `reload [--restart] [--unban] [--if-exists] [--all|JAIL]`.
pub(super) fn reload(link: &mut Link, words: &[String]) -> Reply {
    let is_option = |word: &&String| ["--restart", "--unban", "--if-exists"].contains(&word.as_str());
    let options = words.iter().take_while(is_option).count();
    let (options, rest) = words.split_at_checked(options).unwrap_or_default();
    let has = |option: &str| options.iter().any(|word| word == option);
    let jail = match rest {
        [] => None,
        [all] if all == "--all" => None,
        [jail] => Some(jail.as_str()),
        more => {
            let words = super::reply::python_list(more);
            return Err(Nok::Failed(format!("Unexpected argument(s) for reload: {words}")));
        }
    };
    if !link.is_alive() {
        return Err(Nok::Failed("Could not find server".to_owned()));
    }
    if let Some(jail) = jail
        && link.jails()?.iter().all(|known| *known.name != *jail)
    {
        if has("--if-exists") {
            return Ok("OK".to_owned());
        }
        return Err(Nok::Failed(format!("Failed during configuration: No section: '{jail}'")));
    }
    if has("--unban") {
        lift_all(link, jail)?;
    }
    let request = jail.map_or(Request::Reload, |jail| Request::ReloadJail { jail: jail.to_owned() });
    link.ask(&request).map_err(|nok| match nok {
        // The message is ours, of several lines, and nothing that the server of fail2ban would say.
        Nok::Refused { shown, .. } => Nok::Failed(format!("Failed during configuration: {shown}")),
        failed => failed,
    })?;
    settle(link);
    Ok("OK".to_owned())
}

/// `-t`.
pub(super) fn test(global: &Global) -> Reply {
    let read = config::load_whole(global).and_then(Config::strict);
    match read {
        Ok(_) => Ok("OK: configuration test is successful".to_owned()),
        Err(problems) => Err(Nok::Failed(format!("{problems}\nERROR: test configuration failed"))),
    }
}

/// `-d`, `--dp`.
pub(super) fn dump(global: &Global) -> Reply {
    let dumped = dump::read(&config::directory(global))
        .map_err(|failure| Nok::Failed(failure.message().to_owned()))?;
    Ok(dumped.commands.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// Stops the daemon and waits until it is gone.
fn end(link: &mut Link, flush: bool) -> Result<(), Nok> {
    link.ask(&Request::Stop { flush })?;
    if link.wait_until_gone() { Ok(()) } else { Err(Nok::Failed("Could not stop server".to_owned())) }
}

/// Waits until the daemon has taken in what was changed: it answers when it has.
fn settle(link: &mut Link) {
    let _ = link.ask(&Request::Ping);
}
