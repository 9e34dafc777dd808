//! Comma-separated values as RFC 4180 has them, and safe for spreadsheets.

use std::io::{self, Write};

/// Writes one record. A field that a spreadsheet would take for a formula gets an apostrophe in front: user names are
/// chosen by attackers.
pub(crate) fn record<'f>(out: &mut impl Write, fields: impl IntoIterator<Item = &'f str>) -> io::Result<()> {
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let quoted = formula || field.contains(['"', ',', '\n', '\r']);
        match quoted {
            true => write!(out, "\"{}{}\"", if formula { "'" } else { "" }, field.replace('"', "\"\""))?,
            false => out.write_all(field.as_bytes())?,
        }
    }
    out.write_all(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut out = Vec::new();
        record(&mut out, ["192.0.2.1", "a,b", "say \"hi\"", "=1+1", ""]).unwrap();
        assert_eq!(out, b"192.0.2.1,\"a,b\",\"say \"\"hi\"\"\",\"'=1+1\",\r\n");
    }
}
