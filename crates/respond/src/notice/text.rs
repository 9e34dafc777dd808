//! A message as plain text: e-mail, SNS, a log.

use super::clean;
use super::message::Message;
use super::sheet::{Row, text_of};

/// The column in which values begin.
const COLUMN: usize = 10;
/// How long the subject of an e-mail may be, in characters.
const MAX_SUBJECT: usize = 180;
/// How long SNS lets a subject be.
const MAX_ASCII_SUBJECT: usize = 100;

impl Message {
    /// The whole message, with a line break at its end.
    pub fn text(&self) -> String {
        let mut text = format!("[{}] {}\n", self.severity, self.title);
        let sheet = self.sheet();
        for section in &sheet.sections {
            text += &format!("\n{}\n", section.heading);
            for row in &section.rows {
                text += &format!("  {}\n", row_text(row));
            }
        }
        if !sheet.footer.is_empty() {
            text += &format!("\n{}\n", text_of(&sheet.footer));
        }
        text
    }

    /// What stands above it.
    pub fn subject(&self) -> String {
        clean::line(&format!("[Stockade] [{}] {}", self.severity, self.title), MAX_SUBJECT)
    }

    /// By what a message can be told from others: `severity`, `type`, and the `rule` if there is one for all.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes =
            vec![("severity", self.severity.name().to_owned()), ("type", self.kind.name().to_owned())];
        if let [of] = &*self.rules.rules {
            attributes.push(("rule", clean::line(&of.rule, MAX_SUBJECT)));
        }
        attributes.retain(|(_, value)| !value.is_empty());
        attributes
    }

    /// The same in at most 100 characters of ASCII, which is what SNS takes.
    pub fn ascii_subject(&self) -> String {
        let ascii = |c: char| match c {
            '×' => 'x',
            ' '..='~' => c,
            _ => '?',
        };
        let subject: String = self.subject().chars().map(ascii).take(MAX_ASCII_SUBJECT).collect();
        subject.trim_end().to_owned()
    }
}

fn row_text(row: &Row) -> String {
    let value = text_of(&row.pieces);
    if row.label.is_empty() { value } else { format!("{:<COLUMN$}{value}", row.label) }
}
