//! A message as Slack shows it: blocks, in which nothing that others wrote is a link, a mention or a format.

use serde_json::{Value, json};

use super::message::Message;
use super::sheet::{Piece, Row, Section};

/// How long a header may be, in characters; Slack refuses longer ones.
const MAX_HEADER: usize = 150;
/// How long the text of a section may be; Slack allows 3000 characters.
const MAX_SECTION: usize = 2900;

impl Message {
    /// The body for an incoming webhook of Slack.
    pub fn slack(&self) -> Value {
        let title = format!("[{}] {}", self.severity, self.title);
        let header: String = title.chars().take(MAX_HEADER).collect();
        let sheet = self.sheet();
        let mut blocks = vec![json!({
            "type": "header",
            "text": {"type": "plain_text", "text": header, "emoji": false},
        })];
        blocks.extend(sheet.sections.iter().map(|section| {
            json!({"type": "section", "text": {"type": "mrkdwn", "text": section_text(section), "verbatim": true}})
        }));
        if !sheet.footer.is_empty() {
            let text = bounded(pieces_text(&sheet.footer));
            let element = json!({"type": "mrkdwn", "text": text, "verbatim": true});
            blocks.push(json!({"type": "context", "elements": [element]}));
        }
        json!({"text": escaped(&title), "blocks": blocks})
    }
}

fn section_text(section: &Section) -> String {
    let mut text = format!("*{}*", section.heading);
    let mut length = text.chars().count();
    for row in &section.rows {
        let line = row_text(row);
        length += 1 + line.chars().count();
        if length > MAX_SECTION {
            return text + "\n…";
        }
        text += "\n";
        text += &line;
    }
    text
}

fn row_text(row: &Row) -> String {
    let value = pieces_text(&row.pieces);
    if row.label.is_empty() { format!("• {value}") } else { format!("{}: {value}", row.label) }
}

fn pieces_text(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Words(text) => escaped(text),
            Piece::Code(text) if text.is_empty() => String::new(),
            Piece::Link(address) => format!("<{}>", escaped(&address.replace(['|', '<', '>'], ""))),
            // Within backticks Slack sees neither formats nor links; a backtick would end it.
            Piece::Code(text) => format!("`{}`", escaped(&text.replace('`', "'"))),
        })
        .collect()
}

/// The three characters that Slack wants escaped, and no others.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// At most as much as a section takes.
fn bounded(text: String) -> String {
    if text.chars().count() <= MAX_SECTION { text } else { text.chars().take(MAX_SECTION).collect() }
}
