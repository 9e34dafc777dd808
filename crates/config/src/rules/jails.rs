//! From rules to the jails that count their matches.

use std::collections::BTreeMap;
use std::sync::Arc;

use stockade_core::ports::Scope;
use stockade_core::{Feed, Jail, Key, Target, Threshold};
use stockade_filter::conf::ConfFiles;
use stockade_rule::{Rule, RuleJail};

use super::{Rules, load_rules, rows, template};
use crate::config::Config;
use crate::jail::{Context, JailConfig};
use crate::origin::Origin;
use crate::problem::{Problem, ProblemKind};
use crate::problems::Problems;
use crate::program::{Program, ResponderConfig, ResponderKind, RuleSetting};
use stockade_core::nearest::nearest;

/// Reads the rules and puts their jails behind the others.
pub(crate) fn append(files: &dyn ConfFiles, context: &Context<'_>, config: &mut Config) {
    let Rules { rules, disabled, broken, problems, files: read } = load_rules(files, &config.program.rules);
    config.problems.append(problems);
    config.files.extend(read);
    config.broken.extend(broken);
    config.disabled.extend(disabled.iter().map(|rule| rule.name.to_string()));
    let Some(template) = template::template(files, context) else {
        let kind = ProblemKind::Unreadable { error: "`[DEFAULT]` of the jails cannot be used".to_owned() };
        config.problems.push(Problem::error(kind, Origin::Default).key("rules"));
        config.broken.extend(rules.iter().map(|rule| rule.name.to_string()));
        return;
    };
    add_repair(&mut config.program);
    let rules = told_instead(rules, &config.program, &mut config.problems);
    let added = add_log(&rules, &mut config.program);
    let mut groups: BTreeMap<Arc<str>, Vec<Arc<Rule>>> = BTreeMap::new();
    for rule in rules {
        groups.entry(Arc::clone(rule.jail_name())).or_default().push(rule);
    }
    for (name, rules) in groups {
        let built = Group { name: &name, config, added: added.as_deref() }.jail(&rules, &template);
        config.rows.extend(built.iter().flat_map(|jail| rows::rows(jail, &config.program)));
        config.jails.extend(built);
    }
}

/// Where repairs are wanted, somebody makes them.
fn add_repair(program: &mut Program) {
    if program.repair.is_on() && !program.responders.iter().any(|one| one.kind == ResponderKind::Repair) {
        let name = free(program, &["repair", "repair-aws"], "stockade-repair");
        program.responders.push(ResponderConfig { name, kind: ResponderKind::Repair });
    }
}

/// Where nobody repairs, people are told instead: the rules with that target, and a word about it.
fn told_instead(rules: Vec<Arc<Rule>>, program: &Program, problems: &mut Problems) -> Vec<Arc<Rule>> {
    let repairs = |one: &ResponderConfig| match one.kind {
        ResponderKind::Repair => program.repair.is_on(),
        ref kind => kind.takes(Target::Repair),
    };
    if program.responders.iter().any(repairs) {
        return rules;
    }
    let mut names = Vec::new();
    let told = |rule: Arc<Rule>| {
        if rule.target != Target::Repair {
            return rule;
        }
        names.push(rule.name.to_string());
        let mut rule = Arc::unwrap_or_clone(rule);
        rule.target = Target::Notify;
        Arc::new(rule)
    };
    let rules = rules.into_iter().map(told).collect();
    if !names.is_empty() {
        problems.push(Problem::warning(ProblemKind::NothingRepairs { rules: names }, Origin::Default));
    }
    rules
}

/// Where rules tell and nobody hears it, standard output does.
fn add_log(rules: &[Arc<Rule>], program: &mut Program) -> Option<Arc<str>> {
    let tells = rules.iter().any(|rule| rule.target == Target::Notify);
    if !tells || program.responders.iter().any(|one| one.kind.takes(Target::Notify)) {
        return None;
    }
    let name = free(program, &["log", "log-events"], "stockade-log-events");
    program.responders.push(ResponderConfig { name: Arc::clone(&name), kind: ResponderKind::Log });
    Some(name)
}

/// The first of these names that no responder has, or the last resort.
fn free(program: &Program, names: &[&str], last: &str) -> Arc<str> {
    let taken = |name: &str| program.responders.iter().any(|one| &*one.name == name);
    names.iter().copied().find(|name| !taken(name)).unwrap_or(last).into()
}

/// The rules of one jail.
struct Group<'c> {
    name: &'c Arc<str>,
    config: &'c mut Config,
    /// The responder that is there because nobody else tells, and for nothing else.
    added: Option<&'c str>,
}

