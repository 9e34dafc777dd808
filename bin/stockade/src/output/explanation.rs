//! Why an event pattern matches an event or does not, for people: what holds, what fails, the nearest combination first.

use std::io::{self, Write};

use stockade_pattern::{BranchExplanation, Explanation, FieldExplanation, Verdict};

use super::style::{BAD, FAINT, GOOD, NOTE};
use super::text::{count, shown, width};

/// How many combinations that do not hold are shown, those that came nearest.
const MAX_COMBINATIONS: usize = 3;

/// How many alternatives of a field are shown.
const MAX_WANTED: usize = 10;

/// Paths are aligned up to this width.
const MAX_PATH: usize = 48;

/// The verdicts stand in a column of this width.
const LABEL: usize = 8;

/// Prints the verdict, then its reasons. `all` shows every combination.
pub(crate) fn print(
    out: &mut impl Write,
    explanation: &Explanation,
    indent: &str,
    all: bool,
) -> io::Result<()> {
    let (style, text) = if explanation.matched { (GOOD, "match") } else { (BAD, "no match") };
    writeln!(out, "{indent}{style}{text}{style:#}")?;
    reasons(out, explanation, indent, all)
}

/// Prints the reasons alone.
pub(crate) fn reasons(
    out: &mut impl Write,
    explanation: &Explanation,
    indent: &str,
    all: bool,
) -> io::Result<()> {
    let branches = &explanation.branches;
    let inner = format!("{indent}  ");
    if let [only] = branches.as_slice() {
        fields(out, only.fields.iter(), &inner)?;
        return remarks(out, only, &inner);
    }
    let common = common(branches);
    fields(out, common.iter().copied(), &inner)?;
    let (holding, failing): (Vec<_>, Vec<_>) =
        nearest(explanation).into_iter().partition(|(_, branch)| branch.matched);
    let total = count(branches.len() as u64, "combination");
    if holding.is_empty() {
        writeln!(out, "{inner}none of {total} of `$or` holds, the nearest first:")?;
    } else {
        writeln!(
            out,
            "{inner}{} of {total} of `$or` hold{}",
            holding.len(),
            if holding.len() == 1 { "s" } else { "" }
        )?;
    }
    let of_interest = if holding.is_empty() { &failing } else { &holding };
    let most = if all { usize::MAX } else { MAX_COMBINATIONS };
    for (number, branch) in of_interest.iter().take(most) {
        let own: Vec<&FieldExplanation> =
            branch.fields.iter().filter(|field| !common.contains(field)).collect();
        let missed = own.iter().filter(|field| field.verdict != Verdict::Holds).count();
        let told = if branch.matched {
            String::new()
        } else {
            format!(": {missed} of {}", fails(own.len(), missed))
        };
        writeln!(out, "{inner}combination {}{told}", number + 1)?;
        let deeper = format!("{inner}  ");
        fields(out, own.into_iter(), &deeper)?;
        remarks(out, branch, &deeper)?;
    }
    let left = of_interest.len().saturating_sub(most);
    if left > 0 {
        let further = count(left as u64, "combination");
        writeln!(out, "{inner}{FAINT}and {further} more; `-v` shows all{FAINT:#}")?;
    }
    Ok(())
}

fn fails(fields: usize, missed: usize) -> String {
    format!("{} {}", count(fields as u64, "field"), if missed == 1 { "fails" } else { "fail" })
}

/// The combinations with their places, the nearest first: those that hold, then by how many fields fail.
pub(crate) fn nearest(explanation: &Explanation) -> Vec<(usize, &BranchExplanation)> {
    let mut branches: Vec<_> = explanation.branches.iter().enumerate().collect();
    branches.sort_by_key(|(_, branch)| {
        let fails = |field: &FieldExplanation| field.verdict != Verdict::Holds;
        let missed = branch.fields.iter().filter(|field| fails(field)).count();
        // Of two that fail in as much: paths that say what an event is sort before those of its details.
        let held = branch.fields.iter().position(fails);
        (!branch.matched, missed, std::cmp::Reverse(held))
    });
    branches
}

/// How far a pattern is from matching: how many fields fail in the nearest combination, and of how many.
pub(crate) fn distance(explanation: &Explanation) -> (bool, usize, usize) {
    let Some((_, branch)) = nearest(explanation).into_iter().next() else { return (true, usize::MAX, 0) };
    let missed = branch.fields.iter().filter(|field| field.verdict != Verdict::Holds).count();
    (!explanation.matched, missed, branch.fields.len())
}

