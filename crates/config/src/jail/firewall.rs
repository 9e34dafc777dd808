//! fail2ban's ways to the firewall, for which there is a responder.

use std::sync::Arc;

use stockade_filter::conf::{Options as Params, Value};

use super::Context;
use super::actions::Part;
use super::options::Options;
use crate::problem::ProblemKind;
use crate::program::ResponderKind;

/// The actions for the firewall that fail2ban ships. Another file of such a name is the operator's own.
const STOCK: &[&str] = &[
    "firewallcmd-allports",
    "firewallcmd-ipset",
    "firewallcmd-multiport",
    "firewallcmd-new",
    "firewallcmd-rich-logging",
    "firewallcmd-rich-rules",
    "iptables",
    "iptables-allports",
    "iptables-ipset",
    "iptables-ipset-proto4",
    "iptables-ipset-proto6",
    "iptables-ipset-proto6-allports",
    "iptables-multiport",
    "iptables-multiport-log",
    "iptables-new",
    "iptables-xt_recent-echo",
    "nftables",
    "nftables-allports",
    "nftables-multiport",
    "ufw",
];

/// What an action begins with that means the firewall, if there is no file of that name.
const STEMS: &[&str] = &["nftables", "iptables", "ipset", "firewallcmd", "ufw"];

/// What its `blocktype` begins with if an action keeps out and does not let in.
const KEEPS_OUT: &[&str] = &["drop", "reject", "deny", "block"];

/// Parameters of the stock actions that change nothing about who is kept out from what.
const OF_NO_MATTER: &[&str] = &[
    "actionban",
    "actname",
    "bantime",
    "comment",
    "destination",
    "ipsettype",
    "iptables",
    "lockingopt",
    "name",
    "nftables",
    "port",
    "protocol",
    "returntype",
    "timeout",
    "type",
];

/// Chains in which every packet for this host is seen anyway, and what stands for the default.
const USUAL_CHAINS: &[&str] = &["", "input", "input_direct", "f2b-chain", "<known/chain>"];

/// Whether a name is one of fail2ban's for the firewall.
pub(super) fn is_name(name: &str) -> bool {
    STEMS.iter().any(|stem| name.starts_with(stem))
}

/// The responder for the firewall.
pub(super) fn responder(context: &Context<'_>) -> Option<Arc<str>> {
    let is_firewall = |kind: &ResponderKind| matches!(kind, ResponderKind::Nftables { .. });
    let found = context.program.responders.iter().find(|responder| is_firewall(&responder.kind));
    found.map(|responder| Arc::clone(&responder.name))
}

/// Whether an entry of the list means what the responder for the firewall does: a stock action that keeps out, and
/// whose commands nobody has changed.
pub(super) fn means_firewall(options: &Options<'_>, part: &Part<'_>, context: &Context<'_>) -> bool {
    if !STOCK.contains(&part.name) {
        let is_file = context.action_files.iter().any(|file| file == part.name);
        return is_name(part.name) && !is_file;
    }
    let blocktype = part.params.iter().rev().find(|(name, _)| name == "blocktype");
    let blocktype = blocktype.map(|(_, text)| text.trim().to_lowercase()).unwrap_or_default();
    let keeps_out = blocktype.is_empty() || KEEPS_OUT.iter().any(|word| blocktype.starts_with(word));
    keeps_out && !(context.changed_actions && is_changed(options, part, context))
}

/// Whether a `.local` file gives a stock action other commands.
fn is_changed(options: &Options<'_>, part: &Part<'_>, context: &Context<'_>) -> bool {
    let Some(def) = context.reader.action(part.text, &options.jail.name, &Params::new()).value else {
        return false;
    };
    let commands = ["actionban", "actionunban", "actionstart"];
    let own = |file: &str| is_overlay(file.rsplit_once("action.d/").map_or(file, |(_, name)| name));
    commands.iter().filter_map(|command| def.commands.get(*command)).any(|value| own(value.origin().file()))
}

/// Whether a file of `action.d` changes another one: `NAME.local`, `NAME.d/…`.
pub(crate) fn is_overlay(name: &str) -> bool {
    name.ends_with(".local") || name.contains(".d/") || name.ends_with(".d")
}

/// What a firewall action says about packets itself.
#[derive(Debug)]
pub(super) struct Packets {
    pub(super) port: Option<Value>,
    pub(super) protocol: Option<Value>,
    /// `…-allports`, or `type=allports`.
    pub(super) all: bool,
}

impl Packets {
    /// Reads an entry of the list, and warns of what it says that is not so here.
    pub(super) fn new(options: &mut Options<'_>, part: &Part<'_>) -> Self {
        let whole = ["allports", "ufw"].iter().any(|tail| part.name.ends_with(tail));
        let mut this = Self { port: None, protocol: None, all: whole };
        for (name, text) in part.params {
            let value = || Some(Value::new(text.clone(), part.value.origin().clone()));
            match name.as_str() {
                "port" => this.port = value(),
                "protocol" => this.protocol = value(),
                "type" => this.all |= text == "allports",
                "actiontype" => this.all |= text.contains("allports"),
                "chain" if USUAL_CHAINS.iter().any(|usual| text.trim().eq_ignore_ascii_case(usual)) => {}
                "chain" => {
                    let reason = "bans hold before routing, for this host and for what is behind it";
                    ignored(options, part, name, reason);
                }
                "blocktype" => ignored(options, part, name, "packets are dropped without an answer"),
                name if OF_NO_MATTER.contains(&name) => {}
                name => ignored(options, part, name, "the responder for the firewall has no such option"),
            }
        }
        this
    }
}

fn ignored(options: &mut Options<'_>, part: &Part<'_>, param: &str, reason: &'static str) {
    let kind = ProblemKind::IgnoredParam { action: part.name.to_owned(), param: param.to_owned(), reason };
    options.warn("action", part.value, kind);
}
