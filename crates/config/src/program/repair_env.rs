//! What the environment says of repairs beyond the settings of `[repair]`: the mode of a playbook, and roles of other
//! accounts. A function's template can say it so, without a file.
//!
//! What a variable says of a playbook or of an account counts more than what `stockade.toml` says of the same; of the
//! others it says nothing.

use stockade_core::nearest::nearest;
use stockade_repair::playbook::About;
use stockade_repair::{CATALOGUE, Mode, ModeRule};

use super::RepairAccount;
use super::read::Reader;
use super::repair::MODES;
use super::repair_read::{REPAIR, ROLE, is_external_id, is_role};
use crate::env_vars::{REPAIR_EXTERNAL_ID, REPAIR_MEMBERS, REPAIR_PLAYBOOKS};
use crate::limits::MAX_REPAIR_ENTRIES;
use crate::origin::{Origin, Row};
use crate::problem::{Problem, ProblemKind, cut};

/// Reads the variables over what the file said.
pub(super) fn read(reader: &mut Reader, env: &dyn Fn(&str) -> Option<String>) {
    let said = |name: &str| env(name).filter(|text| !text.is_empty());
    if let Some(text) = said(REPAIR_PLAYBOOKS) {
        for entry in entries(reader, REPAIR_PLAYBOOKS, &text) {
            playbook(reader, entry);
        }
    }
    let external_id = said(REPAIR_EXTERNAL_ID);
    if let Some(id) = external_id.as_ref().filter(|id| !is_external_id(id)) {
        wrong(reader, REPAIR_EXTERNAL_ID, "2 to 1224 letters, digits and `+=,.@:/-_`", id);
    }
    if let Some(text) = said(REPAIR_MEMBERS) {
        let mut accounts = Vec::new();
        for role in entries(reader, REPAIR_MEMBERS, &text) {
            let account = role.split(':').nth(4).unwrap_or_default();
            if !is_role(role) {
                wrong(reader, REPAIR_MEMBERS, &format!("{ROLE}, and more behind a comma"), role);
            } else if accounts.contains(&account) {
                wrong(reader, REPAIR_MEMBERS, "one role of each account", role);
            } else {
                accounts.push(account);
                member(reader, account, role, external_id.clone());
            }
        }
    }
}

/// What stands between the commas and blanks.
fn entries<'t>(reader: &mut Reader, variable: &'static str, text: &'t str) -> Vec<&'t str> {
    let parts = text.split([' ', ',', '\n', '\t']).filter(|part| !part.is_empty());
    let entries: Vec<&str> = parts.take(MAX_REPAIR_ENTRIES + 1).collect();
    if entries.len() > MAX_REPAIR_ENTRIES {
        wrong(reader, variable, &format!("at most {MAX_REPAIR_ENTRIES} of them"), text);
        return Vec::new();
    }
    entries
}

/// `P01=act`; nothing behind the sign says nothing.
fn playbook(reader: &mut Reader, entry: &str) {
    let expected = "playbooks with their modes such as `P01=act,P03=approve`";
    let Some((name, word)) = entry.split_once('=') else {
        return wrong(reader, REPAIR_PLAYBOOKS, expected, entry);
    };
    let Some(about) = CATALOGUE.iter().map(|one| one.about()).find(|about| is_called(about, name)) else {
        let names = || CATALOGUE.iter().flat_map(|one| [one.about().name, one.about().id]);
        let known = CATALOGUE.iter().map(|one| one.about().name.to_owned()).collect();
        let kind = ProblemKind::Unknown {
            what: "playbook",
            name: cut(name),
            nearest: nearest(name, names()),
            known,
        };
        return reader.push(Problem::error(kind, Origin::Env(REPAIR_PLAYBOOKS)));
    };
    if word.is_empty() {
        return;
    }
    let Some(mode) = Mode::parse(word) else {
        let modes: Vec<String> = MODES.iter().map(|word| format!("`{word}`")).collect();
        return wrong(
            reader,
            REPAIR_PLAYBOOKS,
            &format!("one of {} for {}", modes.join(", "), about.id),
            word,
        );
    };
    let of_all = |rule: &ModeRule| {
        rule.account.is_none()
            && rule.region.is_none()
            && rule.playbook.as_ref().is_some_and(|name| is_called(about, name))
    };
    let section = format!("{REPAIR}.playbooks");
    reader.program.repair.rules.retain(|rule| !of_all(rule));
    reader.repair_rows.retain(|row| row.section != section || !is_called(about, &row.key));
    reader.program.repair.rules.push(ModeRule {
        playbook: Some(name.to_owned()),
        account: None,
        region: None,
        mode,
    });
    row(reader, &section, name, word, REPAIR_PLAYBOOKS);
}

fn is_called(about: &About, name: &str) -> bool {
    [about.id, about.name].contains(&name)
}

fn member(reader: &mut Reader, account: &str, role: &str, external_id: Option<String>) {
    let section = format!("{REPAIR}.accounts.{account}");
    let accounts = &mut reader.program.repair.accounts;
    let before = accounts.iter().position(|one| one.account == account).map(|at| accounts.remove(at));
    // Of the same role the file may say what is asked for, where that is not one for all.
    let same = before.filter(|one| one.role == role && external_id.is_none());
    if let Some(same) = same {
        return reader.program.repair.accounts.push(same);
    }
    reader.repair_rows.retain(|row| row.section != section);
    row(reader, &section, "role", role, REPAIR_MEMBERS);
    if let Some(id) = &external_id {
        row(reader, &section, "external_id", id, REPAIR_EXTERNAL_ID);
    }
    let (account, role) = (account.to_owned(), role.to_owned());
    reader.program.repair.accounts.push(RepairAccount { account, role, external_id });
}

fn row(reader: &mut Reader, section: &str, key: &str, value: &str, variable: &'static str) {
    let value = toml::Value::from(value).to_string();
    let (section, key) = (section.to_owned(), key.to_owned());
    reader.repair_rows.push(Row { section, key, value, origin: Origin::Env(variable) });
}

fn wrong(reader: &mut Reader, variable: &'static str, expected: &str, found: &str) {
    let (expected, found) = (expected.to_owned(), format!("`{}`", cut(found)));
    let kind = ProblemKind::BadValue { expected, found, hint: None };
    reader.push(Problem::error(kind, Origin::Env(variable)));
}
