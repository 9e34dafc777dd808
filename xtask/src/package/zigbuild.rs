//! Builds the program for Lambda: x86_64, against the glibc of Amazon Linux 2023, without a trace of this machine.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Glibc;
use crate::Error;

/// What `provided.al2023` has.
pub const GLIBC: Glibc = Glibc { major: 2, minor: 34 };

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The profile in the root's Cargo.toml.
const PROFILE: &str = "lambda";

/// Builds `bootstrap` with build files in `target` and gives its path.
///
/// cargo-zigbuild and zig come from PyPI, into the cache that `dev/venv` keeps.
///
/// # Errors
/// If the tools cannot be installed or the build fails.
pub fn build(root: &Path, target: &Path) -> Result<PathBuf, Error> {
    let tools = tools(root)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(tools.join("bin")).chain(env::split_paths(&path)));
    let mut command = Command::new(tools.join("bin/cargo-zigbuild"));
    command.args([
        "zigbuild",
        "--quiet",
        "--locked",
        "--package",
        "stockade-bootstrap",
        "--bin",
        "bootstrap",
    ]);
    command.args(["--profile", PROFILE, "--target"]).arg(format!("{TARGET}.{GLIBC}"));
    command.arg("--target-dir").arg(target).current_dir(root);
    if let Ok(path) = path {
        command.env("PATH", path);
    }
    let (rust, c) = without_paths(root, target);
    command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", rust);
    command.env(format!("CFLAGS_{}", TARGET.replace('-', "_")), c);
    // The year 1980, as in the zips: for build scripts and macros that ask for the time.
    command.env("SOURCE_DATE_EPOCH", "315532800");
    run(&mut command, "cargo-zigbuild")?;
    Ok(target.join(TARGET).join(PROFILE).join("bootstrap"))
}

/// The folders that must not be named in a program, with what stands for each.
pub(crate) fn folders(root: &Path, target: &Path) -> Vec<(PathBuf, &'static str)> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or(home.map(|home| home.join(".cargo")));
    // The last that fits counts, so the folder inside another comes after it.
    let mut folders = vec![(root.to_path_buf(), "/stockade"), (target.to_path_buf(), "/target")];
    folders.extend(cargo.map(|cargo| (cargo, "/cargo")));
    folders
}

/// Flags for rustc and for the C compiler that keep local paths out of panic messages.
fn without_paths(root: &Path, target: &Path) -> (OsString, OsString) {
    let (mut rust, mut c) = (OsString::new(), OsString::new());
    for (folder, name) in folders(root, target) {
        if !rust.is_empty() {
            rust.push("\u{1f}");
            c.push(" ");
        }
        rust.push("--remap-path-prefix=");
        c.push("-ffile-prefix-map=");
        for flags in [&mut rust, &mut c] {
            flags.push(&folder);
            flags.push("=");
            flags.push(name);
        }
    }
    (rust, c)
}

fn tools(root: &Path) -> Result<PathBuf, Error> {
    let program = "dev/venv zigbuild";
    let failed = |how: String| Error::Program { program: program.to_owned(), how };
    let mut command = Command::new(root.join("dev/venv"));
    let output = command.arg("zigbuild").stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| failed(format!("cannot be started: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("failed: {}", output.status)));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn run(command: &mut Command, program: &str) -> Result<(), Error> {
    let failed = |how: String| Error::Program { program: program.to_owned(), how };
    let status = command.status().map_err(|error| failed(format!("cannot be started: {error}")))?;
    if status.success() { Ok(()) } else { Err(failed(format!("failed: {status}"))) }
}
