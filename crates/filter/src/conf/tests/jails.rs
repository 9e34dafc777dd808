use super::*;
use crate::conf::value::TimeSpan;

const FILTER: (&str, &str) = (
    "filter.d/f.conf",
    "[Definition]\nfailregex = ^<mode>\n            ^two\nignoreregex = no\nmode = def\nmaxlines = 2\nusedns = no\nother = O\n",
);
const ACTION: (&str, &str) =
    ("action.d/a.conf", "[Definition]\nactionban = ban <port> <maxretry> <ip>\n[Init]\nport = 1\n");

#[test]
fn settings_come_from_the_section_and_the_defaults() {
    let jails = jails(&[
        (
            "jail.conf",
            "[INCLUDES]\nbefore = paths.conf\n[DEFAULT]\nfilter = %(__name__)s[mode=%(mode)s]\nmode = normal\nmaxretry = 5\n\
             maxmatches = %(maxretry)s\nfindtime = 10m\nbantime = 10m\naction = %(act)s\nact = a[port=\"%(port)s\"]\n\
             enabled = false\nport = 0:65535\n[f]\nport = ssh\nlogpath = %(f_log)s\n[off]\n",
        ),
        ("paths.conf", "[DEFAULT]\nf_log = /var/log/f.log\n  /var/log/g.log tail\n"),
        ("jail.d/x.conf", "[DEFAULT]\nbantime = -1\n"),
        (
            "jail.local",
            "[f]\nenabled = true\nmode = extra\nmaxretry = 3\nignoreip = 192.0.2.1, 2001:db8::/32\nbantime.increment = Yes\n",
        ),
        FILTER,
        ACTION,
    ]);
    let [f, off] = jails.as_slice() else { panic!("{} jails", jails.len()) };
    assert!(f.enabled && !off.enabled && off.filter.is_none() && off.actions.is_empty());
    assert_eq!((f.integer("maxretry"), f.integer("maxmatches")), (Some(3), Some(3)));
    assert_eq!(f.time("findtime"), Some(TimeSpan::Seconds(600.0)));
    assert_eq!(f.time("bantime"), Some(TimeSpan::Forever));
    assert_eq!(f.boolean("bantime.increment"), Some(true));
    assert_eq!(f.ignoreip(), ["192.0.2.1", "2001:db8::/32"]);
    assert_eq!(f.text("backend"), Some("auto"));
    assert_eq!(f.settings["maxretry"].origin().to_string(), "(built in)/jail.local:4");
    assert_eq!(f.settings["backend"].origin().to_string(), "built in");
    assert_eq!(f.helpers["port"].text(), "ssh");
    assert_eq!(f.raw["logpath"].text(), "%(f_log)s");
    let paths: Vec<_> = f.log_paths().iter().map(|p| (p.pattern.clone(), p.tail())).collect();
    assert_eq!(paths, [("/var/log/f.log".into(), Some(false)), ("/var/log/g.log".into(), Some(true))]);
    let filter = f.filter.as_ref().expect("a filter");
    assert_eq!((filter.name.as_str(), texts(&filter.failregex)), ("f", vec!["^extra", "^two"]));
    let [Action::Command(action)] = f.actions.as_slice() else { panic!("{:?}", f.actions) };
    // The jail's options are tags of its actions, where the action has none of that name.
    assert_eq!(action.commands["actionban"].text(), "ban ssh 3 <ip>");
}

#[test]
fn options_of_the_filter_in_the_jail_replace_and_extend_it() {
    let jails = jails(&[
        (
            "jail.conf",
            "[f]\nenabled = true\nfilter = f\naction = a\nfailregex = %(known/failregex)s\n  ^three %(known/other)s\n\
             usedns = yes\ndatepattern = ^%%d\n",
        ),
        FILTER,
        ACTION,
    ]);
    let read = jails[0].filter.as_ref().expect("a filter");
    assert!(read.failregex.is_empty() && read.usedns.is_none());
    let matching = jails[0].matching();
    assert_eq!(
        lines(&matching.failregex),
        ["filter.d/f.conf:2 ^def", "filter.d/f.conf:3 ^two", "jail.conf:6 ^three O"]
    );
    assert_eq!(texts(&matching.ignoreregex), ["no"]);
    assert_eq!(matching.usedns.as_ref().map(Value::text), Some("yes"));
    assert_eq!(matching.datepattern.as_ref().map(Value::text), Some("^%d"));
    assert_eq!(matching.maxlines.map(|(n, _)| n), Some(2));
}

