//! Knowing a file again: after a rename, a copy, a restart, or when its inode was given to another one.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::str::FromStr;

use stockade_core::limits::MAX_LINE_BYTES;

/// How many of a file's first bytes are a part of its identity.
pub(crate) const HEAD_BYTES: usize = 256;

/// How many of the bytes before a position prove that the file is still the one that was read.
pub(crate) const TAIL_BYTES: usize = 64;

/// One life of a log file: from its creation, or from its being cut to nothing, to the next such event.
///
/// Written as `device-inode-length-hash`, in hexadecimal, with `-n` behind it for the nth life that looks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Generation {
    /// Device and inode numbers. The device's changes with reboots and is not compared.
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// The first bytes of the file, at most [`HEAD_BYTES`], when its first line was delivered.
    pub(crate) head: Check,
    /// Tells lives apart that start with the same bytes in the same inode, as after a cut of a file with a header.
    pub(crate) life: u32,
}

/// The hash of some bytes, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Check {
    pub(crate) len: usize,
    hash: u64,
}

impl Check {
    /// FNV-1a: it is stored, so it must be the same on every machine and in every version.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self { len: bytes.len(), hash: bytes.iter().fold(0xcbf2_9ce4_8422_2325, step) }
    }
}

/// How far a file was read, and what proves it: enough to go on after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) generation: Generation,
    /// The first byte that was not judged.
    pub(crate) offset: u64,
    /// Where to start reading, at most `offset`.
    pub(crate) replay_from: u64,
    /// The bytes before `offset`; not known where a store did not keep the cursor.
    pub(crate) tail: Option<Check>,
    /// Whether the stream had been caught up with.
    pub(crate) live: bool,
}

/// What a file is to a [`Memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// It is the file, or a whole copy of it: reading can go on at the offset.
    Same,
    /// It starts the same and ends before the offset: a copy that was made before the last lines were written.
    Shorter,
    /// It is something else.
    Other,
}

impl Memory {
    /// Compares an unpacked file.
    pub(crate) fn compare(&self, file: &File) -> io::Result<Likeness> {
        let meta = file.metadata()?;
        let same_inode = meta.ino() == self.generation.inode;
        if meta.len() < self.offset {
            let shorter = self.generation.head.len > 0 && !same_inode && self.has_head(file)?;
            return Ok(if shorter { Likeness::Shorter } else { Likeness::Other });
        }
        // Another inode needs proof by content: a head, and the bytes before the offset.
        let by_content = self.generation.head.len > 0 && (self.tail.is_some() || self.offset == 0);
        let evidence = same_inode || by_content;
        let same = evidence && self.has_head(file)? && self.has_tail(file)?;
        Ok(if same { Likeness::Same } else { Likeness::Other })
    }

    /// Compares a packed file by unpacking it up to the offset if it starts right.
    pub(crate) fn compare_text(&self, text: &mut impl Read) -> io::Result<Likeness> {
        let mut head = vec![0; self.generation.head.len.min(HEAD_BYTES)];
        let n = fill(text, &mut head)?;
        if head.is_empty() || n < head.len() || Check::of(&head) != self.generation.head {
            return Ok(Likeness::Other);
        }
        let (mut at, mut last) = (n as u64, Tail::new(&head));
        let mut scratch = vec![0; 64 * 1024];
        while at < self.offset {
            let want = usize::try_from(self.offset - at).unwrap_or(usize::MAX).min(scratch.len());
            let chunk = scratch.get_mut(..want).unwrap_or_default();
            let n = fill(text, chunk)?;
            last.push(chunk.get(..n).unwrap_or_default());
            at += n as u64;
            if n < want {
                return Ok(Likeness::Shorter);
            }
        }
        // The head may reach beyond the offset; then the file is as good as told by it alone.
        let proven = at > self.offset || self.tail.is_none_or(|tail| last.check(tail.len) == tail);
        Ok(if proven { Likeness::Same } else { Likeness::Other })
    }

    /// Whether a file begins as it did; what cannot be read is not held against it.
    pub(crate) fn compare_head(&self, file: Option<&File>) -> bool {
        file.is_none_or(|file| self.has_head(file).unwrap_or(true))
    }

    fn has_head(&self, file: &File) -> io::Result<bool> {
        let mut head = vec![0; self.generation.head.len.min(HEAD_BYTES)];
        let n = read_at(file, &mut head, 0)?;
        Ok(n == self.generation.head.len && Check::of(&head) == self.generation.head)
    }

    fn has_tail(&self, file: &File) -> io::Result<bool> {
        let Some(tail) = self.tail else { return Ok(true) };
        let Some(from) = self.offset.checked_sub(tail.len as u64) else { return Ok(false) };
        let mut bytes = vec![0; tail.len.min(TAIL_BYTES)];
        let n = read_at(file, &mut bytes, from)?;
        Ok(n == tail.len && Check::of(&bytes) == tail)
    }
}

/// The last bytes that were read, at most [`TAIL_BYTES`].
#[derive(Clone, Copy)]
pub(crate) struct Tail {
    bytes: [u8; TAIL_BYTES],
    len: usize,
}

