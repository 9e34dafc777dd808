use super::*;

const TABLES: &[(&str, &str)] = &[
    (
        "action.d/tables.conf",
        "[INCLUDES]\nbefore = common.conf\n[Definition]\nactionstart = <ipt> -N f2b-<name>\n  <rules>\n\
         actionban = <ipt> -s <ip> -j <block> '<matches>' <bantime> <timeout> <findtime>\nactionflush = <flush-<kind>>\n\
         flush-x = <ipt> -F <chain> %(chain)s\nnorestored = 1\n\
         [Init]\nblock = DROP <why>\nwhy = 4\nkind = x\ntimeout = 9\n[Init?family=inet6]\nipt = ip6tables\nwhy = 6\n",
    ),
    (
        "action.d/common.conf",
        "[DEFAULT]\nchain = INPUT\n[Definition]\nrules = for <port>\n[Init]\nipt = iptables\nport = 22\n",
    ),
];

fn action(definition: &str) -> ActionDef {
    let files = Embedded(TABLES);
    let context = Options::from([("findtime".to_owned(), Value::given("10m", "test"))]);
    let (def, problems) =
        Reader::new(&files).action(definition, "sshd", &context).into_result().expect("an action");
    assert!(problems.is_empty(), "{problems}");
    def
}

fn text<'d>(def: &'d ActionDef, command: &str) -> &'d str {
    def.commands[command].text()
}

#[test]
fn static_tags_are_replaced_but_those_with_a_twin() {
    let def = action("tables[port=\"22,23\", chain=FWD]");
    assert_eq!(text(&def, "actionstart"), "<ipt> -N f2b-sshd\nfor 22,23");
    assert_eq!(text(&def, "actionban"), "<ipt> -s <ip> -j DROP <why> '<matches>' <bantime> <timeout> 10m");
    assert_eq!(text(&def, "actionflush"), "<ipt> -F FWD FWD");
    assert_eq!(text(&def, "norestored"), "1");
    assert!(!def.commands.contains_key("actionstop"));
    assert!(def.is_conditional());
}

#[test]
fn parameters_keep_their_twins_and_their_order() {
    let def = action("tables[x='<y>', port=1]");
    let params: Vec<_> = def.params.iter().map(|(name, value)| format!("{name}={}", value.text())).collect();
    assert_eq!(
        params,
        [
            "x=<y>",
            "port=1",
            "name=sshd",
            "actname=tables",
            "ipt=iptables",
            "block=DROP <why>",
            "why=4",
            "kind=x",
            "timeout=9",
            "ipt?family=inet6=ip6tables",
            "why?family=inet6=6",
        ]
    );
    // As merged: `ipt` of the included file first.
    assert_eq!(def.params["ipt?family=inet6"].origin().line(), 16);
}

#[test]
fn a_command_for_one_family() {
    let def = action("tables");
    let command = |family| def.command("actionban", family).expect("no loop").expect("a command");
    let timeout = "9 10m";
    assert_eq!(
        command(Some(Family::Inet4)).text(),
        format!("iptables -s <ip> -j DROP 4 '<matches>' <bantime> {timeout}")
    );
    assert_eq!(
        command(Some(Family::Inet6)).text(),
        format!("ip6tables -s <ip> -j DROP 6 '<matches>' <bantime> {timeout}")
    );
    assert_eq!(def.command("actionstop", None), Ok(None));
}

#[test]
fn the_name_of_an_action() {
    for (definition, name) in [
        ("tables", "tables"),
        ("tables[name=sshd-x]", "tables-x"),
        ("tables[name=other]", "tables-other"),
        ("tables[name=other, actname=mine]", "mine"),
    ] {
        assert_eq!(action(definition).name, name, "{definition}");
    }
}

#[test]
fn a_command_given_as_parameter() {
    let def = action("tables[actionban=\"echo <port> <ip>\"]");
    assert_eq!(text(&def, "actionban"), "echo 22 <ip>");
    assert!(!def.params.contains_key("actionban"));
}
