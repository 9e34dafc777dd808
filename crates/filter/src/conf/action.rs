//! An action: the commands that ban and unban, put together from its files and its parameters.

use std::collections::HashSet;

use super::definition::Definition;
use super::document::Document;
use super::keys::ACTION_KEYS;
use super::limits::{Budget, MAX_WORK};
use super::origin::Value;
use super::parse::Options;
use super::problems::Problems;
use super::space::split_conditional;
use super::tags::Tags;

/// Tags whose value an attacker writes. They are never replaced before the command runs.
const ESCAPED_TAGS: [&str; 3] = ["matches", "ipmatches", "ipjailmatches"];
/// Tags that look static, but are set per ban (`bantime`) or by the server (`timeout`).
const RUN_TIME_TAGS: [&str; 2] = ["timeout", "bantime"];

/// The family of the address that a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4, `inet4`.
    Inet4,
    /// IPv6, `inet6`.
    Inet6,
}

impl Family {
    /// As in `[Init?family=inet6]`.
    pub fn condition(self) -> &'static str {
        match self {
            Self::Inet4 => "family=inet4",
            Self::Inet6 => "family=inet6",
        }
    }
}

/// An action with what can be replaced when it is read replaced. What is left are the tags that have a form per address family,
/// for [`ActionDef::command`], and those that are known only when a command runs (`<ip>`, `<matches>`, …).
#[derive(Clone, Debug)]
pub struct ActionDef {
    /// What it is called in the jail: the parameter `actname`, or the file's name (with `name`, where that is not the jail's).
    pub name: String,
    /// The name of its file, without `action.d/` and `.conf`.
    pub file: String,
    /// Commands and flags that are set, of [`ACTION_KEYS`].
    pub commands: Options,
    /// All parameters: those given, `name`, `actname`, and the rest of `[Init]`, the conditional ones as
    /// `option?family=inet6`. Their tags are not replaced.
    pub params: Options,
    /// The files it was read from, in the order in which they count.
    pub files: Vec<String>,
}

/// An action of a jail.
#[derive(Clone, Debug)]
pub enum Action {
    /// Commands for the shell.
    Command(ActionDef),
    /// A Python class, `name.py[…]`, which only fail2ban itself can run.
    Python {
        /// What it is called in the jail.
        name: String,
        /// Its path, as messages name it.
        path: String,
        /// The parameters as given, without `actname`.
        params: Options,
    },
}

impl Action {
    /// What it is called in the jail.
    pub fn name(&self) -> &str {
        match self {
            Self::Command(def) => &def.name,
            Self::Python { name, .. } => name,
        }
    }
}

impl ActionDef {
    /// The command `command` (such as `actionban`) for one family, with all static tags replaced; `None` if it is not set.
    ///
    /// # Errors
    /// Tags that refer to each other in a circle.
    pub fn command(&self, command: &str, family: Option<Family>) -> Result<Option<Value>, Problems> {
        let mut properties = self.commands.clone();
        properties.extend(self.params.iter().map(|(name, value)| (name.clone(), value.clone())));
        let conditional = |family: Family| properties.get(&format!("{command}?{}", family.condition()));
        let value = family.and_then(conditional).or_else(|| properties.get(command)).cloned();
        let Some(value) = value else { return Ok(None) };
        properties.insert(command.to_owned(), value);
        let ignore: HashSet<_> = ESCAPED_TAGS.map(str::to_owned).into();
        let tags = Tags { ignore, condition: family.map(Family::condition) };
        let done = tags.replace(&mut properties, &mut |_, _| Ok(None), &mut Budget::new(MAX_WORK));
        match done {
            Ok(()) => Ok(properties.swap_remove(command)),
            Err((option, fault)) => Err(fault.into_problem("Definition", &option).into()),
        }
    }

    /// Whether something depends on the address family. fail2ban then starts the action at the first ban of each family.
    pub fn is_conditional(&self) -> bool {
        self.commands.keys().chain(self.params.keys()).any(|name| split_conditional(name).is_some())
    }
}

/// Reads the action in `document` for a jail called `jail` with the options `context`.
pub(crate) fn read(
    file: &str,
    jail: &str,
    document: &Document,
    mut params: Options,
    context: &Options,
    problems: &mut Problems,
    budget: &mut Budget,
) -> Option<ActionDef> {
    let name = params.entry("name".into()).or_insert_with(|| Value::given(jail, "jail name"));
    let actname = match name.text().strip_prefix(jail) {
        Some(rest) => format!("{file}{rest}"),
        None => format!("{file}-{}", name.text()),
    };
    let actname = params.entry("actname".into()).or_insert_with(|| Value::given(actname, "action name"));
    let actname = actname.text().to_owned();
    let mut definition = Definition::new(document, params);
    definition.collect(context, ACTION_KEYS, false, budget, problems);
    let ignore: Vec<_> = ESCAPED_TAGS.into_iter().chain(RUN_TIME_TAGS).collect();
    let combined = definition.combined(&ignore, budget, problems)?;
    let is_command = |name: &str| ACTION_KEYS.iter().any(|key| key.name == name);
    let mut params = definition.params;
    params.retain(|name, _| !is_command(name) && !name.starts_with("known/"));
    let commands = combined.into_iter().filter(|(name, _)| is_command(name)).collect();
    let files = document.files.iter().map(ToString::to_string).collect();
    Some(ActionDef { name: actname, file: file.to_owned(), commands, params, files })
}