impl Group<'_> {
    /// The jail of these rules, the first of which says what the others must not say otherwise.
    fn jail(&mut self, rules: &[Arc<Rule>], template: &JailConfig) -> Option<JailConfig> {
        if self.config.jail(self.name).is_some() {
            for rule in rules {
                let kind =
                    ProblemKind::bad_value("a jail of its own: the name is that of another jail", self.name);
                self.refuse(rule, kind, "jail.name", super::place(&rule.file, rule.place_of("jail.name")));
            }
            return None;
        }
        let mut agreed = Agreed::default();
        let mut usable = Vec::new();
        for rule in rules {
            let setting = self.setting(rule).cloned().unwrap_or_default();
            match agreed.take(rule, &setting).and_then(|()| self.responders(rule, &setting)) {
                Ok(responders) => {
                    agreed.responders.get_or_insert(responders);
                    usable.push(Arc::clone(rule));
                }
                Err(refused) => {
                    let (kind, key, origin) = *refused;
                    self.refuse(rule, kind, key, origin);
                }
            }
        }
        let target = usable.first()?.target;
        let Agreed { jail, responders, .. } = agreed;
        Some(JailConfig {
            jail: core_jail(self.name, target, &jail, &template.jail),
            scope: Scope { jail: Arc::clone(self.name), ports: Vec::new(), protocols: Vec::new() },
            responders: responders.unwrap_or_default(),
            actions: Vec::new(),
            rules: usable,
            ..template.clone()
        })
    }

    fn setting(&self, rule: &Rule) -> Option<&RuleSetting> {
        self.config.program.rules.each.iter().find(|one| *one.name == *rule.name)
    }

    fn refuse(&mut self, rule: &Rule, kind: ProblemKind, key: &str, origin: Origin) {
        self.config.problems.push(Problem::error(kind, origin).section(&rule.name).key(key));
        self.config.broken.push(rule.name.to_string());
    }

    /// Who carries out what the jail decides: as `action` says, else all who do such things.
    fn responders(&self, rule: &Rule, setting: &RuleSetting) -> Result<Vec<Arc<str>>, Refused> {
        let all = &self.config.program.responders;
        let Some(wanted) = &setting.action else {
            let notice = rule.target == Target::Notify;
            let able = all.iter().filter(|one| one.kind.takes(rule.target));
            let able = able.filter(|one| notice || self.added != Some(&*one.name));
            return Ok(able.map(|one| Arc::clone(&one.name)).collect());
        };
        let mut chosen: Vec<Arc<str>> = Vec::new();
        for name in wanted {
            let refused = |kind| Box::new((kind, "action", setting.origin("action")));
            let found = all.iter().find(|one| *one.name == **name).ok_or_else(|| {
                let known: Vec<String> = all.iter().map(|one| one.name.to_string()).collect();
                let nearest = nearest(name, known.iter().map(String::as_str));
                refused(ProblemKind::Unknown { what: "responder", name: name.clone(), nearest, known })
            })?;
            if !found.kind.takes(rule.target) {
                let expected = format!("responders that take the target `{}`", rule.target);
                return Err(refused(ProblemKind::bad_value(expected, name)));
            }
            if !chosen.contains(&found.name) {
                chosen.push(Arc::clone(&found.name));
            }
        }
        Ok(chosen)
    }
}

/// What is wrong, in which key, and where.
type Refused = Box<(ProblemKind, &'static str, Origin)>;

/// What the rules of one jail say together.
#[derive(Default)]
struct Agreed {
    /// The first rule.
    first: Option<Arc<Rule>>,
    action: Option<Vec<String>>,
    jail: RuleJail,
    responders: Option<Vec<Arc<str>>>,
}

impl Agreed {
    /// Takes in what one more rule says, if it contradicts none before.
    fn take(&mut self, rule: &Arc<Rule>, setting: &RuleSetting) -> Result<(), Refused> {
        let first = self.first.get_or_insert_with(|| Arc::clone(rule));
        let differs = |known: String, found: String, key: &'static str| {
            let expected = format!("{known}, as rule `{}` has it for the same jail", first.name);
            let origin = super::rows::origin(rule, setting, key);
            Err(Box::new((ProblemKind::bad_value(expected, &found), key, origin)))
        };
        if first.target != rule.target {
            return differs(format!("`{}`", first.target), rule.target.to_string(), "target");
        }
        let (own, none) = (rule.jail.as_ref(), RuleJail::default());
        // A rule without a `[jail]` asks for one match.
        let alone = RuleJail { maxretry: Some(std::num::NonZeroU32::MIN), ..RuleJail::default() };
        let own = own.unwrap_or(if Arc::ptr_eq(first, rule) { &alone } else { &none });
        macro_rules! agree {
            ($field:ident, $show:expr) => {
                match (self.jail.$field, own.$field) {
                    (Some(known), Some(found)) if known != found => {
                        return differs(format!("`{}`", $show(known)), $show(found), stringify!($field));
                    }
                    (None, found) => self.jail.$field = found,
                    _ => {}
                }
            };
        }
        agree!(maxretry, |count: std::num::NonZeroU32| count.to_string());
        agree!(findtime, rows::span);
        agree!(bantime, rows::bantime);
        match (&self.action, &setting.action) {
            (Some(known), Some(found)) if known != found => {
                return differs(rows::names(known), found.join(", "), "action");
            }
            (None, found) => self.action.clone_from(found),
            _ => {}
        }
        Ok(())
    }
}

/// Addresses that mean another machine in each network. AWS tells of them as well, and hosts everywhere would ban them:
/// their own resolvers, load balancers and neighbours. Source: the IANA registries of special-purpose addresses, as far
/// as an address there is not a documentation one.
const PRIVATE: [&str; 11] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::/128",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// The jail as the core knows it; what the rules do not say is as `[DEFAULT]` has it.
fn core_jail(name: &Arc<str>, target: Target, said: &RuleJail, default: &Jail) -> Jail {
    let Threshold { maxretry, findtime } = default.threshold;
    let mut ignore = default.ignore.clone();
    if target == Target::Ban {
        ignore.extend(PRIVATE.iter().filter_map(|net| Key::parse_addr_or_net(net)));
    }
    Jail {
        name: Arc::clone(name),
        feed: Feed::Matches,
        target,
        threshold: Threshold {
            maxretry: said.maxretry.unwrap_or(maxretry),
            findtime: said.findtime.unwrap_or(findtime),
        },
        bantime: said.bantime.unwrap_or(default.bantime),
        growth: default.growth.clone().filter(|_| target == Target::Ban),
        ignore,
        ..default.clone()
    }
}
