//! Which C library a program asks for: the versions of the symbols that it takes from others.

use std::fmt;

use object::elf::FileHeader64;
use object::read::elf::{FileHeader, SectionHeader as _};
use object::{Endianness, read};

/// A version of glibc, such as 2.34.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc {
    /// The first number: 2 for decades.
    pub major: u32,
    /// The second.
    pub minor: u32,
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Glibc {
    /// `GLIBC_2.34` and `GLIBC_2.2.5`; nothing for other names.
    fn parse(name: &str) -> Option<Self> {
        let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
        Some(Self { major: numbers.next()?.ok()?, minor: numbers.next()?.ok()? })
    }
}

/// The newest version of glibc that a 64-bit program needs; none if it is linked statically.
///
/// # Errors
/// If these bytes are no such program.
pub fn glibc_needed(program: &[u8]) -> read::Result<Option<Glibc>> {
    let header = FileHeader64::<Endianness>::parse(program)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, program)?;
    let mut newest = None;
    let Some((mut needs, link)) = sections.gnu_verneed(endian, program)? else { return Ok(newest) };
    let strings = sections.section(link)?.strings(endian, program)?.unwrap_or_default();
    while let Some((_, mut versions)) = needs.next()? {
        while let Some(version) = versions.next()? {
            let name = version.name(endian, strings)?;
            newest = newest.max(std::str::from_utf8(name).ok().and_then(Glibc::parse));
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_numbers() {
        let of = |name| Glibc::parse(name).unwrap();
        assert!(of("GLIBC_2.4") < of("GLIBC_2.34"));
        assert_eq!(of("GLIBC_2.2.5"), Glibc { major: 2, minor: 2 });
        assert_eq!(Glibc::parse("GLIBC_PRIVATE"), None);
        assert_eq!(Glibc::parse("GCC_3.0"), None);
    }

    /// What is found is what `objdump -T` shows, on this test's own program.
    #[test]
    fn objdump_sees_the_same() {
        let own = std::env::current_exe().unwrap();
        let Ok(output) = std::process::Command::new("objdump").arg("-T").arg(&own).output() else {
            eprintln!("skipped: objdump is not installed");
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let names = text.split(|c: char| c.is_whitespace() || "()".contains(c));
        let newest = names.filter_map(Glibc::parse).max();
        assert!(newest.is_some());
        assert_eq!(glibc_needed(&std::fs::read(own).unwrap()).unwrap(), newest);
    }
}
