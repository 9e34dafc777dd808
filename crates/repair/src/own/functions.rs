//! Our functions of Lambda: whether they may run, what feeds them, and whether they are what they were.

use serde_json::{Value, json};

use crate::json::{digest, is, list, text};
use crate::playbook::{Change, Kind, Look, Tags, Thing, Weakness};
use crate::{ApiFault, Blame};

/// The kind `function`.
#[derive(Debug)]
pub(crate) struct Functions;

/// Functions as a kind.
pub(crate) static FUNCTIONS: Functions = Functions;

/// Configuration that is compared. Values of the environment may be secrets: only a hash of them is kept.
const KEPT: [&str; 7] = ["Handler", "Role", "Runtime", "Timeout", "MemorySize", "CodeSha256", "PackageType"];

impl Kind for Functions {
    fn name(&self) -> &'static str {
        "function"
    }

    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault> {
        let mut things = Vec::new();
        for name in &look.own().functions.clone() {
            let one = || json!({"FunctionName": name});
            let configuration = match look.ask("lambda", "GetFunctionConfiguration", one()) {
                Ok(configuration) => configuration,
                Err(fault) if fault.blame == Blame::Missing => continue,
                Err(fault) => {
                    look.trouble(&arn(look, name), fault);
                    continue;
                }
            };
            let concurrency = look.ask("lambda", "GetFunctionConcurrency", one());
            let feeds = look.ask("lambda", "ListEventSourceMappings", one());
            match concurrency.and_then(|concurrency| Ok((concurrency, feeds?))) {
                Ok((concurrency, feeds)) => things.push(thing(name, &configuration, &concurrency, &feeds)),
                Err(fault) => look.trouble(&arn(look, name), fault),
            }
        }
        Ok(things)
    }

    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness> {
        let mut all = Vec::new();
        let limit = |function: &Value| function.get("Concurrency").and_then(Value::as_u64);
        match (limit(base), limit(now)) {
            (_, Some(0)) if limit(base) != Some(0) => {
                all.push(Weakness::lost("Concurrency", "it may not run at all"));
            }
            (None, Some(few)) => {
                all.push(Weakness::lost("Concurrency", format!("only {few} of it may run at once")));
            }
            (Some(was), Some(few)) if few < was => {
                all.push(Weakness::lost("Concurrency", format!("only {few} of it may run at once")));
            }
            (Some(_), None) => all.push(Weakness::lost("Concurrency", "nothing is reserved for it")),
            _ => {}
        }
        let feeds = list(now, "Feeds");
        for feed in list(base, "Feeds").iter().filter(|feed| is(feed, "Enabled")) {
            let source = text(feed, "EventSourceArn");
            match feeds.iter().find(|one| text(one, "UUID") == text(feed, "UUID")) {
                Some(one) if is(one, "Enabled") => {}
                Some(_) => all.push(Weakness::lost("Feeds", format!("it no longer reads {source}"))),
                None => all.push(Weakness::changed("Feeds", format!("what it read from {source} is gone"))),
            }
        }
        for name in KEPT.into_iter().chain(["EnvironmentSha256", "Layers"]) {
            if base.get(name) != now.get(name) {
                all.push(Weakness::changed(name, format!("its {name} is another")));
            }
        }
        all
    }
}

fn arn(look: &Look<'_>, name: &str) -> String {
    let place = look.place();
    let (partition, region, account) = (place.partition(), &place.region, &place.account);
    format!("arn:{partition}:lambda:{region}:{account}:function:{name}")
}

fn thing(name: &str, configuration: &Value, concurrency: &Value, feeds: &Value) -> Thing {
    let feeds: Vec<Value> = list(feeds, "EventSourceMappings")
        .iter()
        .map(|feed| {
            let on = !matches!(text(feed, "State"), "Disabled" | "Disabling");
            json!({"UUID": text(feed, "UUID"), "EventSourceArn": text(feed, "EventSourceArn"), "Enabled": on})
        })
        .collect();
    let layers: Vec<&str> = list(configuration, "Layers").iter().map(|layer| text(layer, "Arn")).collect();
    let environment = configuration.pointer("/Environment/Variables").unwrap_or(&Value::Null);
    let mut state = json!({
        "FunctionName": name, "Concurrency": concurrency.get("ReservedConcurrentExecutions"), "Feeds": feeds,
        "Layers": layers, "EnvironmentSha256": digest(environment),
    });
    if let Some(state) = state.as_object_mut() {
        state.extend(
            KEPT.iter().filter_map(|name| Some(((*name).to_owned(), configuration.get(*name)?.clone()))),
        );
    }
    let id = text(configuration, "FunctionArn").to_owned();
    Thing { id, name: name.to_owned(), state, tags: Tags::new() }
}

impl Functions {
    /// The calls that let a function run and read again.
    pub(crate) fn strengthen(base: &Value, now: &Value, weak: &[Weakness]) -> Vec<Change> {
        let name = text(base, "FunctionName");
        let is_weak = |field: &str| weak.iter().any(|one| one.field == field && !one.changed);
        let mut changes = Vec::new();
        if is_weak("Concurrency") {
            let set = |function: &Value| match function.get("Concurrency").and_then(Value::as_u64) {
                Some(limit) => (
                    "PutFunctionConcurrency",
                    json!({"FunctionName": name, "ReservedConcurrentExecutions": limit}),
                ),
                None => ("DeleteFunctionConcurrency", json!({"FunctionName": name})),
            };
            let ((operation, parameters), (undo, former)) = (set(base), set(now));
            changes.push(
                Change::new(format!("let the function `{name}` run again"), "lambda", operation, parameters)
                    .before(json!({"Concurrency": now.get("Concurrency")}))
                    .undo(undo, former),
            );
        }
        if is_weak("Feeds") {
            let off = |feed: &&Value| {
                let same = |one: &&Value| text(one, "UUID") == text(feed, "UUID");
                is(feed, "Enabled")
                    && list(now, "Feeds").iter().find(same).is_some_and(|one| !is(one, "Enabled"))
            };
            for feed in list(base, "Feeds").iter().filter(off) {
                let set = |on: bool| json!({"UUID": text(feed, "UUID"), "Enabled": on});
                let says = format!("let the function `{name}` read {} again", text(feed, "EventSourceArn"));
                changes.push(
                    Change::new(says, "lambda", "UpdateEventSourceMapping", set(true))
                        .before(set(false))
                        .undo("UpdateEventSourceMapping", set(false)),
                );
            }
        }
        changes
    }
}
