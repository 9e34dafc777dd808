//! `stockade config show`: every value in effect, with its origin.

use std::io::Write as _;

use serde::Serialize;

use crate::cli::Global;
use crate::config;
use crate::exit::{Exit, Outcome};
use crate::output;
use crate::output::style::FAINT;
use crate::output::table::{self, Cell};
use crate::output::text::shown;

/// A value, for programs.
#[derive(Serialize)]
struct Told<'c> {
    section: &'c str,
    key: &'c str,
    value: &'c str,
    origin: String,
}

pub(super) fn run(global: &Global) -> Outcome {
    let config = config::load_whole(global).map_err(|problems| config::refused(&problems))?;
    let rows = config.origin_table();
    if global.json {
        let told = rows.iter().map(|row| Told {
            section: &row.section,
            key: &row.key,
            value: &row.value,
            origin: row.origin.to_string(),
        });
        output::json::print(&told.collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let mut out = output::out();
    let heads = [table::text("SECTION"), table::text("KEY"), table::text("ORIGIN"), table::text("VALUE")];
    let cells = rows.iter().map(|row| {
        let section = Cell::from(shown(&row.section));
        [
            section,
            shown(&row.key).into(),
            Cell::new(shown(&row.origin.to_string()), FAINT),
            shown(&row.value).into(),
        ]
    });
    table::print(&mut out, heads, cells, output::columns())?;
    out.flush()?;
    Ok(Exit::Done)
}
