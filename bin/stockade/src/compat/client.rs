//! `fail2ban-client`.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use crate::exit::{self, Exit};

pub(crate) fn run(_name: &OsStr, _args: Vec<OsString>) -> ExitCode {
    exit::complain("not there yet", None);
    Exit::Failed.into()
}
