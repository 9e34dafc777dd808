//! An explanation for people.

use std::io::Write;

use stockade_core::{BanTime, Seen};
use stockade_filter::{ReadDate, Verdict};

use super::{Judgement, Standing};
use crate::exit::Failure;
use crate::output::style::{BAD, FAINT, GOOD, HEAD, NOTE};
use crate::output::text::{count, shown, span, width};
use crate::output::{self, Out};

type Judged = Result<(Vec<u8>, Vec<Judgement>), Failure>;

/// How many filters that do not match are shown in full, those that came nearest.
const MAX_MISSES: usize = 3;

/// The names of the parts stand in a column of this width.
const LABEL: usize = 9;

pub(super) fn print(lines: &mut dyn Iterator<Item = Judged>) -> Result<(), Failure> {
    let mut out = output::out();
    for (at, judged) in lines.enumerate() {
        let (line, mut judgements) = judged?;
        if at > 0 {
            writeln!(out)?;
        }
        part(&mut out, "line", &shown(&String::from_utf8_lossy(&line)))?;
        judgements.sort_by_key(|judgement| std::cmp::Reverse(nearness(&judgement.explanation.verdict)));
        let matched =
            judgements.iter().filter(|j| matches!(j.explanation.verdict, Verdict::Matched { .. })).count();
        let in_full = if matched > 0 { matched } else { judgements.len().min(MAX_MISSES) };
        let (shown_in_full, others) = judgements.split_at_checked(in_full).unwrap_or((&judgements, &[]));
        let mut dated = None;
        for judgement in shown_in_full {
            let date = &judgement.explanation.date;
            if dated.replace(date) != Some(date) {
                self::date(&mut out, judgement)?;
            }
            verdict(&mut out, judgement)?;
        }
        if !others.is_empty() {
            let names: Vec<_> = others.iter().map(|judgement| &*judgement.jail).collect();
            part(&mut out, "no match", &format!("{FAINT}in jail {}{FAINT:#}", names.join(", ")))?;
        }
        out.flush()?;
    }
    Ok(())
}

/// Matches before regexes that stopped, regexes before prefixes that stopped; the furthest first.
fn nearness(verdict: &Verdict) -> (u8, usize) {
    match verdict {
        Verdict::Matched { .. } => (2, 0),
        Verdict::NoRegex { nearest, .. } => (1, nearest.first().map_or(0, |nearest| nearest.2)),
        Verdict::NotOurs { reached } => (0, *reached),
        _ => (0, 0),
    }
}

fn part(out: &mut Out, label: &str, text: &str) -> std::io::Result<()> {
    writeln!(out, "{HEAD}{label:LABEL$}{HEAD:#} {text}")
}

fn date(out: &mut Out, judgement: &Judgement) -> std::io::Result<()> {
    let explanation = &judgement.explanation;
    match &explanation.date {
        Some(ReadDate { text, time, template }) => {
            let clock = &judgement.clock;
            let told = match time {
                Some(time) => format!("{} ({})", clock.show(*time), clock.zone()),
                None => format!("{BAD}no such date{BAD:#}: taken as now"),
            };
            part(out, "date", &format!("{told}, read from `{}` as {}", shown(text), shown(template)))?;
        }
        None => part(
            out,
            "date",
            &format!("{BAD}none found{BAD:#}: taken as now, if the line is new; passed over in a scan"),
        )?,
    }
    part(out, "rest", &format!("`{}`", shown(&explanation.rest)))
}

fn verdict(out: &mut Out, judgement: &Judgement) -> std::io::Result<()> {
    let explanation = &judgement.explanation;
    let of = if explanation.filter == *judgement.jail {
        format!("jail {}", judgement.jail)
    } else {
        format!("jail {}, filter {}", judgement.jail, explanation.filter)
    };
    match &explanation.verdict {
        Verdict::NotOurs { reached } => {
            part(out, "no match", &format!("{of}: the line does not begin as `prefregex` wants it"))?;
            stopped(out, &explanation.rest, *reached)
        }
        Verdict::NoRegex { content, nearest } => {
            part(out, "no match", &format!("{of}: no failregex matches"))?;
            if nearest.is_empty() {
                return part(out, "sees", &format!("`{}`; no failregex begins like that", shown(content)));
            }
            for (place, text, reached) in nearest {
                part(out, "nearest", &format!("regex {}: {FAINT}{}{FAINT:#}", place + 1, shown(text)))?;
                stopped(out, content, *reached)?;
            }
            Ok(())
        }
        Verdict::Exhausted { text } => part(
            out,
            "stopped",
            &format!("{of}: a regex takes too many steps: {FAINT}{}{FAINT:#}", shown(text)),
        ),
        Verdict::Matched { regex, text, fields, key, excused, .. } => {
            part(out, "match", &format!("{of}: regex {}: {FAINT}{}{FAINT:#}", regex + 1, shown(text)))?;
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name} = `{}`", shown(value))).collect();
            part(out, "fields", &fields.join(", "))?;
            match (key, excused) {
                (_, true) => part(out, "excused", "by an ignoreregex: it does not count"),
                (None, false) => part(
                    out,
                    "helps",
                    "it speaks against nobody by itself; it is kept for the other lines of its connection",
                ),
                (Some(key), false) => {
                    let times =
                        if explanation.count == 1 { "once" } else { &format!("{} times", explanation.count) };
                    part(
                        out,
                        "against",
                        &format!("{BAD}{}{BAD:#}, counts {times}", shown(&key.to_string())),
                    )?;
                    judgement
                        .standing
                        .as_ref()
                        .map_or(Ok(()), |standing| self::standing(out, standing, judgement))
                }
            }
        }
        other => part(out, "result", &format!("{of}: {other:?}")),
    }
}

/// A text with a caret under the place where a regex stopped.
fn stopped(out: &mut Out, text: &str, reached: usize) -> std::io::Result<()> {
    let before = text.get(..text.floor_char_boundary(reached)).unwrap_or_default();
    let ended = if reached >= text.len() { "it ends too early" } else { "stopped here" };
    part(out, "", &shown(text))?;
    part(out, "", &format!("{:1$}{NOTE}^ {ended}{NOTE:#}", "", width(&shown(before))))
}

fn standing(out: &mut Out, standing: &Standing, judgement: &Judgement) -> std::io::Result<()> {
    let Standing { seen, counted, maxretry, findtime, bantime, .. } = standing;
    let until = || standing.until.map_or_else(|| "now".to_owned(), |until| judgement.clock.until(until));
    let time = match bantime {
        BanTime::Forever => "for ever".to_owned(),
        BanTime::For(time) => format!("for {}", span(*time)),
    };
    let rule = format!("{} within {}", count(u64::from(*maxretry), "match"), span(*findtime));
    if let Some(by) = &standing.ignored_by {
        return part(
            out,
            "ignored",
            &format!("{GOOD}by {by}{GOOD:#} in `ignoreip`, or `ignoreself`: it is never banned"),
        );
    }
    let text = match seen {
        Seen::Counted => {
            let missing = maxretry.saturating_sub(u32::try_from(*counted).unwrap_or(u32::MAX));
            let ban = if missing == 1 { "bans" } else { "ban" };
            format!("{counted} of {rule}; {missing} more {ban} it {time}")
        }
        Seen::Banned => format!("{BAD}banned{BAD:#} by {rule}, {time}, {}", until()),
        Seen::AlreadyBanned => format!("{BAD}banned already{BAD:#}, {}", until()),
        Seen::Spent => "before its last ban began, which was the answer to it".to_owned(),
        _ => "not counted".to_owned(),
    };
    part(out, "so far", &text)
}
