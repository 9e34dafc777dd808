//! `cargo xtask coldstart`: how long the packaged program takes until it asks for its first event, and how much memory
//! it has used by then; beside a Python handler that imports boto3.
//!
//! Each start is a new process against a Runtime API of its own on loopback. Time runs from before the process is
//! started until its first request for work arrives; memory is the peak of the resident set (`VmHWM`) at that moment.
//! So the sandbox that Lambda makes around it is not in the numbers, on neither side.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use stockade_testkit::runtime_api::RuntimeApi;

use crate::Error;
use crate::error::file;

/// How long one start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A runtime client in few lines: what Lambda's own does before it asks for work, and nothing more.
const PYTHON: &str = include_str!("coldstart/handler.py");

/// What was started, and what its starts took.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// What it was.
    pub what: String,
    /// From the start of the process to its first request, in milliseconds, sorted.
    pub init_ms: Vec<f64>,
    /// Peak memory at that moment, in MB (10^6 bytes), sorted.
    pub memory_mb: Vec<f64>,
}

/// Lowest, middle and highest of sorted numbers.
pub fn spread(sorted: &[f64]) -> [f64; 3] {
    let at = |n: usize| sorted.get(n).copied().unwrap_or_default();
    [at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1))]
}

/// Starts `bootstrap` as the function `handler`, `starts` times.
///
/// `variables` are what a template would set.
///
/// # Errors
/// If it does not start.
pub fn program(
    bootstrap: &Path,
    handler: &str,
    variables: &[(String, String)],
    starts: usize,
) -> Result<Series, Error> {
    series(handler.to_owned(), starts, |api| {
        let mut command = api.command(bootstrap, handler);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command
    })
}

/// The same for a Python that imports boto3 and makes the clients that such a function needs.
///
/// # Errors
/// If it does not start.
pub fn python(interpreter: &Path, starts: usize) -> Result<Series, Error> {
    let path = std::env::temp_dir().join(format!("stockade-coldstart-{}.py", std::process::id()));
    let write = || fs::File::create(&path)?.write_all(PYTHON.as_bytes());
    write().map_err(file("write", &path))?;
    let done = series("Python with boto3".to_owned(), starts, |api| {
        let mut command = api.command(interpreter, "handler");
        command.arg(&path);
        command
    });
    let _ = fs::remove_file(&path);
    done
}

fn series(what: String, starts: usize, command: impl Fn(&RuntimeApi) -> Command) -> Result<Series, Error> {
    let (mut init_ms, mut memory_mb) = (Vec::new(), Vec::new());
    // The first start reads the program from the disk, and Python writes its bytecode: it is not counted.
    for counted in (0..=starts).map(|n| n > 0) {
        let (init, memory) = start(&command)?;
        if counted {
            init_ms.push(init.as_secs_f64() * 1e3);
            memory_mb.push(memory);
        }
    }
    init_ms.sort_by(f64::total_cmp);
    memory_mb.sort_by(f64::total_cmp);
    Ok(Series { what, init_ms, memory_mb })
}

/// One start: time and memory until it asks for work.
fn start(command: &impl Fn(&RuntimeApi) -> Command) -> Result<(Duration, f64), Error> {
    let api = RuntimeApi::start().map_err(|error| Error::Start(error.to_string()))?;
    let mut command = command(&api);
    command.stdout(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn().map_err(|error| Error::Start(error.to_string()))?;
    let ready = api.ready(PATIENCE).map_err(|error| Error::Start(error.to_string()));
    let memory = peak_memory(&child);
    end(&mut child);
    Ok((ready?.saturating_duration_since(begin), memory?))
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// The peak of the resident set in MB.
fn peak_memory(child: &Child) -> Result<f64, Error> {
    let path = PathBuf::from(format!("/proc/{}/status", child.id()));
    let status = fs::read_to_string(&path).map_err(file("read", &path))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kib| kib.parse::<f64>().ok());
    kib.map(|kib| kib * 1024.0 / 1e6).ok_or_else(|| Error::Start(format!("no VmHWM in `{}`", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_in_the_middle() {
        assert_eq!(spread(&[1.0, 2.0, 9.0]).map(f64::to_bits), [1.0, 2.0, 9.0].map(f64::to_bits));
        assert_eq!(spread(&[]).map(f64::to_bits), [0.0; 3].map(f64::to_bits));
    }

    /// A shell that asks for work after a while, as a function would.
    #[test]
    fn time_runs_until_the_first_request() {
        let script = |api: &RuntimeApi| {
            let (host, port) = (api.address().ip(), api.address().port());
            let ask = r"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
            let mut command = Command::new("bash");
            command.args([
                "-c",
                &format!("sleep 0.2; exec 3<>/dev/tcp/{host}/{port}; printf '{ask}' >&3; cat <&3"),
            ]);
            command
        };
        let (init, memory) = start(&script).unwrap();
        assert!((0.2..5.0).contains(&init.as_secs_f64()), "{init:?}");
        assert!((0.5..50.0).contains(&memory), "{memory}");
    }

    #[test]
    fn a_program_that_cannot_start_is_an_error() {
        let nothing = |_: &RuntimeApi| Command::new("/no/such/program");
        assert!(matches!(start(&nothing), Err(Error::Start(_))));
    }
}