#[test]
fn an_option_that_is_a_parameter_too_is_used_twice_or_counts_more() {
    let jails = jails(&[
        (
            "jail.conf",
            "[f]\nenabled = true\nfilter = f[failregex=^p, usedns=raw, datepattern=P]\naction = a\nfailregex = ^j\n\
             usedns = yes\ndatepattern = J\n",
        ),
        FILTER,
        ACTION,
    ]);
    let matching = jails[0].matching();
    assert_eq!(texts(&matching.failregex), ["^p", "^j"]);
    assert_eq!(matching.usedns.as_ref().map(Value::text), Some("raw"));
    assert_eq!(matching.datepattern.as_ref().map(Value::text), Some("J"));
}

#[test]
fn a_filter_sees_the_options_of_its_jail() {
    let jails = jails(&[
        ("jail.conf", "[j]\nenabled = true\nfilter = g\naction = a\nfindtime = 1h\nmaxretry = 05\n"),
        ("filter.d/g.conf", "[Definition]\nfailregex = %(backend)s <enabled> <findtime>\n"),
        ACTION,
    ]);
    // Not <findtime>: when the filter is read for the first time, the jail has only its first options, and the answer stays.
    assert_eq!(texts(&jails[0].matching().failregex), ["auto True <findtime>"]);
    let [Action::Command(action)] = jails[0].actions.as_slice() else { panic!("{:?}", jails[0].actions) };
    assert_eq!(action.commands["actionban"].text(), "ban 1 5 <ip>");
}

#[test]
fn lists_of_actions() {
    let jails = jails(&[
        (
            "jail.conf",
            "[j]\nenabled = true\nfilter = f\naction = %(one)s\n  a[name=j-x, port=\"1,\n    2\"] smtp.py[host=\"h\", actname=mail]\n\
             one = a\n",
        ),
        FILTER,
        ACTION,
    ]);
    let names: Vec<_> = jails[0].actions.iter().map(Action::name).collect();
    assert_eq!(names, ["a", "a-x", "mail"]);
    let Action::Python { path, params, .. } = &jails[0].actions[2] else { panic!("{:?}", jails[0].actions) };
    assert_eq!((path.as_str(), params["host"].text()), ("(built in)/action.d/smtp.py", "h"));
    assert_eq!(params.len(), 1);
    let Action::Command(second) = &jails[0].actions[1] else { panic!("{:?}", jails[0].actions) };
    assert_eq!(second.params["port"].text(), "1,\n2");
    assert_eq!(second.params["port"].origin().to_string(), "(built in)/jail.conf:5");
}

#[test]
fn version_and_path_are_always_defined() {
    let files = Embedded(&[(
        "jail.conf",
        "[j]\nenabled = true\nfilter =\naction =\nignorecommand = %(fail2ban_version)s %(fail2ban_confpath)s\n",
    )]);
    let jails = Reader::new(&files).with_version("9.9").jails(Which::Enabled);
    assert_eq!(jails.jails[0].text("ignorecommand"), Some("9.9 (built in)/"));
}

#[test]
fn a_jail_that_is_off_is_read_on_demand() {
    let files = Embedded(&[("jail.conf", "[j]\nfilter = f\naction = a\n"), FILTER, ACTION]);
    let reader = Reader::new(&files);
    let jails = reader.jails(Which::All);
    let jail = jails.jail("j").expect("the jail");
    assert!(!jail.enabled && jail.filter.is_some() && jail.actions.len() == 1);
    assert!(reader.jails(Which::Enabled).jails[0].filter.is_none());
}

#[test]
fn the_options_of_the_program() {
    let files = Embedded(&[
        ("fail2ban.conf", "[Definition]\nloglevel = INFO\ndbmaxmatches = 10\n[Thread]\nstacksize = 64\n"),
        ("fail2ban.local", "[Definition]\nloglevel = %(level)s\nlevel = DEBUG\n"),
    ]);
    let main = Reader::new(&files).main().value.expect("options");
    let text = |name: &str| main.settings.get(name).map(Value::text);
    assert_eq!(
        (text("loglevel"), text("dbmaxmatches"), text("dbpurgeage")),
        (Some("DEBUG"), Some("10"), Some("1d"))
    );
    assert_eq!(main.settings["loglevel"].origin().line(), 2);
    assert_eq!(main.settings["dbpurgeage"].origin().line(), 0);
    assert_eq!(main.stacksize.as_ref().map(Value::text), Some("64"));
    assert!(Reader::new(&Embedded(&[])).main().value.is_none());
}
