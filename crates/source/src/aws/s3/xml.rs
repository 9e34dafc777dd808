//! The XML of S3's listings, which is flat: elements without attributes, one in the other, twice deep.

use std::borrow::Cow;

/// The text of the first element of this name; the rest of the XML is not looked at.
pub(super) fn text<'x>(xml: &'x str, name: &str) -> Option<Cow<'x, str>> {
    elements(xml, name).next().map(unescaped)
}

/// What stands in each element of this name, which holds none of the same name.
pub(super) fn elements<'x>(xml: &'x str, name: &str) -> impl Iterator<Item = &'x str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (inside, after) = after.split_once(&close)?;
        rest = after;
        Some(inside)
    })
}

/// Character references read; what is none stands for itself.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match after.split_once(';').and_then(|(name, after)| Some((character(name)?, after))) {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_their_texts() {
        let xml = "<R><Name>b</Name><C><Key>a&amp;b&#x20;&#33;&lt;&bogus;&</Key><Size>1</Size></C><C><Key>c</Key></C></R>";
        let keys: Vec<_> = elements(xml, "C").map(|one| text(one, "Key").unwrap().into_owned()).collect();
        assert_eq!(keys, ["a&b !<&bogus;&", "c"]);
        assert_eq!((text(xml, "Name").as_deref(), text(xml, "None")), (Some("b"), None));
        assert_eq!(elements("<C><C>", "C").count(), 0);
    }
}
