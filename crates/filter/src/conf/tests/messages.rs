use super::*;

const ACTION: (&str, &str) = ("action.d/ban.conf", "[Definition]\nactionban = x\n");

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let found = problems(&[
        (
            "jail.conf",
            "[DEFAULT]\naction = ban\nnonsense\n[one]\nenabled = true\nfilter = ssdh\nmaxretry = five\nfindtime = 10 q\n\
             bantime.increment = perhaps\n[two]\nenabled = true\nfilter = sshd[mode=\"x\" , y=z]\nmaxrety = 3\nlogpath = /a b\n\
             [two]\n[three]\nenabled = true\nfilter = sshd\nusedns = maybe\naction = ban\n  bann[x=1]\n  ban\n\
             [four]\nfilter = nothing\n[five]\nenabled = true\nfilter =\naction =\n",
        ),
        ("filter.d/sshd.conf", "[Definition]\nfailregex = 100%\n  %(prefx)s\nprefix = p\nfailregx = y\n"),
        ACTION,
    ]);
    assert_eq!(
        found,
        "\
jail.conf:3: [DEFAULT] expected `option = value`, got: `nonsense`
  hint: indent a line that continues the value above it
jail.conf:6: [one] no accessible configuration file for filter `ssdh`, tried: `filter.d/ssdh.conf`, `filter.d/ssdh.local`
  hint: did you mean `sshd`?
jail.conf:7: [one] maxretry: expected a whole number, got: `five`
jail.conf:8: [one] findtime: expected a length of time such as `10m` or `1d 12h`, got: `10 q`: `q` is no unit of time
jail.conf:9: [one] bantime.increment: expected `true` or `false`, got: `perhaps`
jail.conf:12: [two] filter: cannot read `sshd[mode=\"x\" , y=z]`: expected `,` or `]` at offset 8 of the parameters, after option `mode`, got: ` , y=z`
jail.conf:14: [two] logpath: expected one of `head`, `tail` after the last blank, got: `b`
jail.conf:15: [two] section `[two]` is already in this file, at line 10
  hint: keep one of them, or put the other into a `.local` file
jail.conf:13: [two] unknown option `maxrety`, nothing refers to it
  hint: did you mean `maxretry`?
filter.d/sshd.conf:5: [Definition] unknown option `failregx`, nothing refers to it
  hint: did you mean `failregex`?
filter.d/sshd.conf:2: [Definition] failregex: expected `%%` or `%(name)s`, got: `%…`
  hint: write `%%` for a `%` that is meant literally
jail.conf:19: [three] usedns: expected one of `yes`, `warn`, `no`, `raw`, got: `maybe`
jail.conf:21: [three] no accessible configuration file for action `bann`, tried: `action.d/bann.conf`, `action.d/bann.local`
  hint: did you mean `ban`?
jail.conf:22: [three] action: action `ban` is already in this jail
  hint: tell them apart with `actname`
jail.conf:27: [five] filter: no filter set
jail.conf:28: [five] action: no actions defined"
    );
}

#[test]
fn a_bad_jail_does_not_stop_the_others() {
    let files = Embedded(&[
        (
            "jail.conf",
            "[DEFAULT]\nenabled = 1\naction = ban\n[bad]\nfilter = %(gone)s\nmaxretry = %(gone)s\n[good]\nfilter = f\n",
        ),
        ("filter.d/f.conf", "[Definition]\nfailregex = x\n"),
        ACTION,
    ]);
    let file = Reader::new(&files).jails(Which::Enabled);
    assert!(file.problems.is_empty());
    let [bad, good] = file.jails.as_slice() else { panic!("{} jails", file.jails.len()) };
    assert_eq!(
        bad.problems.iter().filter(|problem| problem.severity == Severity::Error).count(),
        2,
        "{}",
        bad.problems
    );
    assert!(good.problems.is_empty() && good.filter.is_some());
}

