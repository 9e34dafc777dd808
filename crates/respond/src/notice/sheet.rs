//! A message as people read it, before it is plain text or Slack's.
//!
//! What others wrote is always a [`Piece::Code`], so that a form knows what it must not read.

use stockade_core::Timestamp;

use super::clean;
use super::message::{Message, MessageKind};
use super::story::{MAX_TEXT, Story, What, time_text};

/// A message as people read it.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    pub(super) sections: Vec<Section>,
    /// Small print.
    pub(super) footer: Vec<Piece>,
}

/// A part of a sheet.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) heading: &'static str,
    pub(super) rows: Vec<Row>,
}

/// One line of a sheet.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// What it is; empty: the line speaks for itself.
    pub(super) label: &'static str,
    pub(super) pieces: Vec<Piece>,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Our own words.
    Words(String),
    /// What others wrote, or what is to be copied as it is.
    Code(String),
    /// An address that is ours, to be followed.
    Link(String),
}

impl Message {
    /// The message for people.
    pub(super) fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::default();
        let worst = self.stories.first();
        match (self.kind, worst) {
            (MessageKind::Summary, _) | (_, None) => {
                let more = "There were more notices than may be sent by this road at once. By rule:";
                let mut rows = vec![Row::plain(vec![words(more)])];
                rows.extend(self.rules.rows());
                rows.push(Row::of("time", vec![words(&self.span())]));
                sheet.sections.push(Section { heading: "What happened", rows });
                let look = worst.map(|_| "stockade why KEY").unwrap_or_default();
                let rows = vec![Row::plain(vec![words("Each is on record: "), code(look)])];
                sheet.sections.push(Section { heading: "What was done", rows });
            }
            (kind, Some(story)) => {
                sheet.sections.push(Section { heading: "What happened", rows: happened(story) });
                if kind == MessageKind::Group {
                    sheet.sections.push(Section { heading: "And more of it", rows: self.more() });
                }
                let done = done(story).into_iter().map(Row::plain).collect();
                sheet.sections.push(Section { heading: "What was done", rows: done });
                let answers = answers(story);
                if !answers.is_empty() {
                    sheet.sections.push(Section { heading: "What you can answer", rows: answers });
                }
                sheet.sections.push(Section { heading: "How to undo it", rows: self.undo(story) });
                sheet.footer = vec![words("more: "), Piece::Code(story.look())];
                if let Some(repair) = story.repair.as_ref().filter(|repair| !repair.mark.is_empty()) {
                    let mark = clean::line(&repair.mark, MAX_TEXT);
                    sheet.footer.extend([words(" · record "), Piece::Code(mark)]);
                }
                if let Some(id) = story.evidence {
                    sheet.footer.extend([words(" · evidence "), Piece::Code(format!("{:032x}", id.0))]);
                }
            }
        }
        if !self.host.is_empty() {
            let dot = if sheet.footer.is_empty() { "" } else { " · " };
            sheet.footer.extend([words(dot), words("told by "), code(&self.host)]);
        }
        sheet
    }

    /// What the other notices of a group say.
    fn more(&self) -> Vec<Row> {
        let count = format!("{} in all, {}", self.count, self.span());
        vec![
            Row::of("notices", vec![Piece::Words(count)]),
            Row::of("about", key_pieces(&self.keys, self.more_keys)),
        ]
    }

    /// The ways back; of several repairs, those of each.
    fn undo(&self, worst: &Story) -> Vec<Row> {
        let all = self.stories.iter().filter(|story| story.repair.is_some());
        let mut ways: Vec<String> = all.flat_map(Story::ways_back).collect();
        if ways.is_empty() {
            ways = worst.ways_back();
        }
        if ways.is_empty() {
            return vec![Row::plain(vec![words("Nothing was changed, so there is nothing to undo.")])];
        }
        ways.into_iter().map(|way| Row::plain(vec![Piece::Code(way)])).collect()
    }

    fn span(&self) -> String {
        if self.first == self.last {
            return time_text(self.first);
        }
        format!("{} to {}", time_text(self.first), time_text(self.last))
    }
}

impl Row {
    pub(super) fn of(label: &'static str, pieces: Vec<Piece>) -> Self {
        Self { label, pieces }
    }

    pub(super) fn plain(pieces: Vec<Piece>) -> Self {
        Self { label: "", pieces }
    }
}

fn words(text: &str) -> Piece {
    Piece::Words(text.to_owned())
}

fn code(text: &str) -> Piece {
    Piece::Code(text.to_owned())
}

