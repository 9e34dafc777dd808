//! What `stockade repair check` shows: how everything is, and what would be done.

use std::fmt::Write as _;

use serde::Serialize;

use crate::Mode;
use crate::count::{Count, without_trail};
use crate::playbook::{Cannot, Plan, Subject, Trouble, Verdict};

/// How everything is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Each thing that was looked at.
    pub rows: Vec<Row>,
    /// What could not be looked at.
    pub troubles: Vec<Trouble>,
    /// How many things there are, by playbook and account.
    pub counts: Vec<Count>,
}

/// One thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The playbook that judged it.
    pub playbook: String,
    /// What it is.
    pub subject: Subject,
    /// Its name for people.
    pub name: String,
    /// How it is.
    pub verdict: Verdict,
    /// How far the playbook may go there now.
    pub mode: Mode,
    /// What would be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Why nothing can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cannot: Option<Cannot>,
}

impl Report {
    /// The accounts without any trail: what is called there is recorded nowhere.
    pub fn without_trail(&self) -> Vec<&str> {
        without_trail(&self.counts, &self.troubles)
    }

    /// For scripts: 0 all is good, 1 something is bad, 2 something could not be looked at.
    pub fn exit_code(&self) -> u8 {
        if !self.troubles.is_empty() {
            2
        } else {
            u8::from(self.rows.iter().any(|row| matches!(row.verdict, Verdict::Bad(_))))
        }
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let mut lines = vec![["PLAYBOOK", "WHERE", "WHAT", "IS", "MODE"].map(str::to_owned)];
        for row in &self.rows {
            let is = match &row.verdict {
                Verdict::Good => "good".to_owned(),
                Verdict::Bad(says) => format!("BAD: {says}"),
                Verdict::Tell(says) => format!("note: {says}"),
                Verdict::NotOurs(says) => format!("not ours: {says}"),
            };
            lines.push([
                row.playbook.clone(),
                row.subject.place.to_string(),
                row.name.clone(),
                is,
                row.mode.to_string(),
            ]);
        }
        for Trouble { place, what, fault } in &self.troubles {
            lines.push(["".into(), place.to_string(), what.clone(), format!("UNKNOWN: {fault}"), "".into()]);
        }
        let mut widths = [0; 5];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut table = String::new();
        for line in &lines {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(widths) {
                let _ = write!(text, "{cell:width$}  ");
            }
            table.push_str(text.trim_end());
            table.push('\n');
        }
        table
    }
}
