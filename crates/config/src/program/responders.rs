//! `[responders.NAME]`: what makes decisions true.

use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::document::{Entry, Text, entries};
use super::read::{RESPONDERS, Reader};
use super::value::{Kind, Parsed, is_path, span_text};
use super::{Program, ResponderConfig, ResponderKind};
use super::{responder_aws, responder_notice};
use crate::limits::{MAX_ARGS, MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_RESPONDERS};
use crate::origin::{Origin, Row};
use crate::problem::{Problem, ProblemKind};
use stockade_core::nearest::nearest;

/// What the decision log calls the guards, so no responder may be called so.
const RESERVED: &str = "guard";

const KINDS: &[(&str, &[&str])] = &[
    ("nftables", &["kind", "table"]),
    ("command", &["kind", "argv", "timeout"]),
    ("fail2ban-client", &["kind", "argv", "timeout"]),
    ("sns", &["kind", "topic", "region", "endpoint"]),
    ("lambda", &["kind", "function", "unban", "region", "endpoint"]),
    ("webhook", &["kind", "url", "secret", "timeout", "ca", "group", "messages", "per"]),
    ("slack", &["kind", "url", "unban", "timeout", "group", "messages", "per"]),
    (
        "email",
        &[
            "kind", "server", "tls", "from", "to", "user", "password", "unban", "timeout", "ca", "group",
            "messages", "per",
        ],
    ),
    ("sns-notice", &["kind", "topic", "unban", "region", "endpoint", "group", "messages", "per"]),
    ("log", &["kind"]),
    ("repair", &["kind"]),
    ("dry-run", &["kind"]),
];
const KIND_WORDS: Kind = Kind::Word(&[
    "nftables",
    "command",
    "fail2ban-client",
    "sns",
    "lambda",
    "webhook",
    "slack",
    "email",
    "sns-notice",
    "log",
    "repair",
    "dry-run",
]);
const ARGV: &str = "a list of words, the first an absolute path, such as `[\"/usr/bin/logger\", \"ban\"]`";
const TIMEOUT: Kind = Kind::Span { min: Duration::from_secs(1) };

/// Reads the tables in `[responders]`.
pub(super) fn read(reader: &mut Reader, table: &DeTable<'_>, text: &Text<'_>) {
    let mut found: Vec<ResponderConfig> = Vec::new();
    let entries = entries(table);
    for entry in entries.iter().take(MAX_RESPONDERS) {
        let key = format!("{RESPONDERS}.{}", entry.key);
        reader.declared.push(entry.key.to_owned());
        if !is_name(entry.key) || entry.key == RESERVED {
            let expected =
                format!("a name of letters, digits, `-` and `_`, at most {MAX_NAME_BYTES}, not `{RESERVED}`");
            reader.wrong(&key, &expected, entry.key_span.clone(), text, None);
        }
        let Some(table) = reader.expect_table(&key, entry, text) else { continue };
        let mut one = One { reader, text, key: &key };
        if let Some(kind) = one.read(entry, table, &found) {
            let config = ResponderConfig { name: entry.key.into(), kind };
            let place = |_: &str, name: &str| one.place(table, entry, name);
            let rows = rows(std::slice::from_ref(&config), &place);
            reader.responder_rows.extend(rows);
            found.push(config);
        }
    }
    if let Some(entry) = entries.get(MAX_RESPONDERS) {
        let expected = format!("at most {MAX_RESPONDERS} responders");
        reader.wrong(RESPONDERS, &expected, entry.key_span.clone(), text, None);
    }
    // Who only tells people, or repairs, keeps nobody out: the firewall goes on doing so.
    let default = Program::default().responders;
    let is_taken = |one: &ResponderConfig| found.iter().any(|other| other.name == one.name);
    if !found.is_empty() && found.iter().all(|one| one.kind.bans_nobody()) && !default.iter().any(is_taken) {
        let rows = rows(&default, &|_, _| Origin::Default);
        reader.responder_rows.splice(0..0, rows);
        found.splice(0..0, default);
    }
    if !found.is_empty() {
        reader.program.responders = found;
    }
}