/// Keys one after the other, and how many more there are.
pub(super) fn key_pieces(keys: &[String], more: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for key in keys {
        if !pieces.is_empty() {
            pieces.push(words(", "));
        }
        pieces.push(code(key));
    }
    if more > 0 {
        pieces.push(Piece::Words(format!(" and {more} more")));
    }
    pieces
}

fn happened(story: &Story) -> Vec<Row> {
    let facts = &story.facts;
    let mut rows = Vec::new();
    let mut row = |label, pieces| rows.push(Row::of(label, pieces));
    let name = |text: &str| clean::line(text, MAX_TEXT);
    if let (Some(_), Some(about)) = (&story.repair, &story.about) {
        let playbook = about.playbook.as_deref().unwrap_or_default();
        row("repair", vec![Piece::Code(name(&format!("{} {playbook}", about.description)))]);
    } else if let Some(about) = &story.about {
        let mut rule = vec![Piece::Code(name(&story.rule))];
        if let Some(playbook) = &about.playbook {
            rule.extend([words(", playbook "), Piece::Code(name(playbook))]);
        }
        row("rule", rule);
    } else {
        row("jail", vec![Piece::Code(name(&story.jail))]);
    }
    if let Some(event) = &facts.name {
        let mut pieces = vec![code(event)];
        if let Some(source) = &facts.source {
            pieces.extend([words(" of "), code(source)]);
        }
        row("event", pieces);
    }
    row("about", vec![Piece::Code(story.key_text())]);
    for (label, fact) in [
        ("actor", &facts.actor),
        ("user", &facts.user),
        ("through", &facts.invoked_by),
        ("from", &facts.address),
        ("with", &facts.agent),
        ("error", &facts.error),
        ("account", &facts.account),
        ("region", &facts.region),
        ("record", &facts.line),
    ] {
        if let Some(fact) = fact {
            row(label, vec![code(fact)]);
        }
    }
    row("time", vec![words(&time_text(story.at))]);
    if story.repair.is_some() {
        if !story.reason.is_empty() {
            row("found", vec![code(&story.reason)]);
        }
    } else if !story.reason.is_empty() && story.matches != 1 {
        row("why", vec![code(&story.reason)]);
    }
    rows
}

/// What a person may answer, each with its link or command.
fn answers(story: &Story) -> Vec<Row> {
    let piece = |how: &String| match how.starts_with("https://") || how.starts_with("http://") {
        true => Piece::Link(how.clone()),
        false => Piece::Code(clean::line(how, 4 * MAX_TEXT)),
    };
    story.answers().iter().map(|(word, how)| Row::of(word, vec![piece(how)])).collect()
}

/// What was done, line by line.
pub(super) fn done(story: &Story) -> Vec<Vec<Piece>> {
    let key = Piece::Code(story.key_text());
    let jail = Piece::Code(clean::line(&story.jail, MAX_TEXT));
    let decided = match story.what {
        What::Notify => vec![words("Nothing was changed: this rule only tells.")],
        What::Repair | What::CameTo(_) if !story.done.is_empty() => Vec::new(),
        What::CameTo(_) => vec![words("Nothing was changed.")],
        What::Repair => {
            let playbook = story.about.as_ref().and_then(|about| about.playbook.as_deref());
            let playbook =
                playbook.map(|name| [words(" by the playbook "), Piece::Code(clean::line(name, MAX_TEXT))]);
            let mut pieces = vec![words("A repair was ordered")];
            pieces.extend(playbook.into_iter().flatten());
            pieces.push(words(". What comes of it is on its own record."));
            pieces
        }
        What::Ban { until, extends, nth } => {
            let verb = if extends { " stays banned in jail " } else { " was banned in jail " };
            let until = match until {
                Timestamp::MAX => " for ever".to_owned(),
                until => format!(" until {}", time_text(until)),
            };
            let nth = if nth > 1 { format!(", the {nth}. time") } else { String::new() };
            vec![key, words(verb), jail, Piece::Words(format!("{until}{nth}."))]
        }
        What::Unban => vec![key, words(" was let in again in jail "), jail, words(".")],
    };
    let more = story.report().map(|line| vec![Piece::Code(line)]);
    std::iter::once(decided).filter(|line| !line.is_empty()).chain(more).collect()
}

/// The pieces as plain text.
pub(super) fn text_of(pieces: &[Piece]) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Words(text) | Piece::Code(text) | Piece::Link(text) => text.clone(),
    };
    pieces.iter().map(text).collect()
}
