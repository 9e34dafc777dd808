//! `stockade repair verify-record` and `stockade repair export`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::path::Path;

use serde_json::json;
use stockade_repair::{Engine, ShelfError, Verified, Verifier};
use stockade_runtime::repair::Need;

use crate::cli::{Global, RepairVerifyArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{json, out, raw, text};

/// A longer line is none of a record.
const MAX_LINE_BYTES: u64 = 4 << 20;

pub(super) fn verify(global: &Global, args: &RepairVerifyArgs) -> Outcome {
    let mut found = args.head.is_none();
    let mut look = |line: &str| {
        let head = args.head.as_deref().unwrap_or_default();
        found |= !head.is_empty() && line.get(HASH).is_some_and(|hash| hash.starts_with(head));
    };
    let checked = match &args.file {
        Some(file) => of_file(file, &mut look)?,
        None => {
            let program = super::program(global)?;
            of_shelf(&mut super::engine(&program, Need::Kept)?, &mut look)?
        }
    };
    let missing =
        || format!("no entry has the hash {}: what came after it, or the entry, is gone", shown(args));
    let outcome = match checked {
        Ok(verified) if found => Ok(verified),
        Ok(_) => Err(missing()),
        Err(why) => Err(why),
    };
    if global.json {
        match &outcome {
            Ok(verified) => {
                json::print(&json!({"whole": true, "lines": verified.lines, "head": verified.head}))?;
            }
            Err(why) => json::print(&json!({"whole": false, "why": why}))?,
        }
        return Ok(if outcome.is_ok() { Exit::Done } else { Exit::Failed });
    }
    let verified = outcome.map_err(|why| {
        Failure::new(Exit::Failed, why).hint(Some(
            "an entry was changed, taken out or put in; compare with a copy, such as `stockade repair export` makes",
        ))
    })?;
    let mut out = out();
    if verified.lines == 0 {
        writeln!(out, "the record is empty")?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    let lines = text::count(verified.lines, "line");
    let verb = if verified.lines == 1 { "follows" } else { "follow" };
    writeln!(out, "{lines} {verb} each other; the newest hash is {}", verified.head)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Where a line has its hash: behind `{"hash":"`.
const HASH: std::ops::Range<usize> = 9..73;

fn shown(args: &RepairVerifyArgs) -> String {
    text::shown(args.head.as_deref().unwrap_or_default()).into_owned()
}

type Checked = Result<Verified, String>;

fn of_shelf(engine: &mut Engine, look: &mut dyn FnMut(&str)) -> Result<Checked, Failure> {
    let verified = engine.verify_record().map_err(|error| super::failed(&error))?;
    engine
        .export(|line| -> Result<(), ShelfError> {
            look(line);
            Ok(())
        })
        .map_err(|error| Failure::new(Exit::Failed, &error))?;
    Ok(verified.map_err(|broken| broken.to_string()))
}

fn of_file(file: &Path, look: &mut dyn FnMut(&str)) -> Result<Checked, Failure> {
    let cannot = |error: &io::Error| {
        Failure::usage(format_args!("cannot read the record in `{}`: {error}", file.display()))
    };
    let mut from: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file).map_err(|error| cannot(&error))?))
    };
    let mut verifier = Verifier::default();
    loop {
        let mut line = Vec::new();
        let read = from.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
        if read.map_err(|error| cannot(&error))? == 0 {
            return Ok(Ok(verifier.end()));
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.strip_suffix('\n').unwrap_or(&line);
        if let Err(broken) = verifier.line(line) {
            return Ok(Err(broken.to_string()));
        }
        look(line);
    }
}

/// Why a line of the record was not printed.
enum Stop {
    Shelf(ShelfError),
    Output(io::Error),
}

impl From<ShelfError> for Stop {
    fn from(error: ShelfError) -> Self {
        Self::Shelf(error)
    }
}

pub(super) fn export(global: &Global) -> Outcome {
    let program = super::program(global)?;
    let mut engine = super::engine(&program, Need::Kept)?;
    let mut out = raw();
    let printed = engine.export(|line| writeln!(out, "{line}").map_err(Stop::Output));
    match printed {
        Ok(()) => {}
        Err(Stop::Shelf(error)) => return Err(Failure::new(Exit::Failed, &error)),
        Err(Stop::Output(error)) => return Err(error.into()),
    }
    out.flush()?;
    Ok(Exit::Done)
}
