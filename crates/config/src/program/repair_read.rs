//! The tables of `[repair]`: how far which playbook may go where, what is exempt, and the other accounts.

use std::ops::Range;

use stockade_core::Timestamp;
use stockade_repair::{CATALOGUE, Exemption, Mode, ModeRule, Whom, end_of};
use toml::de::{DeTable, DeValue};

use super::RepairAccount;
use super::document::{Entry, Text, entries};
use super::read::Reader;
use super::repair::MODES;
use super::value::{Kind, Parsed};
use crate::limits::{MAX_REPAIR_ENTRIES, MAX_REPAIR_TEXT_BYTES};
use crate::origin::{Origin, Row};
use crate::problem::{Problem, ProblemKind};
use stockade_core::nearest::nearest;

/// The table of the repairs.
pub(super) const REPAIR: &str = "repair";
/// What in it is a table.
pub(super) const TABLES: [&str; 4] = ["playbooks", "where", "exempt", "accounts"];

const MODE: Kind = Kind::Word(MODES);
const WHERE: [&str; 4] = ["playbook", "account", "region", "mode"];
const EXEMPT: [&str; 8] =
    ["playbook", "principal", "account", "resource", "source", "from", "until", "reason"];
const ACCOUNT: [&str; 2] = ["role", "external_id"];

/// Reads one of [`TABLES`].
pub(super) fn read(reader: &mut Reader, entry: &Entry<'_>, text: &Text<'_>) {
    let key = format!("{REPAIR}.{}", entry.key);
    match entry.key {
        "playbooks" | "accounts" => {
            let Some(table) = reader.expect_table(&key, entry, text) else { return };
            let entries = entries(table);
            if let Some(surplus) = entries.get(MAX_REPAIR_ENTRIES) {
                too_many(reader, &key, surplus.key_span.clone(), text);
            }
            for entry in entries.iter().take(MAX_REPAIR_ENTRIES) {
                let mut one = One { reader: &mut *reader, text, key: format!("{key}.{}", entry.key) };
                if key.ends_with("playbooks") { one.playbook_mode(entry) } else { one.account(entry) }
            }
        }
        _ => {
            let Some(array) = entry.value.as_array() else {
                let expected = format!("tables `[[{key}]]`");
                return reader.wrong(&key, &expected, entry.value_span.clone(), text, None);
            };
            for (at, item) in array.iter().enumerate() {
                if at == MAX_REPAIR_ENTRIES {
                    return too_many(reader, &key, item.span(), text);
                }
                let DeValue::Table(table) = item.get_ref() else {
                    let expected = format!("tables `[[{key}]]`");
                    reader.wrong(&key, &expected, item.span(), text, None);
                    continue;
                };
                let mut one = One { reader: &mut *reader, text, key: key.clone() };
                if entry.key == "where" {
                    one.place(table, item.span());
                } else {
                    one.exempt(table, item.span());
                }
            }
        }
    }
}

fn too_many(reader: &mut Reader, key: &str, span: Range<usize>, text: &Text<'_>) {
    reader.wrong(key, &format!("at most {MAX_REPAIR_ENTRIES} of them"), span, text, None);
}

/// One entry that is being read.
struct One<'r, 't> {
    reader: &'r mut Reader,
    text: &'r Text<'t>,
    key: String,
}

impl One<'_, '_> {
    /// `[repair.playbooks]`: `NAME = "act"`.
    fn playbook_mode(&mut self, entry: &Entry<'_>) {
        let mode = self.reader.value(&self.key.clone(), MODE, entry, self.text);
        let known = self.known_playbook(entry.key, entry.key_span.clone());
        if let (Some(Parsed::Word(word)), true) = (mode, known) {
            let rule = ModeRule {
                playbook: Some(entry.key.to_owned()),
                account: None,
                region: None,
                mode: Mode::parse(word).unwrap_or(Mode::Off),
            };
            self.reader.program.repair.rules.push(rule);
            self.row(&format!("{REPAIR}.playbooks"), entry.key, format!("\"{word}\""), entry.key_span.start);
        }
    }

