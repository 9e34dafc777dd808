//! Our rules of EventBridge, with their targets.

use serde_json::{Map, Value, json};

use super::{same, tags};
use crate::ApiFault;
use crate::json::{list, text};
use crate::playbook::{Change, Kind, Look, Tags, Thing, Weakness};

/// The kind `rule`.
#[derive(Debug)]
pub(crate) struct Rules;

/// Rules as a kind.
pub(crate) static RULES: Rules = Rules;

const DISABLED: &str = "DISABLED";
const ENABLED: &str = "ENABLED";
/// What `PutRule` takes. It replaces the rule, so what is not sent is lost.
const SENT: [&str; 7] =
    ["Name", "EventPattern", "ScheduleExpression", "State", "Description", "RoleArn", "EventBusName"];

impl Kind for Rules {
    fn name(&self) -> &'static str {
        "rule"
    }

    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault> {
        let prefix = json!({"NamePrefix": look.own().prefix});
        let rules = look.pages("events", "ListRules", &prefix, "Rules", "NextToken")?;
        let mut things = Vec::with_capacity(rules.len());
        for rule in rules {
            let arn = text(&rule, "Arn").to_owned();
            let targets =
                look.pages("events", "ListTargetsByRule", &named(&rule, "Rule"), "Targets", "NextToken");
            let tagged = look.ask("events", "ListTagsForResource", json!({"ResourceARN": arn}));
            match targets.and_then(|targets| Ok((targets, tagged?))) {
                Ok((targets, tagged)) => things.push(thing(&rule, targets, tags(&tagged, "Tags"))),
                Err(fault) => look.trouble(&arn, fault),
            }
        }
        Ok(things)
    }

    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness> {
        let mut all = Vec::new();
        let (was, is) = (text(base, "State"), text(now, "State"));
        if was != DISABLED && is == DISABLED {
            all.push(Weakness::lost("State", "it is disabled"));
        } else if was != is && was != DISABLED && is == ENABLED {
            all.push(Weakness::lost("State", "it no longer gets all management events"));
        }
        for (name, says) in
            [("EventPattern", "its pattern is another"), ("ScheduleExpression", "its schedule is another")]
        {
            if !same(text(base, name), text(now, name)) {
                all.push(Weakness::changed(name, says));
            }
        }
        let there = list(now, "Targets");
        for target in list(base, "Targets") {
            let id = text(target, "Id");
            match there.iter().find(|one| text(one, "Id") == id) {
                None => all.push(Weakness::lost("Targets", format!("its target `{id}` is gone"))),
                Some(one) if one != target => {
                    all.push(Weakness::changed("Targets", format!("its target `{id}` is another")));
                }
                Some(_) => {}
            }
        }
        all
    }
}

/// A rule's name as a parameter, with its bus if that is not the default one.
fn named(rule: &Value, parameter: &str) -> Value {
    let mut parameters = Map::from_iter([(parameter.to_owned(), json!(text(rule, "Name")))]);
    let bus = text(rule, "EventBusName");
    if !bus.is_empty() && bus != "default" {
        parameters.insert("EventBusName".to_owned(), json!(bus));
    }
    Value::Object(parameters)
}

fn thing(rule: &Value, mut targets: Vec<Value>, tags: Tags) -> Thing {
    let mut state = Map::from_iter([("Arn".to_owned(), json!(text(rule, "Arn")))]);
    for name in SENT {
        let value = text(rule, name);
        if !value.is_empty() {
            state.insert(name.to_owned(), json!(value));
        }
    }
    targets.sort_by(|one, other| text(one, "Id").cmp(text(other, "Id")));
    state.insert("Targets".to_owned(), json!(targets));
    let (id, name) = (text(rule, "Arn").to_owned(), text(rule, "Name").to_owned());
    Thing { id, name, state: Value::Object(state), tags }
}

