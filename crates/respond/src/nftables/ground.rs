//! What the kernel has in our table, compared with what should be there.
//!
//! A chain is left alone when its rules are the right ones, so that counters go on counting over a restart. Rules are
//! told by a fingerprint in their user data, because the kernel does not give them back byte for byte.

use std::collections::BTreeMap;

use super::error::NftError;
use super::jail::Jail;
use super::names::{BASE_CHAIN, SetKind, TABLE};
use super::rule::{Rule, clear_chain, fingerprint_in};
use super::schema::{PRIORITY, delete_table, write_chain, write_deletion, write_set, write_table};
use super::socket::Socket;
use super::uapi::{chain, expr, msg, proto, rule, set, table};
use super::wire::{Message, Writer};

/// What the kernel has under the name of our table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ground {
    /// The table's flags, if there is one.
    table: Option<u32>,
    chains: BTreeMap<String, Option<BaseHook>>,
    /// The fingerprints of each chain's rules, `None` for a rule that is not ours.
    rules: BTreeMap<String, Vec<Option<u64>>>,
    sets: BTreeMap<String, SetShape>,
}

#[derive(Debug, PartialEq, Eq)]
struct BaseHook {
    hook: Option<u32>,
    priority: Option<u32>,
    policy: Option<u32>,
    kind: String,
}

#[derive(Debug, PartialEq, Eq)]
struct SetShape {
    flags: u32,
    key_bytes: u32,
    /// Whether it has a timeout of its own, which would end bans that are for ever, or a greatest size.
    limited: bool,
}

impl Ground {
    /// Asks the kernel. Four short listings; elements are not read.
    pub(super) fn read(socket: &mut Socket) -> Result<Self, NftError> {
        let is_ours = |m: &Message<'_>| m.family() == Some(proto::INET) && m.attrs().text(1) == Some(TABLE);
        let table = socket.list(
            msg::GETTABLE,
            proto::INET,
            |_| (),
            |found: &mut Option<u32>, m| {
                if is_ours(m) {
                    *found = Some(m.attrs().u32(table::FLAGS).unwrap_or(0));
                }
            },
        )?;
        if table.is_none() {
            return Ok(Self::default());
        }
        let chains = socket.list(
            msg::GETCHAIN,
            proto::INET,
            |_| (),
            |found: &mut BTreeMap<_, _>, m| {
                if let (true, Some(name)) = (is_ours(m), m.attrs().text(chain::NAME)) {
                    found.insert(name.to_owned(), base_hook(m));
                }
            },
        )?;
        let in_table = |w: &mut Writer| w.text(rule::TABLE, TABLE);
        let rules =
            socket.list(msg::GETRULE, proto::INET, in_table, |found: &mut BTreeMap<_, Vec<_>>, m| {
                if let (true, Some(name)) = (is_ours(m), m.attrs().text(rule::CHAIN)) {
                    let fingerprint = m.attrs().get(rule::USERDATA).and_then(fingerprint_in);
                    found.entry(name.to_owned()).or_default().push(fingerprint);
                }
            })?;
        let in_table = |w: &mut Writer| w.text(set::TABLE, TABLE);
        let sets = socket.list(msg::GETSET, proto::INET, in_table, |found: &mut BTreeMap<_, _>, m| {
            let attrs = m.attrs();
            if let (true, Some(name)) = (is_ours(m), attrs.text(set::NAME)) {
                let shape = SetShape {
                    flags: attrs.u32(set::FLAGS).unwrap_or(0),
                    key_bytes: attrs.u32(set::KEY_LEN).unwrap_or(0),
                    limited: attrs.get(set::TIMEOUT).is_some()
                        || attrs.nested(set::DESC).get(set::DESC_SIZE).is_some(),
                };
                found.insert(name.to_owned(), shape);
            }
        })?;
        Ok(Self { table, chains, rules, sets })
    }

    /// Whether there is a table at all.
    pub(super) fn exists(&self) -> bool {
        self.table.is_some()
    }

    /// Adds to each jail the sets of networks that it has in the kernel.
    pub(super) fn adopt_sets(&self, jails: &mut [Jail]) {
        for jail in jails {
            jail.sets.extend(self.sets.keys().filter_map(|name| SetKind::from_name(name, &jail.slug)));
        }
    }

