//! How generated text is laid out.

use std::fmt::Write as _;

/// Widest line, where it can be helped.
pub(super) const WIDTH: usize = 128;

/// JSON on lines of some width, in YAML's flow style: JSON is YAML. Broken after commas only.
pub(super) fn flow(json: &str, indent: usize, width: usize) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for piece in pieces(json) {
        let space = usize::from(!line.is_empty());
        if !line.is_empty() && indent + line.len() + space + piece.len() > width {
            writeln!(text, "{:indent$}{line}", "").ok();
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&piece);
    }
    if !line.is_empty() {
        writeln!(text, "{:indent$}{line}", "").ok();
    }
    text
}

/// The text in pieces that each end with a comma, with a space after each colon. Texts stay whole.
fn pieces(json: &str) -> Vec<String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let (mut inside, mut escaped) = (false, false);
    for c in json.chars() {
        piece.push(c);
        match c {
            '"' if !escaped => inside = !inside,
            ':' if !inside => piece.push(' '),
            ',' if !inside => pieces.push(std::mem::take(&mut piece)),
            _ => {}
        }
        escaped = inside && c == '\\' && !escaped;
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// A text in quotes, as JSON, YAML and Terraform have them.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `watch-events-1` is `WatchEvents1`.
pub(super) fn camel(name: &str) -> String {
    let mut camel = String::new();
    for word in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_the_same_json() {
        let json = r#"{"a":["x, y","q\"u:o,te\\"],"$or":[{"b":[{"prefix":"p"}]},{"c":[1,true]}]}"#;
        for width in [10, 40, 200] {
            let laid_out = flow(json, 2, width);
            let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(same(&laid_out), same(json), "{laid_out}");
            assert!(laid_out.lines().all(|line| line.starts_with("  ")), "{laid_out}");
        }
        assert_eq!(flow("[1,2]", 0, 80), "[1, 2]\n");
    }

    #[test]
    fn names() {
        assert_eq!(camel("watch-events-1"), "WatchEvents1");
        assert_eq!(camel("trail-stopped"), "TrailStopped");
    }
}