impl Rules {
    /// The calls that make a rule that is gone as it was.
    pub(crate) fn restore(base: &Thing) -> Vec<Change> {
        let mut put = put(&base.state);
        if !base.tags.is_empty()
            && let Some(fields) = put.as_object_mut()
        {
            let tags: Vec<Value> =
                base.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            fields.insert("Tags".to_owned(), json!(tags));
        }
        let name = &base.name;
        let made = Change::new(format!("make the rule `{name}` again"), "events", "PutRule", put)
            .undo("DeleteRule", named(&base.state, "Name"));
        let mut changes = vec![made];
        changes.extend(aim(&base.state, list(&base.state, "Targets"), &[]));
        changes
    }

    /// The calls that mend these weaknesses, and send nothing else.
    pub(crate) fn strengthen(base: &Value, now: &Value, weak: &[Weakness]) -> Vec<Change> {
        let name = text(base, "Name");
        let is_weak = |field: &str| weak.iter().any(|one| one.field == field);
        let mut changes = Vec::new();
        // `PutRule` replaces all of a rule, so it gets what is there now but for what is mended.
        let mut whole = now.clone();
        let mut replaced = false;
        for field in ["State", "EventPattern", "ScheduleExpression"] {
            if !is_weak(field) || (field == "State" && text(base, "State") == ENABLED) {
                continue;
            }
            replaced = true;
            if let Some(fields) = whole.as_object_mut() {
                fields.remove(field);
                fields.extend(base.get(field).map(|value| (field.to_owned(), value.clone())));
            }
        }
        if replaced {
            changes.push(
                Change::new(
                    format!("give the rule `{name}` back what it was"),
                    "events",
                    "PutRule",
                    put(&whole),
                )
                .before(put(now))
                .undo("PutRule", put(now)),
            );
        } else if is_weak("State") {
            changes.push(
                Change::new(format!("enable the rule `{name}`"), "events", "EnableRule", named(base, "Name"))
                    .before(json!({"State": text(now, "State")}))
                    .undo("DisableRule", named(base, "Name")),
            );
        }
        if is_weak("Targets") {
            let there = list(now, "Targets");
            let gone = |one: &&Value| !there.iter().any(|now| text(now, "Id") == text(one, "Id"));
            let changed = weak.iter().any(|one| one.field == "Targets" && one.changed);
            let other =
                |one: &&Value| there.iter().any(|now| text(now, "Id") == text(one, "Id") && now != *one);
            let missing: Vec<Value> = list(base, "Targets")
                .iter()
                .filter(|one| if changed { other(one) } else { gone(one) })
                .cloned()
                .collect();
            changes.extend(aim(base, &missing, there));
        }
        changes
    }
}

/// The parameters of `PutRule` for a rule.
fn put(rule: &Value) -> Value {
    let fields = SENT.iter().filter_map(|name| Some(((*name).to_owned(), rule.get(*name)?.clone())));
    let default_bus = |(name, value): &(String, Value)| !(name == "EventBusName" && value == "default");
    Value::Object(fields.filter(default_bus).collect())
}

/// Aims a rule at targets. `there`: those that it has, to go back to.
fn aim(rule: &Value, targets: &[Value], there: &[Value]) -> Option<Change> {
    if targets.is_empty() {
        return None;
    }
    let ids: Vec<&str> = targets.iter().map(|target| text(target, "Id")).collect();
    let before: Vec<&Value> = there.iter().filter(|one| ids.contains(&text(one, "Id"))).collect();
    let with = |name: &str, value: Value| {
        let mut parameters = named(rule, "Rule");
        if let Some(fields) = parameters.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
        parameters
    };
    let says = format!("aim the rule `{}` at {} again", text(rule, "Name"), ids.join(", "));
    let undo = if before.is_empty() {
        ("RemoveTargets", with("Ids", json!(ids)))
    } else {
        ("PutTargets", with("Targets", json!(before)))
    };
    let change = Change::new(says, "events", "PutTargets", with("Targets", json!(targets)))
        .before(json!({"Targets": before}))
        .undo(undo.0, undo.1);
    Some(change.refused_at("/FailedEntryCount"))
}