    /// Whether something is there that cannot be changed into what we need, only be replaced.
    fn must_be_replaced(&self, jails: &[Jail]) -> bool {
        let dormant = self.table.is_some_and(|flags| flags & table::FLAG_DORMANT != 0);
        let wrong_base =
            self.chains.get(BASE_CHAIN).is_some_and(|hook| !hook.as_ref().is_some_and(BaseHook::is_right));
        let wrong_chain =
            jails.iter().any(|jail| matches!(self.chains.get(&jail.slug.chain()), Some(Some(_))));
        let wrong_set = wanted_sets(jails).iter().any(|(name, (_, kind))| {
            self.sets.get(name).is_some_and(|shape| {
                shape.flags != set::FLAG_TIMEOUT
                    || shape.key_bytes != kind.family.address_bytes()
                    || shape.limited
            })
        });
        dormant || wrong_base || wrong_chain || wrong_set
    }

    /// The messages that make of this ground the one for `jails`; none if it is that already.
    pub(super) fn towards(&self, jails: &[Jail]) -> Writer {
        if self.exists() && self.must_be_replaced(jails) {
            return replacement(jails);
        }
        let mut w = Writer::default();
        if !self.exists() {
            write_table(&mut w);
        }
        let chains = wanted_chains(jails);
        let sets = wanted_sets(jails);

        // First all rules that are too much, then what they held on to, then what is new.
        let stale: Vec<&String> =
            self.chains.keys().filter(|name| !self.has_rules(name, chains.get(*name))).collect();
        stale.iter().for_each(|name| clear_chain(&mut w, name));
        let too_many = self.chains.keys().filter(|name| !chains.contains_key(*name));
        too_many.for_each(|name| write_deletion(&mut w, msg::DELCHAIN, name));
        for (name, shape) in &self.sets {
            if !sets.contains_key(name) && shape.flags & set::FLAG_ANONYMOUS == 0 {
                write_deletion(&mut w, msg::DELSET, name);
            }
        }
        for (name, wanted) in chains.iter().filter(|(name, _)| !self.chains.contains_key(*name)) {
            write_chain(&mut w, name, wanted.jail);
        }
        for (id, (name, (jail, kind))) in (1_u32..).zip(&sets) {
            if !self.sets.contains_key(name) {
                write_set(&mut w, *kind, &jail.slug, id);
            }
        }
        for (name, wanted) in &chains {
            if !self.chains.contains_key(name) || stale.contains(&name) {
                wanted.rules.iter().for_each(|rule| rule.append_to(&mut w, name));
            }
        }
        w
    }

    /// Whether a chain's rules are the wanted ones, in whatever order: none of them lets a packet pass.
    fn has_rules(&self, name: &str, wanted: Option<&WantedChain<'_>>) -> bool {
        let mut has = self.rules.get(name).cloned().unwrap_or_default();
        let Some(wanted) = wanted else { return has.is_empty() };
        let mut want: Vec<Option<u64>> = wanted.rules.iter().map(|rule| Some(rule.fingerprint())).collect();
        has.sort_unstable();
        want.sort_unstable();
        has == want
    }
}

impl BaseHook {
    fn is_right(&self) -> bool {
        self.hook == Some(chain::PRE_ROUTING)
            && self.priority == Some(PRIORITY.cast_unsigned())
            && self.policy == Some(expr::NF_ACCEPT)
            && self.kind == "filter"
    }
}

struct WantedChain<'a> {
    /// Whose chain it is; `None` for the base chain.
    jail: Option<&'a Jail>,
    rules: Vec<Rule>,
}

fn wanted_chains(jails: &[Jail]) -> BTreeMap<String, WantedChain<'_>> {
    let jumps = jails.iter().flat_map(|jail| jail.jumps.iter().cloned()).collect();
    let mut chains = BTreeMap::from([(BASE_CHAIN.to_owned(), WantedChain { jail: None, rules: jumps })]);
    for jail in jails {
        chains.insert(jail.slug.chain(), WantedChain { jail: Some(jail), rules: jail.drops() });
    }
    chains
}

fn wanted_sets(jails: &[Jail]) -> BTreeMap<String, (&Jail, SetKind)> {
    let mut sets = BTreeMap::new();
    for jail in jails {
        sets.extend(jail.sets.iter().map(|kind| (kind.name(&jail.slug), (jail, *kind))));
    }
    sets
}

/// Deletes the table and makes a new one, in the same transaction.
pub(super) fn replacement(jails: &[Jail]) -> Writer {
    let mut w = Writer::default();
    delete_table(&mut w);
    w.extend(Ground::default().towards(jails));
    w
}

fn base_hook(m: &Message<'_>) -> Option<BaseHook> {
    let attrs = m.attrs();
    attrs.get(chain::HOOK)?;
    let hook = attrs.nested(chain::HOOK);
    Some(BaseHook {
        hook: hook.u32(chain::HOOK_NUM),
        priority: hook.u32(chain::HOOK_PRIORITY),
        policy: attrs.u32(chain::POLICY),
        kind: attrs.text(chain::TYPE).unwrap_or_default().to_owned(),
    })
}
