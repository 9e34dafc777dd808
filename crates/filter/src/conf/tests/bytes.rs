//! Whatever stands in a file, reading it ends, soon, and without a panic.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

struct Memory(BTreeMap<&'static str, Vec<u8>>);

impl ConfFiles for Memory {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let inside = |path: &&str| Some(path.strip_prefix(dir)?.strip_prefix('/')?.to_owned());
        Ok(self.0.keys().filter_map(inside).collect())
    }

    fn display(&self, path: &str) -> String {
        path.to_owned()
    }
}

/// Reads `jail`, `filter` and `action` in every way there is.
fn read(jail: Vec<u8>, filter: Vec<u8>, action: Vec<u8>) -> Duration {
    let start = Instant::now();
    let local = jail.clone();
    let files = Memory(BTreeMap::from([
        ("jail.conf", jail),
        ("jail.d/x.local", local),
        ("jail.local", b"[DEFAULT]\nfilter = f[a=b]\naction = a[c=d]\n[last]\n".to_vec()),
        ("filter.d/f.conf", filter),
        ("filter.d/f.local", action.clone()),
        ("action.d/a.conf", action.clone()),
        ("fail2ban.conf", action),
    ]));
    let reader = Reader::new(&files);
    let jails = reader.jails(Which::All);
    for jail in &jails.jails {
        let _ = (jail.matching(), jail.log_paths(), jail.ignoreip(), jail.time("bantime"));
        for action in &jail.actions {
            if let Action::Command(def) = action {
                let _ = def.command("actionban", Some(Family::Inet6));
            }
        }
    }
    let _ = (jails.all_problems().to_string(), reader.filter("f[x=<y>]", "systemd"), reader.main());
    start.elapsed()
}

/// Text that is nearly configuration.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "[DEFAULT]\n",
        "[Definition]\n",
        "[Init]\n",
        "[Init?family=inet6]\n",
        "[j]\n",
        "[INCLUDES]\n",
        "before = ",
        "after = ",
        "failregex = ",
        "actionban = ",
        "a = ",
        "b: ",
        "c=",
        "filter = ",
        "action = ",
        "enabled = true\n",
        "f.conf",
        "a.conf",
        "%(a)s",
        "%(known/a)s",
        "%(b/c)s",
        "%%",
        "%",
        "%(",
        ")s",
        "<a>",
        "<b>",
        "<c-<a>>",
        "<known/b>",
        "<Init/c>",
        "<",
        ">",
        "\n",
        "\n  ",
        " ;",
        "#",
        "[",
        "]",
        "\"",
        "'",
        ",",
        "=",
        " ",
        "f[a=",
        "é",
        "\r",
        "\u{a0}",
        "\u{feff}",
        "10m",
        "\0",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

/// More than any of these takes on a slow machine, and far less than without bounds.
const SOON: Duration = Duration::from_secs(20);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes(jail in prop::collection::vec(any::<u8>(), 0..300), filter in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(jail, filter.clone(), filter) < SOON);
    }

    #[test]
    fn nearly_configuration(jail in nearly(), filter in nearly(), action in nearly()) {
        prop_assert!(read(jail, filter, action) < SOON);
    }
}

#[test]
fn the_worst_that_fits_into_a_file() {
    let deep: String =
        (0..20).map(|i| format!("a{i} = {}\n", format!("%(a{})s", i + 1).repeat(50))).collect();
    let tags: String = (0..500).map(|i| format!("t{i} = {}\n", format!("<t{}>x", i + 1).repeat(9))).collect();
    let unknown = format!("failregex = {}\n", "<x> ".repeat(100_000));
    let open = format!("failregex = {}\n", "<".repeat(500_000));
    let brackets = format!("action = {}\n", "a[b=c][".repeat(100_000));
    let names: String = (0..60_000).map(|i| format!("k{i} = <k{}>\n", i + 1)).collect();
    let sections: String = (0..20_000).map(|i| format!("[s{i}]\n")).collect();
    for text in [deep, tags, unknown, open, brackets, names, sections] {
        let jail = format!("[j]\n{text}").into_bytes();
        let definition = format!("[Definition]\n{text}").into_bytes();
        let length = jail.len();
        let took = read(jail, definition.clone(), definition);
        assert!(took < SOON, "{length} bytes took {took:?}: {}", text.get(..40).unwrap_or_default());
    }
}