impl Tail {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut tail = Self { bytes: [0; TAIL_BYTES], len: 0 };
        tail.push(bytes);
        tail
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Takes in what was read after it.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let new = bytes.get(bytes.len().saturating_sub(TAIL_BYTES)..).unwrap_or_default();
        let keep = self.len.min(TAIL_BYTES - new.len());
        self.bytes.copy_within(self.len - keep..self.len, 0);
        if let Some(room) = self.bytes.get_mut(keep..keep + new.len()) {
            room.copy_from_slice(new);
        }
        self.len = keep + new.len();
    }

    /// The check of the last `len` bytes, or of all if they are fewer.
    pub(crate) fn check(&self, len: usize) -> Check {
        let bytes = self.as_bytes();
        Check::of(bytes.get(bytes.len().saturating_sub(len)..).unwrap_or_default())
    }
}

/// The first bytes of a file.
pub(crate) fn head(file: &File) -> io::Result<Check> {
    let mut head = [0; HEAD_BYTES];
    let n = read_at(file, &mut head, 0)?;
    Ok(Check::of(head.get(..n).unwrap_or_default()))
}

/// Where the last line of a file ends, and whether it is the middle of a line that is too long to be searched for.
pub(crate) fn end_of_lines(file: &File, size: u64) -> io::Result<(u64, bool)> {
    let mut last = vec![0; MAX_LINE_BYTES + 1];
    let from = size.saturating_sub(last.len() as u64);
    let n = read_at(file, &mut last, from)?;
    let last = last.get(..n).unwrap_or_default();
    Ok(match memchr::memrchr(b'\n', last) {
        Some(end) => (from + end as u64 + 1, false),
        None if from == 0 => (0, false),
        None => (from + n as u64, true),
    })
}

/// Reads at a place until the buffer is full or the file ends.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        match file.read_at(free, offset + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads on until the buffer is full or the text ends.
pub(crate) fn fill(text: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        match text.read(free) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

// === text forms, which are stored ===

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{}", self.device, self.inode, self.head)?;
        if self.life > 0 { write!(f, "-{:x}", self.life) } else { Ok(()) }
    }
}

impl FromStr for Generation {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(5, '-');
        let hex = |part: Option<&str>| u64::from_str_radix(part.ok_or(())?, 16).map_err(drop);
        let (device, inode) = (hex(parts.next())?, hex(parts.next())?);
        let (len, hash) = (hex(parts.next())?, hex(parts.next())?);
        let life = parts.next().map_or(Ok(0), |life| u32::from_str_radix(life, 16)).map_err(drop)?;
        let head = Check { len: usize::try_from(len).map_err(drop)?, hash };
        if head.len > HEAD_BYTES { Err(()) } else { Ok(Self { device, inode, head, life }) }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:016x}", self.len, self.hash)
    }
}

impl FromStr for Check {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (len, hash) = text.split_once('-').ok_or(())?;
        let len = usize::from_str_radix(len, 16).map_err(drop)?;
        if len > TAIL_BYTES {
            return Err(());
        }
        Ok(Self { len, hash: u64::from_str_radix(hash, 16).map_err(drop)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_tail_is_the_end_of_all_that_was_pushed(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..8)) {
            let mut tail = Tail::new(&[]);
            pieces.iter().for_each(|piece| tail.push(piece));
            let all = pieces.concat();
            prop_assert_eq!(tail.as_bytes(), &all[all.len().saturating_sub(TAIL_BYTES)..]);
        }

        #[test]
        fn a_generation_reads_back_as_it_was_written(device: u64, inode: u64, head in prop::collection::vec(any::<u8>(), 0..=HEAD_BYTES), life in 0u32..3) {
            let generation = Generation { device, inode, head: Check::of(&head), life };
            prop_assert_eq!(generation.to_string().parse(), Ok(generation));
        }

        #[test]
        fn no_text_makes_the_readers_panic(text: String) {
            let _ = (text.parse::<Generation>(), text.parse::<Check>());
        }
    }

    fn file_with(bytes: &[u8]) -> File {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// What is stored about the first `offset` bytes of `bytes` in another inode.
    fn memory(bytes: &[u8], offset: usize) -> Memory {
        let head = Check::of(&bytes[..bytes.len().min(HEAD_BYTES)]);
        let tail = Some(Tail::new(&bytes[..offset]).check(TAIL_BYTES));
        Memory {
            generation: Generation { device: 1, inode: 1, head, life: 0 },
            offset: offset as u64,
            replay_from: 0,
            tail,
            live: true,
        }
    }

    #[test]
    fn a_copy_is_the_same_if_head_and_tail_say_so() {
        let text = b"first line\nsecond line\nthird line\n".repeat(20);
        let stored = memory(&text, 340);
        let compare = |bytes: &[u8]| {
            let both =
                (stored.compare(&file_with(bytes)).unwrap(), stored.compare_text(&mut { bytes }).unwrap());
            assert_eq!(both.0, both.1);
            both.0
        };
        assert_eq!(compare(&text), Likeness::Same);
        assert_eq!(compare(&[&text[..], b"and more\n"].concat()), Likeness::Same);
        assert_eq!(compare(&text[..300]), Likeness::Shorter);
        assert_eq!(compare(b"another file\n"), Likeness::Other);
        let mut changed = text.clone();
        changed[330] ^= 1;
        assert_eq!(compare(&changed), Likeness::Other);
    }

    #[test]
    fn an_empty_head_says_nothing_about_another_inode() {
        let stored = memory(b"", 0);
        assert_eq!(stored.compare(&file_with(b"anything\n")).unwrap(), Likeness::Other);
        assert_eq!(stored.compare_text(&mut &b"anything\n"[..]).unwrap(), Likeness::Other);
    }
}