    /// `[[repair.where]]`.
    fn place(&mut self, table: &DeTable<'_>, at: Range<usize>) {
        self.unknown(table, &WHERE);
        let playbook = self.playbook_of(table);
        let account = self.text_of(table, "account", "an account's twelve digits", is_account);
        let region = self.text_of(table, "region", "a region such as `eu-central-1`", is_region);
        let mode = self.value_of(table, "mode", MODE);
        if !table.contains_key("mode") {
            return self.missing("mode", &MODE.expected(), at.start);
        }
        let (Ok(playbook), Ok(account), Ok(region), Some(Parsed::Word(word))) =
            (playbook, account, region, mode)
        else {
            return;
        };
        if playbook.is_none() && account.is_none() && region.is_none() {
            let hint = "what holds everywhere is `mode` of `[repair]`";
            let expected = "a `playbook`, an `account` or a `region`";
            return self.reader.wrong(&self.key, expected, at, self.text, Some(hint));
        }
        self.rows(table);
        let mode = Mode::parse(word).unwrap_or(Mode::Off);
        self.reader.program.repair.rules.push(ModeRule { playbook, account, region, mode });
    }

    /// `[[repair.exempt]]`: refused without an end or a reason.
    fn exempt(&mut self, table: &DeTable<'_>, at: Range<usize>) {
        self.unknown(table, &EXEMPT);
        let playbook = self.playbook_of(table);
        let principal = self.text_of(table, "principal", "an ARN, in which `*` stands for anything", is_text);
        let account = self.text_of(table, "account", "an account's twelve digits", is_account);
        let resource =
            self.text_of(table, "resource", "an ARN or a name, in which `*` stands for anything", is_text);
        let source = self.text_of(table, "source", "a network such as `192.0.2.0/24`", is_net);
        let from = self.moment(table, "from");
        let until = self.moment(table, "until");
        let reason = self.text_of(table, "reason", "a reason", is_text);
        for (name, expected) in [("until", DAY), ("reason", "a reason")] {
            if !table.contains_key(name) {
                self.missing(name, expected, at.start);
            }
        }
        let (Ok(playbook), Ok(principal), Ok(account), Ok(resource)) =
            (playbook, principal, account, resource)
        else {
            return;
        };
        let (Ok(source), Ok(from), Ok(Some(until)), Ok(Some(reason))) = (source, from, until, reason) else {
            return;
        };
        let source = source.and_then(|net| parse_net(&net));
        let whom = Whom { playbook, principal, account, resource, source, from };
        match Exemption::new(whom, until, &reason) {
            Ok(exemption) => {
                self.rows(table);
                self.reader.program.repair.exemptions.push(exemption);
            }
            Err(_) => self.reader.wrong(&self.key, SOMEBODY, at, self.text, None),
        }
    }

    /// `[repair.accounts.ID]`.
    fn account(&mut self, entry: &Entry<'_>) {
        let Some(table) = self.reader.expect_table(&self.key.clone(), entry, self.text) else { return };
        if !is_account(entry.key) {
            let (span, expected) = (entry.key_span.clone(), "an account's twelve digits");
            self.reader.wrong(&self.key, expected, span, self.text, None);
        }
        self.unknown(table, &ACCOUNT);
        let role = self.text_of(table, "role", ROLE, is_role);
        let external_id = self.text_of(table, "external_id", "2 to 1224 characters", is_external_id);
        if !table.contains_key("role") {
            return self.missing("role", ROLE, entry.key_span.start);
        }
        let (Ok(Some(role)), Ok(external_id)) = (role, external_id) else { return };
        if role.split(':').nth(4) != Some(entry.key) {
            let expected = format!("a role of the account {}", entry.key);
            if let Some(entry) = find(table, "role") {
                let key = format!("{}.role", self.key);
                self.reader.wrong(&key, &expected, entry.value_span, self.text, None);
            }
            return;
        }
        self.rows(table);
        let account = RepairAccount { account: entry.key.to_owned(), role, external_id };
        self.reader.program.repair.accounts.push(account);
    }

    fn playbook_of(&mut self, table: &DeTable<'_>) -> Result<Option<String>, Told> {
        let name = self.text_of(table, "playbook", "the name or number of a playbook", is_text)?;
        match (name, find(table, "playbook")) {
            (Some(name), Some(entry)) if !self.known_playbook(&name, entry.value_span.clone()) => Err(Told),
            (name, _) => Ok(name),
        }
    }

    /// Whether the catalogue has it; else a problem that says what was probably meant.
    fn known_playbook(&mut self, name: &str, span: Range<usize>) -> bool {
        let names = || CATALOGUE.iter().flat_map(|one| [one.about().name, one.about().id]);
        if names().any(|known| known == name) {
            return true;
        }
        let known = CATALOGUE.iter().map(|one| one.about().name.to_owned()).collect();
        let nearest = nearest(name, names());
        let kind = ProblemKind::Unknown { what: "playbook", name: name.to_owned(), nearest, known };
        self.reader.push(Problem::error(kind, self.text.place(span.start)).key(&self.key));
        false
    }

