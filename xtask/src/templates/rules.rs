//! The EventBridge rules, as `stockade rules export` makes them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use stockade_core::Target;
use stockade_rule::Rule;
use stockade_rule::export::{Export, Options};

use super::layout::{WIDTH, flow, quoted};
use crate::Error;
use crate::error::file;

/// The EventBridge rules in groups that can be chosen.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    /// What leads to repairs: always there.
    pub(super) repair: Vec<EventRule>,
    /// Everything else that the shipped rules watch.
    pub(super) watch: Vec<EventRule>,
}

/// One EventBridge rule, in the words of `PutRule`.
#[derive(Clone, Debug)]
pub(super) struct EventRule {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) state: String,
    pub(super) pattern: String,
}

/// Which template the rules stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// They go to the queue beside them.
    Guard,
    /// They go to the guard's bus.
    Region,
}

/// The condition of what is watched beyond repairs.
const WATCH: &str = "WatchesEverything";

impl Groups {
    /// Exports the rules of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let rules = shipped(folder)?;
        let group = |name: &str, repairs: bool| {
            let rules =
                rules.iter().filter(|rule| rule.enabled && (rule.target == Target::Repair) == repairs);
            exported(&Export::new(
                rules,
                Options { prefix: format!("stockade-{name}-"), ..Options::default() },
            ))
        };
        Ok(Self { repair: group("repair", true)?, watch: group("watch", false)? })
    }

    /// As resources of CloudFormation.
    pub(super) fn cloudformation(&self, home: &Home) -> String {
        let all = self
            .repair
            .iter()
            .map(|rule| (rule, None))
            .chain(self.watch.iter().map(|rule| (rule, Some(WATCH))));
        let resources: Vec<String> = all.map(|(rule, condition)| resource(rule, condition, *home)).collect();
        resources.join("\n")
    }
}

fn shipped(folder: &Path) -> Result<Vec<Rule>, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(file("list", folder))? {
        paths.push(entry.map_err(file("list", folder))?.path());
    }
    paths.sort();
    let mut rules = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
        let text = fs::read_to_string(path).map_err(file("read", path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rule = Rule::parse(&name, &text).map_err(|problems| {
            let why = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            Error::Template { path: path.clone(), why }
        })?;
        rules.push(rule);
    }
    Ok(rules)
}

fn exported(export: &Export) -> Result<Vec<EventRule>, Error> {
    let wrong = |why: String| Error::Template { path: "conf/rule.d".into(), why };
    let calls = export.calls().map_err(|error| wrong(error.to_string()))?;
    let text = |call: &Value, name: &str| {
        let text = call.get(name).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| wrong(format!("the export has no `{name}`")))
    };
    let rule = |call: &Value| {
        Ok(EventRule {
            name: text(call, "Name")?,
            description: text(call, "Description")?,
            state: text(call, "State")?,
            pattern: text(call, "EventPattern")?,
        })
    };
    calls.iter().map(|calls| rule(&calls.put_rule)).collect()
}

impl EventRule {
    /// `stockade-watch-events-1` is `WatchEvents1`.
    fn id(&self) -> String {
        let own = self.name.strip_prefix("stockade-").unwrap_or(&self.name);
        super::layout::camel(own)
    }
}

fn resource(rule: &EventRule, condition: Option<&str>, home: Home) -> String {
    let mut text = format!("{}:\n  Type: AWS::Events::Rule\n", rule.id());
    if let Some(condition) = condition {
        writeln!(text, "  Condition: {condition}").ok();
    }
    let EventRule { name, description, state, pattern } = rule;
    let target = match home {
        Home::Guard => "Arn: !GetAtt Queue.Arn\n",
        Home::Region => "Arn: !Ref GuardBus\n        RoleArn: !GetAtt ForwardRole.Arn\n",
    };
    write!(
        text,
        "  Properties:\n    Name: {name}\n    Description: {}\n    State: {state}\n    EventPattern:\n{}    Targets:\n      - Id: stockade-1\n        \
         {target}        DeadLetterConfig: {{ Arn: !GetAtt FailedEvents.Arn }}\n",
        quoted(description),
        flow(pattern, 6, WIDTH),
    )
    .ok();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names are those that the rules against tampering with Stockade look for, and AWS's limits hold.
    #[test]
    fn rules_are_guarded_by_their_names_and_fit() {
        let groups = Groups::read(&crate::root().join("conf/rule.d")).unwrap();
        assert!(!groups.repair.is_empty() && groups.watch.len() > groups.repair.len());
        for rule in groups.repair.iter().chain(&groups.watch) {
            assert!(rule.name.starts_with("stockade-"), "{}", rule.name);
            assert!(rule.name.len() <= 64 && rule.pattern.len() <= 2_048, "{}", rule.name);
            assert!(rule.description.chars().count() <= 512, "{}", rule.name);
        }
    }
}
