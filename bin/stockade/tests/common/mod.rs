//! Runs the real binary and shows all that came of it as one text.
#![allow(dead_code, reason = "every test file uses a part of this")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A file or folder of the fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The binary, in the folder of the fixtures, with their configuration, far from that of the machine.
pub(crate) fn stockade() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
    command.current_dir(fixture("")).env_clear().env("TZ", "UTC").env("STOCKADE_CONFIG", fixture("conf"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What came of a command: exit code, standard output, standard error. What differs from run to run is left out.
pub(crate) fn run(args: &[&str]) -> String {
    shown(&stockade().args(args).output().unwrap())
}

/// The same with something on standard input.
pub(crate) fn run_with_input(args: &[&str], input: &[u8]) -> String {
    let mut child = stockade().args(args).stdin(Stdio::piped()).spawn().unwrap();
    // It may stop reading before the end.
    child.stdin.take().unwrap().write_all(input).ok();
    shown(&child.wait_with_output().unwrap())
}

pub(crate) fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(steady).collect::<String>();
    let code = output.status.code().map_or("a signal".to_owned(), |code| code.to_string());
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let mut all = format!("exit: {code}\n");
    for (name, text) in [("stdout", out), ("stderr", err)] {
        if !text.is_empty() {
            all += &format!("----- {name}\n{text}");
        }
    }
    all
}

/// A line without what depends on the machine: speeds, and where the fixtures are.
fn steady(line: &str) -> String {
    let here = fixture("");
    let line = line.replace(here.to_str().unwrap(), "FIXTURES/");
    let cut = |at: &str| line.split_once(at).map(|(before, _)| format!("{before}{at}…\n"));
    if line.contains(" MB/s)") {
        return cut(" in ").unwrap();
    }
    for key in [
        "\"seconds\": ",
        "\"lines_per_second\": ",
        "\"events_per_second\": ",
        "\"bytes_per_second\": ",
        "\"peak_memory_bytes\": ",
    ] {
        if let Some(line) = cut(key) {
            return line;
        }
    }
    line + "\n"
}
