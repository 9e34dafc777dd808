//! `action`: which responders carry out what a jail decides, and on which packets.

use std::sync::Arc;

use stockade_core::ports::Scope;
use stockade_filter::conf::Value;
use stockade_filter::conf::value::{split_action_list, split_params};

use super::Context;
use super::options::Options;
use super::scope::{self, Wanted};
use crate::limits::MAX_ACTIONS;
use crate::nearest::nearest;
use crate::problem::ProblemKind;
use crate::program::ResponderKind;

/// What an action begins with that is fail2ban's way to the firewall, for which there is a responder.
const FIREWALL: &[&str] = &["nftables", "iptables", "ipset"];

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
    "firewallcmd",
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
    "ufw",
    "xarf-login-attack",
];

/// The responders of a jail and the packets its bans keep out. Without `action` they are all responders there are.
pub(super) fn actions(options: &mut Options<'_>, context: &Context<'_>) -> (Vec<Arc<str>>, Scope) {
    let (mut responders, mut wanted) = (Vec::new(), Vec::new());
    let listed = options.get("action").or_else(|| options.get("banaction"));
    let parts = listed.map(|value| split_action_list(value.text())).unwrap_or_default();
    let jails = Wanted { port: options.get("port"), protocol: options.get("protocol") };
    let mut overrides = Vec::new();
    for part in parts.iter().take(MAX_ACTIONS) {
        let Some(value) = listed else { break };
        // What cannot be split was reported when the jail was read.
        let Ok((name, params)) = split_params(part) else { continue };
        let name = name.trim();
        match responder(name, context) {
            Ok(found) => responders.extend(found.filter(|found| !responders.contains(found))),
            Err(kind) => options.error("action", value, kind),
        }
        if is_firewall(name) {
            overrides.push(Override::new(name, params, value));
        }
    }
    if parts.len() > MAX_ACTIONS
        && let Some(value) = listed
    {
        let expected = format!("at most {MAX_ACTIONS} actions");
        options.error("action", value, ProblemKind::bad_value(expected, &parts.len().to_string()));
    }
    for packets in &overrides {
        let port = packets.port.as_ref().or(jails.port).filter(|_| !packets.all);
        wanted.push(Wanted { port, protocol: packets.protocol.as_ref().or(jails.protocol) });
    }
    if wanted.is_empty() {
        wanted.push(jails);
    }
    if parts.is_empty() {
        responders = context.program.responders.iter().map(|responder| Arc::clone(&responder.name)).collect();
    }
    (responders, scope::scope(options, &wanted, context.services))
}

/// What a firewall action says about packets itself.
struct Override {
    port: Option<Value>,
    protocol: Option<Value>,
    /// `…-allports`, or `type=allports`.
    all: bool,
}

impl Override {
    fn new(name: &str, params: Vec<(String, String)>, action: &Value) -> Self {
        let mut this = Self { port: None, protocol: None, all: name.ends_with("allports") };
        for (name, text) in params {
            let value = Some(Value::new(text, action.origin().clone()));
            match name.as_str() {
                "port" => this.port = value,
                "protocol" => this.protocol = value,
                "type" => this.all |= value.is_some_and(|value| value.text() == "allports"),
                _ => {}
            }
        }
        this
    }
}

/// The responder that an action means; `None` if it was declared and could not be read, which was reported.
fn responder(name: &str, context: &Context<'_>) -> Result<Option<Arc<str>>, ProblemKind> {
    let all = &context.program.responders;
    if let Some(found) = all.iter().find(|responder| &*responder.name == name) {
        return Ok(Some(Arc::clone(&found.name)));
    }
    if context.declared.iter().any(|declared| declared == name) {
        return Ok(None);
    }
    if is_firewall(name) {
        let firewall = all.iter().find(|responder| matches!(responder.kind, ResponderKind::Nftables { .. }));
        return match firewall {
            Some(found) => Ok(Some(Arc::clone(&found.name))),
            None => Err(ProblemKind::NoFirewall { name: name.to_owned() }),
        };
    }
    let names = || all.iter().map(|responder| &*responder.name);
    let known = names().map(str::to_owned).collect();
    let nearest = nearest(name, names());
    let is_file = name.ends_with(".py") || context.action_files.iter().any(|file| file == name);
    if is_file || nearest.is_none() && FAIL2BAN.iter().any(|stem| name.starts_with(stem)) {
        return Err(ProblemKind::ActionFile { name: name.to_owned(), responders: known });
    }
    Err(ProblemKind::Unknown { what: "responder", name: name.to_owned(), nearest, known })
}

fn is_firewall(name: &str) -> bool {
    FIREWALL.iter().any(|stem| name.starts_with(stem))
}