/// What the settings of these responders are; `place` says where, given the responder and the setting.
pub(super) fn rows(responders: &[ResponderConfig], place: &dyn Fn(&str, &str) -> Origin) -> Vec<Row> {
    let mut rows = Vec::new();
    for ResponderConfig { name, kind } in responders {
        let mut row = |key: &str, value: String| {
            let origin = place(name, key);
            rows.push(Row { section: format!("{RESPONDERS}.{name}"), key: key.to_owned(), value, origin });
        };
        match kind {
            ResponderKind::Nftables { table } => {
                row("kind", "\"nftables\"".into());
                row("table", format!("\"{table}\""));
            }
            ResponderKind::Command { argv, timeout } => {
                row("kind", "\"command\"".into());
                row("argv", toml::Value::from(argv.clone()).to_string());
                row("timeout", format!("\"{}\"", span_text(*timeout)));
            }
            ResponderKind::Fail2banClient { argv, timeout } => {
                row("kind", "\"fail2ban-client\"".into());
                row("argv", toml::Value::from(argv.clone()).to_string());
                row("timeout", format!("\"{}\"", span_text(*timeout)));
            }
            ResponderKind::Sns { .. } | ResponderKind::Lambda { .. } => responder_aws::rows(kind, &mut row),
            ResponderKind::Webhook(_)
            | ResponderKind::Slack(_)
            | ResponderKind::Email(_)
            | ResponderKind::SnsNotice(_) => responder_notice::rows(kind, &mut row),
            ResponderKind::Log => row("kind", "\"log\"".into()),
            ResponderKind::Repair => row("kind", "\"repair\"".into()),
            ResponderKind::DryRun => row("kind", "\"dry-run\"".into()),
        }
    }
    rows
}

/// One responder that is being read.
pub(super) struct One<'r, 't> {
    reader: &'r mut Reader,
    text: &'r Text<'t>,
    /// `responders.NAME`.
    key: &'r str,
}

impl One<'_, '_> {
    fn read(
        &mut self,
        header: &Entry<'_>,
        table: &DeTable<'_>,
        earlier: &[ResponderConfig],
    ) -> Option<ResponderKind> {
        let kind = match self.value(table, "kind", KIND_WORDS) {
            Some(Parsed::Word(kind)) => kind,
            Some(_) => return None,
            None if table.contains_key("kind") => return None,
            None => return self.missing("kind", KIND_WORDS.expected(), header),
        };
        self.unknown_settings(table, kind);
        match kind {
            "nftables" => self.nftables(table, header, earlier),
            "command" => self.command(table, header),
            "fail2ban-client" => self.fail2ban_client(table),
            "sns" => self.sns(table),
            "lambda" => self.lambda(table, header),
            "webhook" => self.webhook(table, header),
            "slack" => self.slack(table, header),
            "email" => self.email(table, header),
            "sns-notice" => self.sns_notice(table, header),
            "log" => Some(ResponderKind::Log),
            "repair" => Some(ResponderKind::Repair),
            _ => Some(ResponderKind::DryRun),
        }
    }

    fn nftables(
        &mut self,
        table: &DeTable<'_>,
        header: &Entry<'_>,
        earlier: &[ResponderConfig],
    ) -> Option<ResponderKind> {
        let set = entry(table, "table");
        let name = set.as_ref().map_or(Some(ResponderKind::DEFAULT_TABLE), |entry| entry.value.as_str());
        let kind =
            name.filter(|name| is_name(name)).map(|name| ResponderKind::Nftables { table: name.to_owned() });
        let expected = match (&kind, earlier.iter().find(|other| Some(&other.kind) == kind.as_ref())) {
            (Some(_), None) => return kind,
            (_, Some(other)) => format!("another table than that of `{}`", other.name),
            (None, None) => format!("a name of letters, digits, `-` and `_`, at most {MAX_NAME_BYTES}"),
        };
        match set {
            Some(entry) => {
                self.wrong("table", &expected, &entry);
                None
            }
            None => self.missing("table", expected, header),
        }
    }

    /// `None` if what is set is wrong.
    pub(super) fn timeout(&mut self, table: &DeTable<'_>, default: Duration) -> Option<Duration> {
        self.span(table, "timeout", TIMEOUT, default)
    }

    /// The same of any length of time.
    pub(super) fn span(
        &mut self,
        table: &DeTable<'_>,
        name: &str,
        kind: Kind,
        default: Duration,
    ) -> Option<Duration> {
        match self.value(table, name, kind) {
            Some(Parsed::Span(span)) => Some(span),
            None if !table.contains_key(name) => Some(default),
            _ => None,
        }
    }

    /// The same of a yes or no.
    pub(super) fn flag(&mut self, table: &DeTable<'_>, name: &str, default: bool) -> Option<bool> {
        match self.value(table, name, Kind::Flag) {
            Some(Parsed::Flag(flag)) => Some(flag),
            None if !table.contains_key(name) => Some(default),
            _ => None,
        }
    }

