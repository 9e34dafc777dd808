//! `stockade jails`.

use std::time::Duration;

use stockade_runtime::control::{JailStatus, Request, Response};

use super::{answer, unexpected};
use crate::cli::Global;
use crate::exit::{Exit, Outcome};
use crate::output;
use crate::output::table::{self, Cell, number, text};
use crate::output::text::{shown, span};

pub(in crate::commands) fn run(global: &Global) -> Outcome {
    answer(global, &Request::Jails, |out, response| {
        let Response::Jails { jails } = response else { return unexpected(out, response) };
        let heads = [
            text("JAIL"),
            text("FILTER"),
            text("RULE"),
            text("PORTS"),
            number("WATCHING"),
            number("MATCHES"),
            number("BANNED"),
            number("BANS"),
            text("READS"),
        ];
        table::print(out, heads, jails.iter().map(row), output::columns())?;
        Ok(Exit::Done)
    })
}

fn row(jail: &JailStatus) -> [Cell; 9] {
    let bantime =
        jail.bantime_seconds.map_or_else(|| "ever".to_owned(), |time| span(Duration::from_secs(time)));
    let findtime = span(Duration::from_secs(jail.findtime_seconds));
    let filter = jail.filter.as_deref().unwrap_or("(bans of other jails)");
    [
        shown(&jail.name).into_owned().into(),
        shown(filter).into_owned().into(),
        format!("{} in {findtime} for {bantime}", jail.maxretry).into(),
        ports(&jail.ports).into(),
        output::text::number(jail.watching).into(),
        output::text::number(jail.matches).into(),
        output::text::number(jail.live_bans).into(),
        output::text::number(jail.bans).into(),
        shown(&jail.streams.join(", ")).into_owned().into(),
    ]
}

fn ports(ports: &[(u16, u16)]) -> String {
    if ports.is_empty() {
        return "all".to_owned();
    }
    let one = |&(from, to): &(u16, u16)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    ports.iter().map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn ports_are_short() {
        assert_eq!(super::ports(&[]), "all");
        assert_eq!(super::ports(&[(22, 22), (80, 90)]), "22,80-90");
    }
}
