use super::*;

#[test]
fn every_line_knows_where_it_was_written() {
    let def = filter(
        &[
            (
                "filter.d/inc.conf",
                "[DEFAULT]\n_pre = ^\\S+\\s\n\n[Definition]\nmdre-x = ^%(_pre)sx\n         ^y\n",
            ),
            (
                "filter.d/f.conf",
                "[INCLUDES]\nbefore = inc.conf\n[Definition]\nfailregex = ^first\n  # a comment\n  <mdre-<mode>>\n\n  \
                 %(_pre)slast\nmode = x\nprefregex = ^%(_pre)s\nignoreregex = %(_pre)s\n",
            ),
        ],
        "f",
    );
    assert_eq!(
        lines(&def.failregex),
        [
            "filter.d/f.conf:4 ^first",
            "filter.d/inc.conf:5 ^^\\S+\\sx",
            "filter.d/inc.conf:6 ^y",
            "filter.d/f.conf:8 ^\\S+\\slast",
        ]
    );
    // Alone on its line: the place of what it refers to.
    assert_eq!(lines(&def.ignoreregex), ["filter.d/inc.conf:2 ^\\S+\\s"]);
    assert_eq!(def.prefregex.as_ref().map(|v| v.origin().line()), Some(10));
    assert_eq!(def.files, ["(built in)/filter.d/inc.conf", "(built in)/filter.d/f.conf"]);
}

#[test]
fn a_parameter_counts_more_than_init_and_init_more_than_definition() {
    const FILES: &[(&str, &str)] = &[(
        "filter.d/f.conf",
        "[Definition]\nfailregex = <a> %(a)s <HOST>\na = def\nmaxlines = 1\n[Init]\na = init\nmaxlines = 10\n",
    )];
    // `%(a)s` does not see [Init] (but a parameter), `<a>` does.
    assert_eq!(texts(&filter(FILES, "f").failregex), ["init def <HOST>"]);
    assert_eq!(texts(&filter(FILES, "f[a=P]").failregex), ["P P <HOST>"]);
    assert_eq!(filter(FILES, "f").maxlines.map(|(n, _)| n), Some(10));
    assert_eq!(filter(FILES, "f[maxlines=3]").maxlines.map(|(n, _)| n), Some(3));
    assert_eq!(texts(&filter(FILES, "f[failregex='<a>']").failregex), ["init"]);
}

#[test]
fn known_in_a_parameter_is_the_value_of_init() {
    let def = filter(
        &[("filter.d/f.conf", "[Definition]\nfailregex = <par>\n[Init]\npar = stock\n")],
        "f[par=\"P<known/par>Q\"]",
    );
    assert_eq!(texts(&def.failregex), ["PstockQ"]);
}

#[test]
fn known_in_a_local_file_is_the_value_before() {
    let def = filter(
        &[
            ("filter.d/f.conf", "[Definition]\nfailregex = ^one\n  ^two\n"),
            ("filter.d/f.local", "[Definition]\nfailregex = %(known/failregex)s\n  ^three\n"),
        ],
        "f",
    );
    assert_eq!(
        lines(&def.failregex),
        ["filter.d/f.conf:2 ^one", "filter.d/f.conf:3 ^two", "filter.d/f.local:3 ^three"]
    );
}

#[test]
fn sections_are_name_spaces() {
    let def = filter(
        &[(
            "filter.d/f.conf",
            "[DEFAULT]\nlogtype = file\n[lt_file]\npre = F <x>\n[lt_journal]\npre = %(lt_file/pre)s J\n\
             [Definition]\nfailregex = <lt_<logtype>/pre> <gone/pre>\nx = X\n",
        )],
        "f[logtype=journal]",
    );
    assert_eq!(texts(&def.failregex), ["F X J <gone/pre>"]);
}

