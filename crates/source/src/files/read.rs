//! Reading from files that others change.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::identity::{Check, TAIL_BYTES, read_at};
use crate::SourceError;
use crate::archive::LogReader;

/// A reader of an archive that stands at a place in its text.
pub(super) fn unpack_from(file: File, path: &Path, offset: u64) -> Result<LogReader, SourceError> {
    let mut reader = LogReader::from_reader(path, Box::new(file), None)?;
    reader.set_keep_torn(false);
    let skipped = io::copy(&mut reader.text().take(offset), &mut io::sink());
    skipped.map_err(|error| SourceError::Read { path: path.to_owned(), byte: 0, error })?;
    reader.set_offset(offset);
    Ok(reader)
}

/// Reads at a place, once: less than the buffer holds means the end of the file.
pub(super) fn read_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Whether a file still holds at `offset` what was just read from there, of which the first bytes are compared.
///
/// A read is not atomic: when the thread is held up in the midst of one, the file may be cut and grow again, and the
/// end of what was read is of another life than its beginning.
pub(super) fn still_there(file: &File, read: &[u8], offset: u64) -> io::Result<bool> {
    let mut again = [0; TAIL_BYTES];
    let first = read.get(..TAIL_BYTES).unwrap_or(read);
    let again = again.get_mut(..first.len()).unwrap_or_default();
    Ok(read_at(file, again, offset)? == first.len() && *again == *first)
}

/// The check of the last bytes of what was read.
pub(super) fn last_check(bytes: &[u8]) -> Check {
    Check::of(bytes.get(bytes.len().saturating_sub(TAIL_BYTES)..).unwrap_or_default())
}