    /// A day or a moment: TOML's own, or as text.
    fn moment(&mut self, table: &DeTable<'_>, name: &str) -> Result<Option<Timestamp>, Told> {
        let Some(entry) = find(table, name) else { return Ok(None) };
        let written = match entry.value {
            DeValue::Datetime(moment) => Some(moment.to_string()),
            DeValue::String(text) => Some(text.to_string()),
            _ => None,
        };
        let read = written.and_then(|text| {
            // A window begins with its first day, and ends with its last.
            let begins = name == "from" && text.len() == "2026-12-31".len();
            end_of(&if begins { format!("{text}T00:00:00Z") } else { text })
        });
        if read.is_none() {
            let key = format!("{}.{name}", self.key);
            self.reader.wrong(&key, DAY, entry.value_span, self.text, None);
            return Err(Told);
        }
        Ok(read)
    }

    fn text_of(
        &mut self,
        table: &DeTable<'_>,
        name: &str,
        expected: &'static str,
        fits: fn(&str) -> bool,
    ) -> Result<Option<String>, Told> {
        match self.value_of(table, name, Kind::Text { expected, fits }) {
            Some(Parsed::Text(text)) => Ok(Some(text)),
            None if !table.contains_key(name) => Ok(None),
            _ => Err(Told),
        }
    }

    fn value_of(&mut self, table: &DeTable<'_>, name: &str, kind: Kind) -> Option<Parsed> {
        let entry = find(table, name)?;
        self.reader.value(&format!("{}.{name}", self.key), kind, &entry, self.text)
    }

    fn unknown(&mut self, table: &DeTable<'_>, known: &[&str]) {
        for entry in entries(table).iter().filter(|entry| !known.contains(&entry.key)) {
            let kind = ProblemKind::Unknown {
                what: "setting",
                name: entry.key.to_owned(),
                nearest: nearest(entry.key, known.iter().copied()),
                known: known.iter().map(|name| (*name).to_owned()).collect(),
            };
            let problem = Problem::error(kind, self.text.place(entry.key_span.start));
            self.reader.push(problem.key(&self.key));
        }
    }

    fn missing(&mut self, name: &str, expected: &str, at: usize) {
        let kind = ProblemKind::Missing { expected: expected.to_owned() };
        let problem = Problem::error(kind, self.text.place(at));
        self.reader.push(problem.key(&format!("{}.{name}", self.key)));
    }

    /// The settings of a table, as they are written.
    fn rows(&mut self, table: &DeTable<'_>) {
        for entry in entries(table) {
            let value = match entry.value {
                DeValue::String(text) => toml::Value::from(text.as_ref()).to_string(),
                _ => self.text.quote(entry.value_span.clone()),
            };
            let key = self.key.clone();
            self.row(&key, entry.key, value, entry.key_span.start);
        }
    }

    fn row(&mut self, section: &str, key: &str, value: String, at: usize) {
        let origin: Origin = self.text.place(at);
        let (section, key) = (section.to_owned(), key.to_owned());
        self.reader.repair_rows.push(Row { section, key, value, origin });
    }
}

/// Something is wrong, and it was said.
struct Told;

const SOMEBODY: &str = "a playbook, a principal, an account, a resource, a source or a window";
const DAY: &str = "a day such as 2026-12-31, or a moment such as 2026-12-31T18:00:00Z";
/// What a role is called in messages.
pub(super) const ROLE: &str = "the ARN of a role, such as `arn:aws:iam::111122223333:role/stockade-guard`";

fn find<'t>(table: &'t DeTable<'t>, name: &str) -> Option<Entry<'t>> {
    entries(table).into_iter().find(|entry| entry.key == name)
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_REPAIR_TEXT_BYTES && !text.contains(char::is_control)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_region(text: &str) -> bool {
    !text.is_empty() && super::aws::is_region(text)
}

fn is_net(text: &str) -> bool {
    parse_net(text).is_some()
}

fn parse_net(text: &str) -> Option<ipnet::IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from))
}

pub(super) fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, "iam", "", account, role] = parts.as_slice() else { return false };
    let name = role.strip_prefix("role/").unwrap_or_default();
    *arn == "arn" && partition.starts_with("aws") && is_account(account) && !name.is_empty() && is_text(text)
}

/// As STS takes it.
pub(super) fn is_external_id(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@:/-_".contains(&b);
    (2..=1224).contains(&text.len()) && text.bytes().all(allowed)
}
