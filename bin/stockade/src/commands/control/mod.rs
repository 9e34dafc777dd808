//! The commands that the daemon answers.

pub(super) mod bans;
pub(super) mod jails;
pub(super) mod status;
pub(super) mod why;

use std::io::Write;

use stockade_core::Key;
use stockade_runtime::control::{Client, ClientError, Request, Response};

use crate::cli::{Global, StopArgs, values};
use crate::config;
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output::{self, Out};

/// Asks the daemon. An answer that says no is a failure.
fn ask(global: &Global, request: &Request) -> Result<Response, Failure> {
    let socket = config::socket(global);
    let answer = Client::connect(&socket).and_then(|mut client| client.ask(request));
    match answer {
        Ok(Response::Error { message, hint }) => Err(Failure::new(Exit::Failed, message).hint(hint)),
        Ok(response) => Ok(response),
        Err(error) => {
            let exit = match error {
                ClientError::Unreachable { .. } => Exit::NoDaemon,
                _ => Exit::Failed,
            };
            Err(Failure::new(exit, &error).hint(error.hint()))
        }
    }
}

/// Asks, and prints the answer: as the object it is, or as `show` does.
fn answer(
    global: &Global,
    request: &Request,
    show: impl FnOnce(&mut Out, &Response) -> std::io::Result<Exit>,
) -> Outcome {
    let response = ask(global, request)?;
    if global.json {
        output::json::print(&response)?;
        return Ok(exit_of(&response));
    }
    let mut out = output::out();
    let exit = show(&mut out, &response)?;
    out.flush()?;
    Ok(exit)
}

/// Whether all that was asked for was done.
fn exit_of(response: &Response) -> Exit {
    match response {
        Response::Changed { changes } if changes.iter().any(|change| !change.done) => Exit::Partial,
        _ => Exit::Done,
    }
}

/// What to show of an answer that is none to the question.
fn unexpected(out: &mut Out, response: &Response) -> std::io::Result<Exit> {
    match response {
        Response::Done { message } => {
            writeln!(out, "{}", output::text::lines(message))?;
            Ok(Exit::Done)
        }
        other => {
            exit::complain(&format!("the daemon answered something else: {other:?}"), None);
            Ok(Exit::Failed)
        }
    }
}

/// Reads addresses; all that are none are told at once, and then nothing is done.
fn addresses(texts: &[String]) -> Result<Vec<Key>, Failure> {
    let mut keys = Vec::with_capacity(texts.len());
    let mut wrong = Vec::new();
    for text in texts {
        match values::address(text) {
            Ok(key) => keys.push(key),
            Err(hint) => wrong.push((text, hint)),
        }
    }
    let Some((last, hint)) = wrong.pop() else { return Ok(keys) };
    for (text, hint) in wrong {
        exit::complain(&format!("not an address: `{text}`"), Some(hint));
    }
    Err(Failure::usage(format_args!("not an address: `{last}`")).hint(Some(hint)))
}

pub(super) fn reload(global: &Global) -> Outcome {
    answer(global, &Request::Reload, unexpected)
}

pub(super) fn stop(global: &Global, args: &StopArgs) -> Outcome {
    answer(global, &Request::Stop { flush: args.flush }, unexpected)
}
