//! The members of a gzip file, one after the other.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Unpacks all members and counts them. Zeros after the last one are the padding of a tape or a block device; anything
/// else there is an error, after everything before was delivered.
pub(crate) struct Members<R> {
    /// `None` only while one member's decoder is replaced by the next one's.
    member: Option<GzDecoder<R>>,
    count: u64,
    ended: bool,
}

impl<R: BufRead> Members<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { member: Some(GzDecoder::new(input)), count: 1, ended: false }
    }

    /// How many members were begun.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn get_ref(&self) -> Option<&R> {
        self.member.as_ref().map(GzDecoder::get_ref)
    }

    /// Goes on to the next member, if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(member) = &mut self.member else { return Ok(()) };
        let input = member.get_mut();
        let mut padded = false;
        loop {
            let rest = input.fill_buf()?;
            match rest.iter().position(|byte| *byte != 0) {
                None if rest.is_empty() => {
                    self.ended = true;
                    return Ok(());
                }
                None => {
                    let zeros = rest.len();
                    padded = true;
                    input.consume(zeros);
                }
                Some(0) if !padded && rest.first() == Some(&0x1f) => break,
                Some(zeros) => {
                    input.consume(zeros);
                    self.ended = true;
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "behind the last member stands something that is no gzip",
                    ));
                }
            }
        }
        self.member = self.member.take().map(|member| GzDecoder::new(member.into_inner()));
        self.count += 1;
        Ok(())
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buf.is_empty() {
            let Some(member) = &mut self.member else { break };
            match member.read(buf)? {
                0 => self.next_member()?,
                n => return Ok(n),
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    }

    fn read(packed: &[u8]) -> (Vec<u8>, u64, Option<io::ErrorKind>) {
        // Few bytes at a time, so that members and paddings lie across the ends of buffers.
        let mut members = Members::new(io::BufReader::with_capacity(3, packed));
        let mut text = Vec::new();
        let error = members.read_to_end(&mut text).err().map(|error| error.kind());
        (text, members.count(), error)
    }

    #[test]
    fn every_member_is_read_and_counted() {
        assert_eq!(read(&gzip(b"one")), (b"one".to_vec(), 1, None));
        let many = [gzip(b"a"), gzip(b""), gzip(b"b"), gzip(b"")].concat();
        assert_eq!(read(&many), (b"ab".to_vec(), 4, None));
        assert_eq!(read(&[gzip(b"a"), vec![0; 1000]].concat()), (b"a".to_vec(), 1, None));
    }

    #[test]
    fn what_stands_behind_is_an_error_after_the_text() {
        let invalid = Some(io::ErrorKind::InvalidData);
        assert_eq!(read(&[gzip(b"a"), b"{}".to_vec()].concat()), (b"a".to_vec(), 1, invalid));
        assert_eq!(read(&[gzip(b"a"), vec![0; 5], gzip(b"b")].concat()), (b"a".to_vec(), 1, invalid));
        let torn = [gzip(b"a"), gzip(b"bcdef")[..12].to_vec()].concat();
        let (text, members, error) = read(&torn);
        assert_eq!((&text[..1], members, error.is_some()), (&b"a"[..], 2, true));
    }
}