#[test]
fn the_log_type_follows_the_backend_unless_something_sets_it() {
    let files = Embedded(&[
        ("filter.d/f.conf", "[DEFAULT]\nlogtype = x\n[Definition]\nfailregex = <logtype>\n"),
        ("filter.d/own.conf", "[Definition]\nfailregex = <logtype>\nlogtype = mine\n"),
    ]);
    let reader = Reader::new(&files);
    for (definition, backend, expected) in [
        ("f", "auto", "file"),
        ("f", "systemd[journalflags=1]", "journal"),
        ("f[logtype=short]", "systemd", "short"),
        ("f[logtype=]", "systemd", "journal"),
        ("own", "systemd", "mine"),
    ] {
        let def = reader.filter(definition, backend).value.expect(definition);
        assert_eq!(texts(&def.failregex), [expected], "{definition} on {backend}");
    }
}

#[test]
fn a_tag_with_a_conditional_twin_stays_in_filters_too() {
    let def = filter(
        &[(
            "filter.d/f.conf",
            "[Definition]\nfailregex = <a> <b>\n[Init]\na = 4\nb = B\n[Init?family=inet6]\na = 6\n",
        )],
        "f",
    );
    assert_eq!(texts(&def.failregex), ["<a> B"]);
}

#[test]
fn names_of_tags_are_found_in_lower_case_among_options() {
    // A trap: an option `host` takes the place of `<HOST>`.
    let def =
        filter(&[("filter.d/f.conf", "[Definition]\nfailregex = ^<HOST> <F-ID>x</F-ID>\nhost = h\n")], "f");
    assert_eq!(texts(&def.failregex), ["^h <F-ID>x</F-ID>"]);
}

#[test]
fn the_other_options() {
    let def = filter(
        &[(
            "filter.d/f.conf",
            "[Definition]\nfailregex =\ndatepattern = ^%%Y\n  {DATE}\nusedns = no\n\
             journalmatch = _SYSTEMD_UNIT=\"a b\" + _COMM=c\n\n  _PID=1\n",
        )],
        "f",
    );
    assert!(def.failregex.is_empty() && def.prefregex.is_none() && def.maxlines.is_none());
    assert_eq!(def.datepattern.as_ref().map(Value::text), Some("^%Y\n{DATE}"));
    assert_eq!(def.usedns.as_ref().map(Value::text), Some("no"));
    let words: Vec<_> = def.journalmatch.iter().map(|m| (m.words.join("|"), m.origin.line())).collect();
    assert_eq!(words, [("_SYSTEMD_UNIT=a b|+|_COMM=c".to_owned(), 6), ("_PID=1".to_owned(), 8)]);
}

#[test]
fn a_file_is_read_by_its_path() {
    let files = Embedded(&[
        ("my/f.conf", "[INCLUDES]\nbefore = base.conf\n[Definition]\nfailregex = <a>\n"),
        ("my/base.conf", "[Definition]\na = A\n"),
        ("my/f.local", "[Definition]\na = local\n"),
    ]);
    let def = Reader::new(&files).filter_file("./my/f.conf[b=1]", "auto").value.expect("a filter");
    assert_eq!(texts(&def.failregex), ["local"]);
    assert!(Reader::new(&files).filter_file("my/g.conf", "auto").value.is_none());
}

#[test]
fn layers_of_different_trees_join() {
    let upper = Embedded(&[
        ("filter.d/f.local", "[Definition]\na = upper\n"),
        ("filter.d/inc.conf", "[Definition]\nb = upper\n"),
    ]);
    let lower = Embedded(&[
        ("filter.d/f.conf", "[INCLUDES]\nbefore = inc.conf\n[Definition]\nfailregex = <a> <b>\na = lower\n"),
        ("filter.d/inc.conf", "[Definition]\nb = lower\n"),
    ]);
    let files = Layered { upper, lower };
    let def = Reader::new(&files).filter("f", "auto").value.expect("a filter");
    assert_eq!(texts(&def.failregex), ["upper upper"]);
}
