//! Decoders for what rotated logs are packed with, behind one `read`.

use std::fmt;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::path::Path;

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Error as XzError, Stream as XzStream};
use zstd::stream::read::Decoder as ZstdDecoder;

use super::members::Members;
use crate::SourceError;
use crate::limits::{ARCHIVE_INPUT_BYTES, XZ_MEMORY_BYTES, ZSTD_WINDOW_LOG};

/// How a log file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Not at all.
    Plain,
    /// gzip, of one or several members.
    Gzip,
    /// zstd, of one or several frames.
    Zstd,
    /// xz, of one or several streams.
    Xz,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
        })
    }
}

impl Format {
    /// The most memory that a decoder of this format may use, in bytes.
    fn memory_limit(self) -> u64 {
        if self == Self::Zstd { 1 << ZSTD_WINDOW_LOG } else { XZ_MEMORY_BYTES }
    }
}

/// How many of a file's first bytes tell what it is.
pub(crate) const MAGIC_BYTES: usize = 10;

/// What a file is that starts with `magic`; an error names a format that is known and not read.
pub(crate) fn recognise(magic: &[u8]) -> Result<Format, &'static str> {
    match magic {
        [0x1f, 0x8b, ..] => Ok(Format::Gzip),
        // The second is a skippable frame, with which parallel packers start.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Format::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Format::Xz),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Err("bzip2"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Err("lz4"),
        [0x1f, 0x9d, ..] => Err("compress"),
        [b'P', b'K', 3, 4, ..] => Err("zip"),
        _ => Ok(Format::Plain),
    }
}

type Raw = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// The packed bytes: counts what the decoder has taken, and remembers whether reading itself failed.
pub(crate) struct Input {
    inner: BufReader<Raw>,
    taken: u64,
    failed: bool,
}

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buf);
        match &result {
            Ok(n) => self.taken += *n as u64,
            Err(error) => self.failed |= error.kind() != io::ErrorKind::Interrupted,
        }
        result
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let result = self.inner.fill_buf();
        if let Err(error) = &result {
            self.failed |= error.kind() != io::ErrorKind::Interrupted;
        }
        result
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount as u64;
        self.inner.consume(amount);
    }
}

/// Packed bytes in, text out.
pub(crate) struct Decoder(Kind);

enum Kind {
    Plain(Input),
    Gzip(Box<Members<Input>>),
    Zstd(ZstdDecoder<'static, Input>),
    Xz(XzDecoder<Input>),
}

impl Decoder {
    /// A decoder of `format` for `raw`, the first bytes of which were read already.
    pub(crate) fn new(format: Format, magic: Vec<u8>, raw: Box<dyn Read + Send>) -> io::Result<Self> {
        let raw = Cursor::new(magic).chain(raw);
        let input =
            Input { inner: BufReader::with_capacity(ARCHIVE_INPUT_BYTES, raw), taken: 0, failed: false };
        Ok(Self(match format {
            Format::Plain => Kind::Plain(input),
            Format::Gzip => Kind::Gzip(Box::new(Members::new(input))),
            Format::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(input)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Kind::Zstd(decoder)
            }
            Format::Xz => {
                let stream = XzStream::new_stream_decoder(XZ_MEMORY_BYTES, CONCATENATED)?;
                Kind::Xz(XzDecoder::new_stream(input, stream))
            }
        }))
    }

    /// How many packed bytes have been used.
    pub(crate) fn taken(&self) -> u64 {
        self.input().map_or(0, |input| input.taken)
    }

    /// Whether an error came from reading the file, not from what was in it.
    fn input_failed(&self) -> bool {
        self.input().is_some_and(|input| input.failed)
    }

    /// How many gzip members were begun; 1 for whatever has none.
    pub(crate) fn members(&self) -> u64 {
        if let Kind::Gzip(decoder) = &self.0 { decoder.count() } else { 1 }
    }

    fn input(&self) -> Option<&Input> {
        match &self.0 {
            Kind::Plain(input) => Some(input),
            Kind::Gzip(decoder) => decoder.get_ref(),
            Kind::Zstd(decoder) => Some(decoder.get_ref()),
            Kind::Xz(decoder) => Some(decoder.get_ref()),
        }
    }
}

impl Read for Decoder {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Plain(input) => input.read(buf),
            Kind::Gzip(decoder) => decoder.read(buf),
            Kind::Zstd(decoder) => decoder.read(buf),
            Kind::Xz(decoder) => decoder.read(buf),
        }
    }
}

/// What a decoder's error means for whoever reads the file; `offset` bytes of text came out before.
pub(crate) fn explain(
    path: &Path,
    decoder: &Decoder,
    format: Format,
    offset: u64,
    error: io::Error,
) -> SourceError {
    let (path, byte) = (path.to_owned(), decoder.taken());
    if decoder.input_failed() || format == Format::Plain {
        SourceError::Read { path, byte, error }
    } else if needs_memory(&error) {
        SourceError::NeedsMemory { path, format, limit_bytes: format.memory_limit() }
    } else {
        SourceError::Damaged { path, format, byte, offset, error }
    }
}

/// Whether a decoder gave up because the archive needs more memory than it may use.
fn needs_memory(error: &io::Error) -> bool {
    let xz = error.get_ref().and_then(|e| e.downcast_ref::<XzError>());
    // zstd's library hands on its message only; the text is fixed in its error table.
    matches!(xz, Some(XzError::MemLimit)) || error.to_string().contains("too much memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_seen_from_the_first_bytes() {
        assert_eq!(recognise(&[0x1f, 0x8b]), Ok(Format::Gzip));
        assert_eq!(recognise(&[0x52, 0x2a, 0x4d, 0x18, 0, 0, 0, 0, 0, 0]), Ok(Format::Zstd));
        assert_eq!(recognise(b"\xfd7zXZ\0\0\0\0\0"), Ok(Format::Xz));
        assert_eq!(recognise(b"BZh91AY&SY"), Err("bzip2"));
        assert_eq!(recognise(b"BZh is a word"), Ok(Format::Plain));
        assert_eq!(recognise(b""), Ok(Format::Plain));
    }
}
