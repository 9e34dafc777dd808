//! `action`: who carries out what a jail decides, and on which packets.

use std::sync::Arc;

use stockade_core::action::ActionSpec;
use stockade_core::ports::Scope;
use stockade_filter::conf::value::{split_action_list, split_params};
use stockade_filter::conf::{ProblemKind as ConfKind, Value};

use super::Context;
use super::firewall::{self, Packets};
use super::options::Options;
use super::scope::{self, Wanted};
use super::{ALL_RESPONDERS, action_file};
use crate::limits::MAX_ACTIONS;
use crate::problem::{ProblemKind, cut};
use stockade_core::nearest::nearest;

/// Actions that fail2ban ships, or what they begin with: known here so that a message can tell them from slips.
const FAIL2BAN: &[&str] = &[
    "abuseipdb",
    "apf",
    "apprise",
    "blocklist_de",
    "bsd-ipfw",
    "cloudflare",
    "complain",
    "dshield",
    "dummy",
    "helpers-common",
    "hostsdeny",
    "ipfilter",
    "ipfw",
    "ipthreat",
    "mail",
    "mikrotik",
    "mynetwatchman",
    "netscaler",
    "nginx-block-map",
    "npf",
    "nsupdate",
    "osx-",
    "pf",
    "route",
    "sendmail",
    "shorewall",
    "smtp",
    "symbiosis-blacklist-allports",
    "xarf-login-attack",
];

/// Who carries out what a jail decides.
#[derive(Debug, Default)]
pub(super) struct Actions {
    /// Responders of `stockade.toml` and the actions below, in the order of the list.
    pub(super) responders: Vec<Arc<str>>,
    /// Files of `action.d`.
    pub(super) specs: Vec<ActionSpec>,
}

/// Who carries out what a jail decides, and the packets its bans keep out. Without `action` they are all responders.
pub(super) fn actions(options: &mut Options<'_>, context: &Context<'_>) -> (Actions, Scope) {
    let mut actions = Actions::default();
    let listed = options.get("action").or_else(|| options.get("banaction"));
    let parts = listed.map(|value| split_action_list(value.text())).unwrap_or_default();
    let mut overrides = Vec::new();
    for part in parts.iter().take(MAX_ACTIONS) {
        let Some(value) = listed else { break };
        let Ok((name, params)) = split_params(part) else {
            // In `action` it was reported when the jail was read.
            if options.get("action").is_none() {
                let expected = "actions such as `nftables[port=\"22,80\"]`";
                options.error("banaction", value, ProblemKind::bad_value(expected, part));
            }
            continue;
        };
        let part = Part { text: part, name: name.trim(), params: &params, value };
        overrides.extend(actions.add(options, &part, context));
    }
    if parts.len() > MAX_ACTIONS
        && let Some(value) = listed
    {
        let expected = format!("at most {MAX_ACTIONS} actions");
        options.error("action", value, ProblemKind::bad_value(expected, &parts.len().to_string()));
    }
    if parts.is_empty() {
        actions.responders = all(context);
    }
    let jails = Wanted { port: options.get("port"), protocol: options.get("protocol") };
    let wanted = |packets: &'_ Packets| -> (Option<Value>, Option<Value>) {
        let port = packets.port.as_ref().or(jails.port).filter(|_| !packets.all);
        (port.cloned(), packets.protocol.as_ref().or(jails.protocol).cloned())
    };
    let wanted: Vec<_> = overrides.iter().map(wanted).collect();
    let mut wanted: Vec<Wanted<'_>> = wanted
        .iter()
        .map(|(port, protocol)| Wanted { port: port.as_ref(), protocol: protocol.as_ref() })
        .collect();
    if wanted.is_empty() {
        wanted.push(jails);
    }
    let scope = scope::scope(options, &wanted, context.services);
    (actions, scope)
}

/// One entry of the list.
pub(super) struct Part<'p> {
    pub(super) text: &'p str,
    pub(super) name: &'p str,
    pub(super) params: &'p [(String, String)],
    /// The list.
    pub(super) value: &'p Value,
}

impl Actions {
    /// Takes in one entry. Returns which packets it says are meant, if it is one for the firewall.
    fn add(&mut self, options: &mut Options<'_>, part: &Part<'_>, context: &Context<'_>) -> Option<Packets> {
        let is_file = context.action_files.iter().any(|file| file == part.name);
        let is_firewall = firewall::is_name(part.name);
        let means_firewall = is_firewall && firewall::means_firewall(options, part, context);
        let named = context.program.responders.iter().find(|responder| &*responder.name == part.name);
        if let Some(found) = named
            && (means_firewall || !is_firewall || !is_file)
        {
            self.take(Arc::clone(&found.name));
            return is_firewall.then(|| Packets::new(options, part));
        }
        if context.declared.iter().any(|declared| declared == part.name) {
            // It could not be read, which was reported.
            return None;
        }
        if part.name == ALL_RESPONDERS {
            all(context).into_iter().for_each(|name| self.take(name));
            return Some(Packets::new(options, part));
        }
        if means_firewall {
            match firewall::responder(context) {
                Some(found) => {
                    self.take(found);
                    return Some(Packets::new(options, part));
                }
                // Its own commands are better than no ban.
                None if is_file => {}
                None => {
                    let name = part.name.to_owned();
                    options.error("action", part.value, ProblemKind::NoFirewall { name });
                    return None;
                }
            }
        }
        if is_file {
            self.run(options, part, context);
        } else {
            options.error("action", part.value, unknown(part.name, context));
        }
        None
    }

    /// A file of commands that runs as it is.
    fn run(&mut self, options: &mut Options<'_>, part: &Part<'_>, context: &Context<'_>) {
        let Some(spec) = action_file::spec(options, part, context) else { return };
        if self.specs.iter().any(|earlier| earlier.name == spec.name) {
            let name = spec.name.split_once('/').map_or("", |(_, name)| name);
            let kind = Box::new(ConfKind::DuplicateAction { name: cut(name) });
            let hint = Some("tell them apart with `actname`".to_owned());
            options.error("action", part.value, ProblemKind::Conf { kind, hint });
            return;
        }
        self.responders.push(Arc::clone(&spec.name));
        self.specs.push(spec);
    }

    fn take(&mut self, name: Arc<str>) {
        if !self.responders.contains(&name) {
            self.responders.push(name);
        }
    }
}

/// All but those who only tell people: a mail for each ban is for who wants it.
fn all(context: &Context<'_>) -> Vec<Arc<str>> {
    let all = context.program.responders.iter().filter(|responder| !responder.kind.bans_nobody());
    all.map(|responder| Arc::clone(&responder.name)).collect()
}

/// What is to be said of an action that is neither a responder nor a file.
fn unknown(name: &str, context: &Context<'_>) -> ProblemKind {
    let names = || context.program.responders.iter().map(|responder| &*responder.name);
    let responders: Vec<String> = names().map(str::to_owned).collect();
    if name.ends_with(".py") {
        return ProblemKind::PythonAction { name: name.to_owned(), responders };
    }
    let nearest = nearest(name, names().chain(context.action_files.iter().map(String::as_str)));
    if nearest.is_none() && FAIL2BAN.iter().any(|stem| name.starts_with(stem)) {
        return ProblemKind::NoActionFile { name: name.to_owned(), responders };
    }
    ProblemKind::Unknown { what: "responder", name: name.to_owned(), nearest, known: responders }
}
