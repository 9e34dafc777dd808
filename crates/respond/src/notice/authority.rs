//! A file of certificates that are trusted beside the machine's.

use std::fs::File;
use std::io::{Error, Read as _, Result};
use std::path::Path;

/// How long such a file may be.
const MAX_BYTES: u64 = 1 << 20;

/// The file, unless it is unreasonably long.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES { Err(Error::other("it is too long")) } else { Ok(bytes) }
}