/// Why an event does not match, in one line: the first field that fails in the nearest combination. It is safe to show.
pub(crate) fn first_reason(explanation: &Explanation) -> String {
    let Some((_, branch)) = nearest(explanation).into_iter().next() else { return String::new() };
    let Some(field) = branch.fields.iter().find(|field| field.verdict != Verdict::Holds) else {
        return if branch.inconsistent { INCONSISTENT.to_owned() } else { String::new() };
    };
    let path = shown(&field.path);
    let wanted = field.wanted.iter().map(|wanted| shown(wanted)).collect::<Vec<_>>().join(" or ");
    match field.verdict {
        Verdict::Missing => format!("{path} is missing, wanted {wanted}"),
        Verdict::Present => format!("{path} is {}, must be absent", found(&field.found, field.values)),
        _ => format!("{path} is {}, wanted {wanted}", found(&field.found, field.values)),
    }
}

/// The name of a verdict, for programs.
pub(crate) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Missing => "missing",
        Verdict::Present => "present",
        Verdict::Differs => "differs",
        _ => "other",
    }
}

const INCONSISTENT: &str =
    "every field holds by itself, but not all of them in the same elements of the event's arrays";

/// The fields that are the same in all combinations.
fn common(branches: &[BranchExplanation]) -> Vec<&FieldExplanation> {
    let Some((first, others)) = branches.split_first() else { return Vec::new() };
    let same = |field: &&FieldExplanation| others.iter().all(|branch| branch.fields.contains(field));
    first.fields.iter().filter(same).collect()
}

fn fields<'f>(
    out: &mut impl Write,
    fields: impl Iterator<Item = &'f FieldExplanation> + Clone,
    indent: &str,
) -> io::Result<()> {
    let paths = fields.clone().map(|field| width(&shown(&field.path)));
    let column = paths.filter(|width| *width <= MAX_PATH).max().unwrap_or(0);
    for field in fields {
        self::field(out, field, indent, column)?;
    }
    Ok(())
}

fn field(out: &mut impl Write, field: &FieldExplanation, indent: &str, column: usize) -> io::Result<()> {
    let (style, label) = match field.verdict {
        Verdict::Holds => (GOOD, "ok"),
        Verdict::Missing => (BAD, "missing"),
        Verdict::Present => (BAD, "present"),
        _ => (BAD, "differs"),
    };
    let path = shown(&field.path);
    let gap = column.saturating_sub(width(&path));
    write!(out, "{indent}{style}{label:LABEL$}{style:#} {path}{:gap$}  ", "")?;
    match (field.verdict, field.values) {
        (Verdict::Holds, 0) => writeln!(out, "{FAINT}absent, as wanted{FAINT:#}")?,
        (Verdict::Holds, values) => writeln!(out, "{}", found(&field.found, values))?,
        (Verdict::Missing, _) => writeln!(out, "the event has no such value")?,
        (_, values) => writeln!(out, "is {}", found(&field.found, values))?,
    }
    if field.verdict == Verdict::Holds {
        return Ok(());
    }
    let room = indent.len() + LABEL + 1;
    let (mut label, more) = ("wanted", "or");
    for wanted in field.wanted.iter().take(MAX_WANTED) {
        writeln!(out, "{:room$}{NOTE}{label:>6}{NOTE:#} {}", "", shown(wanted))?;
        label = more;
    }
    let left = field.wanted.len().saturating_sub(MAX_WANTED);
    if left > 0 {
        writeln!(out, "{:room$}{NOTE}{label:>6}{NOTE:#} one of {left} more", "")?;
    }
    for other in &field.compared {
        let path = shown(&other.path);
        let values = match other.values {
            0 => ", of which the event has no value".to_owned(),
            values => format!(": {}", found(&other.found, values)),
        };
        writeln!(out, "{:room$}{NOTE}beside{NOTE:#} {path}{values}", "")?;
    }
    for inside in &field.inside {
        match inside {
            None => writeln!(out, "{:room$}{NOTE}inside{NOTE:#} it is no JSON object", "")?,
            Some(explanation) => {
                writeln!(out, "{:room$}{NOTE}inside{NOTE:#}", "")?;
                reasons(out, explanation, &" ".repeat(room), false)?;
            }
        }
    }
    Ok(())
}

fn found(values: &[String], total: usize) -> String {
    let mut text = values.iter().map(|value| shown(value)).collect::<Vec<_>>().join(", ");
    if total > values.len() {
        text += &format!(" and {} more", total - values.len());
    }
    text
}

fn remarks(out: &mut impl Write, branch: &BranchExplanation, indent: &str) -> io::Result<()> {
    if branch.inconsistent {
        writeln!(out, "{indent}{BAD}{INCONSISTENT}{BAD:#}")?;
    }
    if branch.undecided {
        writeln!(
            out,
            "{indent}{NOTE}the event's arrays are too large to decide it: it counts as a match{NOTE:#}"
        )?;
    }
    Ok(())
}