#[test]
fn unknown_references_name_the_nearest_or_the_missing_file() {
    let found = problems(&[
        (
            "jail.conf",
            "[j]\nenabled = true\nfilter =\naction = %(acton_x)s\naction_x = ban\nlogpath = %(sec/x)s\n",
        ),
        ACTION,
    ]);
    assert!(
        found.contains("[j] action: `%(acton_x)s` is not defined\n  hint: did you mean `action_x`?"),
        "{found}"
    );
    assert!(found.contains("[j] logpath: `%(sec/x)s` is not defined\n"), "{found}");
    let found = problems(&[(
        "jail.conf",
        "[INCLUDES]\nbefore = path.conf\nafter = my.local\n[j]\nenabled = true\nfilter =\naction =\nlogpath = %(a)s\n",
    )]);
    assert!(found.contains("hint: the included file `path.conf` does not exist"), "{found}");
}

#[test]
fn what_is_known_is_interpolated_twice() {
    let found = problems(&[
        ("jail.conf", "[j]\nenabled = true\nfilter = f\naction = ban\nfailregex = %(known/failregex)s\n"),
        ("filter.d/f.conf", "[Definition]\nfailregex = 50%% <HOST>\n"),
        ACTION,
    ]);
    assert!(
        found.starts_with("filter.d/f.conf:2: [j] failregex: expected `%%` or `%(name)s`, got: `% <HOST>`"),
        "{found}"
    );
}

#[test]
fn helpers_are_no_unknown_options() {
    let found = problems(&[
        (
            "jail.conf",
            "[INCLUDES]\nbefor = x\n[DEFAULT]\naction = ban\nmy_action = ban\nbantme = 1\nunused = x\n\
             [j]\nenabled = true\nfilter = f\nport = 1\nhelper = %(deep)s\ndeep = 1\nlogpath = %(helper)s\nx_log = 2\n",
        ),
        (
            "filter.d/f.conf",
            "[INCLUDES]\nbefore = inc.conf\n[Definition]\nfailregex = <mdre-<mode>> %(mod)s\nmdre-a = x\nmod = m\nmode = a\n\
             _daemn = x\nignoreregexp = y\n",
        ),
        ("filter.d/inc.conf", "[Definition]\nfailregx = of no concern here\n"),
        ACTION,
    ]);
    let expected = "\
filter.d/f.conf:9: [Definition] unknown option `ignoreregexp`, nothing refers to it
  hint: did you mean `ignoreregex`?";
    assert!(found.contains(expected), "{found}");
    assert!(found.contains(
        "jail.conf:2: [INCLUDES] unknown option `befor`, nothing refers to it\n  hint: did you mean `before`?"
    ));
    assert!(
        found.contains(
            "[DEFAULT] unknown option `bantme`, nothing refers to it\n  hint: did you mean `bantime`?"
        ),
        "{found}"
    );
    assert_eq!(found.matches("unknown option").count(), 3, "{found}");
}

#[test]
fn a_definition_under_another_name_is_suspected() {
    let files = Embedded(&[("filter.d/f.conf", "[Defintion]\nfailregex = x\n")]);
    let read = Reader::new(&files).filter("f", "auto");
    assert_eq!(
        read.problems.to_string(),
        "(built in)/filter.d/f.conf: no section `[Definition]`\n  hint: is `[Defintion]` meant to be it?"
    );
    assert!(read.into_result().is_ok_and(|(def, _)| def.failregex.is_empty()));
}

#[test]
fn names_of_files_and_jails() {
    assert!(problems(&[]).contains("no accessible configuration file for jail file `jail`"));
    let found = problems(&[
        ("jail.conf", "[a-jail-of-twenty-six-chars]\nenabled = true\nfilter =\naction = ban [x=1]\n"),
        ACTION,
    ]);
    assert!(found.contains("jail name of 26 characters is too long"), "{found}");
    assert!(found.contains("action `ban `") && found.contains("hint: leave no blank before `[`"), "{found}");
}

#[test]
fn many_problems_are_cut() {
    let mut text = String::from("[Definition]\n");
    for index in 0..2000 {
        text += &format!("a{index}\n");
    }
    let leaked: &'static str = text.leak();
    let files = Embedded(Box::leak(Box::new([("filter.d/f.conf", leaked)])));
    let read = Reader::new(&files).filter("f", "auto");
    assert_eq!((read.problems.len(), read.problems.dropped()), (limits::MAX_PROBLEMS, 1500));
    assert!(read.problems.to_string().ends_with("\nand 1500 more"));
}