    /// A text that must be there.
    pub(super) fn needed_text(
        &mut self,
        table: &DeTable<'_>,
        header: &Entry<'_>,
        name: &str,
        kind: Kind,
    ) -> Option<String> {
        match self.value(table, name, kind) {
            Some(Parsed::Text(text)) => Some(text),
            None if !table.contains_key(name) => {
                self.missing(name, kind.expected(), header);
                None
            }
            _ => None,
        }
    }

    fn fail2ban_client(&mut self, table: &DeTable<'_>) -> Option<ResponderKind> {
        let timeout = self.timeout(table, ResponderKind::FAIL2BAN_TIMEOUT);
        let argv = match entry(table, "argv") {
            None => vec![ResponderKind::FAIL2BAN_CLIENT.to_owned()],
            Some(entry) => match argv(entry.value) {
                Some(argv) => argv,
                None => {
                    self.wrong("argv", ARGV, &entry);
                    return None;
                }
            },
        };
        Some(ResponderKind::Fail2banClient { argv, timeout: timeout? })
    }

    fn command(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<ResponderKind> {
        let timeout = self.timeout(table, ResponderKind::DEFAULT_TIMEOUT);
        let Some(entry) = entry(table, "argv") else { return self.missing("argv", ARGV.to_owned(), header) };
        let Some(argv) = argv(entry.value) else {
            self.wrong("argv", ARGV, &entry);
            return None;
        };
        Some(ResponderKind::Command { argv, timeout: timeout? })
    }

    fn unknown_settings(&mut self, table: &DeTable<'_>, kind: &str) {
        let known = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, known)| *known);
        for entry in entries(table).iter().filter(|entry| !known.contains(&entry.key)) {
            let problem = ProblemKind::Unknown {
                what: "setting",
                name: entry.key.to_owned(),
                nearest: nearest(entry.key, known.iter().copied()),
                known: known.iter().map(|name| (*name).to_owned()).collect(),
            };
            let problem = Problem::error(problem, self.text.place(entry.key_span.start));
            self.reader.push(problem.key(self.key));
        }
    }

    pub(super) fn value(&mut self, table: &DeTable<'_>, name: &str, kind: Kind) -> Option<Parsed> {
        let entry = entry(table, name)?;
        self.reader.value(&format!("{}.{name}", self.key), kind, &entry, self.text)
    }

    pub(super) fn wrong(&mut self, name: &str, expected: &str, entry: &Entry<'_>) {
        let key = format!("{}.{name}", self.key);
        self.reader.wrong(&key, expected, entry.value_span.clone(), self.text, None);
    }

    /// The same without a word about what stands there: it may be a secret in the wrong place.
    pub(super) fn wrong_hidden(&mut self, name: &str, expected: &str, entry: &Entry<'_>) {
        let key = format!("{}.{name}", self.key);
        self.reader.wrong_hidden(&key, expected, entry.value_span.clone(), self.text);
    }

    pub(super) fn missing(
        &mut self,
        name: &str,
        expected: String,
        header: &Entry<'_>,
    ) -> Option<ResponderKind> {
        let problem =
            Problem::error(ProblemKind::Missing { expected }, self.text.place(header.key_span.start));
        self.reader.push(problem.key(&format!("{}.{name}", self.key)));
        None
    }

    fn place(&self, table: &DeTable<'_>, header: &Entry<'_>, name: &str) -> Origin {
        match entry(table, name) {
            Some(entry) => self.text.place(entry.key_span.start),
            None if name == "kind" => self.text.place(header.key_span.start),
            None => Origin::Default,
        }
    }
}

pub(super) fn entry<'t>(table: &'t DeTable<'t>, name: &str) -> Option<Entry<'t>> {
    entries(table).into_iter().find(|entry| entry.key == name)
}

fn argv(value: &DeValue<'_>) -> Option<Vec<String>> {
    let words = value.as_array()?.iter().map(|word| word.get_ref().as_str().map(str::to_owned));
    let words: Vec<String> = words.collect::<Option<_>>()?;
    let fits = |word: &String| word.len() <= MAX_PATH_BYTES && !word.contains('\0');
    let usable = is_path(words.first()?, MAX_PATH_BYTES) && words.len() <= MAX_ARGS && words.iter().all(fits);
    usable.then_some(words)
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.chars().all(allowed)
}
