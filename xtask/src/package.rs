//! `cargo xtask package lambda`: the zips that Lambda takes, in Cloud-Fail2Ban's kinds.
//!
//! The same tree gives the same bytes: the program holds no path and no time of the machine that built it, and the
//! zips have a fixed order, fixed times and fixed modes.

mod archive;
mod elf;
mod kinds;
mod zigbuild;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use archive::{Entry, Packing, write};
pub use elf::{Glibc, glibc_needed};
pub use kinds::{Kind, Package, configuration};
pub use zigbuild::{GLIBC, build};

use crate::Error;
use crate::error::file;

/// One file that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Its path below the folder of packages.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, as hexadecimal digits.
    pub sha256: String,
    /// What it is for.
    pub what: &'static str,
}

/// Builds the program for Lambda with build files in `target`, looks into it, and packs it into the folder `to`.
///
/// # Errors
/// If it cannot be built, needs a newer glibc than Lambda has, or names a folder of this machine.
pub fn build_and_pack(target: &Path, to: &Path) -> Result<Vec<Made>, Error> {
    let root = crate::root();
    let bootstrap = build(&root, target)?;
    let folders: Vec<PathBuf> =
        zigbuild::folders(&root, target).into_iter().map(|(folder, _)| folder).collect();
    inspect(&bootstrap, &folders)?;
    pack(&bootstrap, to)
}

/// Packs the program `bootstrap` in every kind, into the folder `to`.
///
/// # Errors
/// If a file cannot be read or written.
pub fn pack(bootstrap: &Path, to: &Path) -> Result<Vec<Made>, Error> {
    let program = fs::read(bootstrap).map_err(file("read", bootstrap))?;
    let configuration = configuration(&crate::root())?;
    Package::ALL.iter().map(|package| made(package, &program, &configuration, to)).collect()
}

fn made(package: &Package, program: &[u8], configuration: &[Entry], to: &Path) -> Result<Made, Error> {
    let path = to.join(package.name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(file("make the folder", folder))?;
    }
    write(&path, &package.entries(program, configuration), Packing::Small)?;
    let packed = fs::read(&path).map_err(file("read", &path))?;
    let sha256 = Sha256::digest(&packed).iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = packed.len() as u64;
    Ok(Made { name: package.name.to_owned(), bytes, sha256, what: package.what })
}

/// Refuses a program that would not start in Lambda, or that says where it was built.
///
/// # Errors
/// If it needs a newer glibc than [`GLIBC`], or holds one of the `paths`.
pub fn inspect(bootstrap: &Path, paths: &[PathBuf]) -> Result<Option<Glibc>, Error> {
    let program = fs::read(bootstrap).map_err(file("read", bootstrap))?;
    let needed = glibc_needed(&program)
        .map_err(|why| Error::Elf { path: bootstrap.to_path_buf(), why: why.to_string() })?;
    if let Some(found) = needed
        && found > GLIBC
    {
        let path = bootstrap.to_path_buf();
        return Err(Error::Glibc { path, found: found.to_string(), allowed: GLIBC.to_string() });
    }
    for path in paths {
        let text = path.as_os_str().as_encoded_bytes();
        // A path of one letter or two would be found anywhere.
        if text.len() > 4 && program.windows(text.len()).any(|window| window == text) {
            let found = path.display().to_string();
            return Err(Error::LocalPath { path: bootstrap.to_path_buf(), found });
        }
    }
    Ok(needed)
}

/// The zips that two runs did not make alike.
pub fn differences(one: &[Made], other: &[Made]) -> Vec<String> {
    let differs = |made: &&Made| !other.contains(made);
    one.iter().filter(differs).map(|made| format!("`{}`", made.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_tree_gives_the_same_bytes_whenever_it_is_packed() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, b"\x7fELF something").unwrap();
        let one = pack(&program, &folder.path().join("a")).unwrap();
        // Neither the time nor the mode of the file goes into the zip.
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        fs::File::options().append(true).open(&program).unwrap().set_modified(old).unwrap();
        let two = pack(&program, &folder.path().join("b")).unwrap();
        assert_eq!(one, two);
        assert_eq!(differences(&one, &two), Vec::<String>::new());
        fs::write(&program, b"\x7fELF something else").unwrap();
        let three = pack(&program, &folder.path().join("c")).unwrap();
        let with_program = Package::ALL.iter().filter(|package| package.kind != Kind::Configuration).count();
        assert_eq!(differences(&one, &three).len(), with_program);
    }

    #[test]
    fn a_program_for_a_newer_system_or_with_a_path_in_it_is_refused() {
        let own = std::env::current_exe().unwrap();
        let here = crate::root();
        // This test's own program holds the path of its source, by this very line: file!() and the panic messages.
        let refused = inspect(&own, std::slice::from_ref(&here));
        assert!(matches!(refused, Err(Error::LocalPath { .. } | Error::Glibc { .. })), "{refused:?}");
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        fs::write(&text, "no program").unwrap();
        assert!(matches!(inspect(&text, &[]), Err(Error::Elf { .. })));
    }
}
