//! The book is true: its commands can be typed, what they print is what it shows, its reference names every setting and
//! no other, and its links lead somewhere.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stockade_config::env_vars::ENV_VARS;
use stockade_filter::conf::keys::{FILTER_KEYS, JAIL_HELPER_KEYS, JAIL_KEYS};

/// A page and its text.
struct Page {
    path: PathBuf,
    text: String,
}

/// A fenced block: its language, the line that it begins on, its lines.
struct Block<'p> {
    language: &'p str,
    at: usize,
    lines: Vec<&'p str>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn pages() -> Vec<Page> {
    let mut folders = vec![root().join("book/src")];
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                pages.push(Page { path, text });
            }
        }
    }
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(pages.len() > 10);
    pages
}

impl Page {
    fn named(name: &str) -> Self {
        let path = root().join("book/src").join(name);
        Self { text: fs::read_to_string(&path).unwrap(), path }
    }

    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.strip_prefix(root()).unwrap().display())
    }

    fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<Block<'_>> = None;
        // A block in a list stands deeper.
        let mut indent = "";
        for (n, line) in self.text.lines().enumerate() {
            match (line.split_once("```"), open.as_mut()) {
                (Some((before, _)), Some(_)) if before == indent => blocks.extend(open.take()),
                (Some((before, language)), None) if before.trim().is_empty() => {
                    indent = before;
                    open = Some(Block { language, at: n + 1, lines: Vec::new() });
                }
                (_, Some(block)) => block.lines.push(line.strip_prefix(indent).unwrap_or(line)),
                (_, None) => {}
            }
        }
        assert!(open.is_none(), "a block is not closed: {}", self.path.display());
        blocks
    }

    /// The text without fenced blocks, line by line.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut fenced = false;
        self.text.lines().enumerate().filter_map(move |(n, line)| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            (!fenced && !fence).then_some((n + 1, line))
        })
    }

    /// The first cell of every row of its tables whose text is one piece of code, with the second.
    fn code_rows(&self) -> Vec<(String, String)> {
        let code = |cell: &str| cell.trim().strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
        let rows = self.prose().filter_map(|(_, line)| {
            let mut cells = line.strip_prefix('|')?.split('|');
            let (key, value) = (cells.next()?, cells.next()?);
            Some((code(key)?, code(value).unwrap_or_default()))
        });
        rows.collect()
    }

    /// What links can point at: headings as GitHub and mdBook name them.
    fn anchors(&self) -> BTreeSet<String> {
        let headings = self.prose().filter_map(|(_, line)| line.strip_prefix('#'));
        let anchor = |heading: &str| {
            let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            text.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
        };
        headings.map(anchor).collect()
    }
}

fn stockade() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
    command.env_clear().env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// The commands of one line: their words, without what a shell does with their output.
fn commands(line: &str) -> Vec<Vec<String>> {
    let words = shlex::split(line).unwrap_or_else(|| panic!("a quote is not closed: {line}"));
    let mut commands: Vec<Vec<String>> = Vec::new();
    for command in words.split(|word| ["|", "&&", ";"].contains(&word.as_str())) {
        let kept = command.iter().take_while(|word| !word.starts_with('>')).cloned();
        commands.push(kept.collect());
    }
    commands
}

#[test]
fn every_command_can_be_typed() {
    let mut tried = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| ["sh", "console"].contains(&block.language)) {
            for (n, line) in block.lines.iter().enumerate() {
                let typed = if block.language == "sh" { Some(*line) } else { line.strip_prefix("$ ") };
                // Process substitution is bash's, and no words of ours.
                let line = typed.unwrap_or_default().replace("<(", " ; ").replace(')', " ; ");
                for words in
                    commands(&line).iter().filter(|words| words.first().is_some_and(|w| w == "stockade"))
                {
                    let options = words.iter().skip(1).take_while(|word| *word != "--");
                    let output = stockade().args(options).arg("--help").output().unwrap();
                    let error = String::from_utf8_lossy(&output.stderr);
                    assert!(output.status.success(), "{}: {line}\n{error}", page.place(block.at + n + 1));
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn what_is_shown_is_what_is_printed() {
    let nothing = tempfile::tempdir().unwrap();
    let mut tried = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "console") {
            let place = page.place(block.at);
            let (typed, shown) = block.lines.split_first().unwrap();
            let typed = typed.strip_prefix("$ ").unwrap_or_else(|| panic!("{place}: expected a command"));
            let script = format!("stockade() {{ \"$STOCKADE\" \"$@\"; }}\n{{ {typed}; }} 2>&1");
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &script]).current_dir(root()).env_clear().env("TZ", "UTC");
            shell.env("STOCKADE", env!("CARGO_BIN_EXE_stockade")).env("STOCKADE_CONFIG", nothing.path());
            shell.env("PATH", std::env::var_os("PATH").unwrap_or_default());
            let output = shell.output().unwrap();
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            let printed: Vec<String> = printed.lines().map(steady).collect();
            let wanted: Vec<String> = shown.iter().map(|line| steady(line)).collect();
            assert!(
                agree(&wanted, &printed),
                "{place}: {typed}\n--- shown\n{}\n--- printed\n{}",
                wanted.join("\n"),
                printed.join("\n")
            );
            tried += 1;
        }
    }
    assert!(tried > 8, "{tried}");
}

/// A line without what changes from year to year: a date that has no year belongs to this one or the last.
fn steady(line: &str) -> String {
    let mut parts = line.trim_end().split("20").enumerate();
    let mut text = parts.next().map(|(_, first)| first.to_owned()).unwrap_or_default();
    for (_, part) in parts {
        let bytes = part.as_bytes();
        let is_year = bytes.len() > 2 && bytes[..2].iter().all(u8::is_ascii_digit) && bytes[2] == b'-';
        text += if is_year { "20YY" } else { "20" };
        text += if is_year { part.get(2..).unwrap() } else { part };
    }
    text
}

/// Whether the lines are those that are shown. `…` alone stands for any lines, at the end of a line for its rest.
fn agree(shown: &[String], printed: &[String]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return printed.is_empty() };
    if first.trim() == "…" {
        return (0..=printed.len()).any(|n| agree(rest, &printed[n..]));
    }
    let same = |line: &String| match first.strip_suffix('…') {
        Some(beginning) => line.starts_with(beginning),
        None => line == first,
    };
    printed.split_first().is_some_and(|(line, others)| same(line) && agree(rest, others))
}

#[test]
fn the_reference_has_every_setting_with_its_default() {
    let mut table = String::new();
    let mut wanted = BTreeMap::new();
    let example = stockade_config::example();
    let (settings, responders) = example.split_once("\n# What makes decisions true.").unwrap();
    for line in settings.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((key, value)) = line.strip_prefix('#').and_then(|line| line.split_once(" = "))
            // A sentence, or an entry of a table that has any names.
            && !key.starts_with([' ', '"'])
        {
            wanted.insert(format!("{table}{key}"), value.to_owned());
        }
    }
    assert_eq!(wanted.len(), ENV_VARS.iter().filter(|var| var.key.is_some()).count());
    let page = Page::named("stockade-toml.md");
    let (of_responders, found): (BTreeMap<_, _>, BTreeMap<_, _>) =
        page.code_rows().into_iter().partition(|(key, _)| responders.contains(&format!("#{key} = ")));
    assert_eq!(found, wanted);
    let keys: BTreeSet<&str> = responders
        .lines()
        .filter_map(|line| Some(line.strip_prefix('#')?.split_once(" = ")?.0))
        .filter(|key| !key.starts_with(' '))
        .collect();
    assert!(keys.len() > 20, "{keys:?}");
    assert!(of_responders.keys().map(String::as_str).eq(keys));
}

#[test]
fn the_reference_has_every_option_of_a_jail() {
    let page = Page::named("jail-options.md");
    let jails =
        ["sshd", "recidive", "ssh-24h", "dovecot", "postfix", "roundcube", "nginx-http-auth", "apache-auth"];
    let found: BTreeSet<String> = page.code_rows().into_iter().map(|(key, _)| key).collect();
    let (shipped, found): (BTreeSet<_>, BTreeSet<_>) =
        found.into_iter().partition(|key| jails.contains(&key.as_str()));
    assert_eq!(shipped.len(), jails.len());
    let known = JAIL_KEYS.iter().chain(FILTER_KEYS).map(|key| key.name);
    let mut wanted: BTreeSet<String> = known.map(str::to_owned).collect();
    wanted.extend(["bans", "port", "protocol", "banaction"].map(str::to_owned));
    assert_eq!(found, wanted);
    for helper in JAIL_HELPER_KEYS {
        assert!(page.text.contains(&format!("`{helper}`")), "{helper}");
    }
}

#[test]
fn every_command_and_exit_code_is_explained() {
    let help = stockade().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let names =
        list.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    let page = Page::named("commands.md");
    for name in names.filter(|name| *name != "help") {
        assert!(page.text.contains(&format!("\n### {name}\n")), "{name}");
    }
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    for (code, meaning) in codes.lines().filter_map(|line| line.trim().split_once("  ")) {
        assert!(page.text.contains(&format!("| {code} | {meaning} |")), "{code} {meaning}");
    }
}

#[test]
fn links_lead_somewhere_and_no_page_is_lost() {
    let pages = pages();
    let mut listed = BTreeSet::new();
    for page in &pages {
        for (n, line) in page.prose() {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if link.contains("://") {
                    continue;
                }
                let (file, anchor) =
                    link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
                let path = match file {
                    "" => page.path.clone(),
                    file => page.path.parent().unwrap().join(file),
                };
                let path =
                    path.canonicalize().unwrap_or_else(|_| panic!("{}: no file: {link}", page.place(n)));
                let target = pages.iter().find(|page| page.path == path);
                let target = target.unwrap_or_else(|| panic!("{}: no page: {link}", page.place(n)));
                if let Some(anchor) = anchor {
                    assert!(target.anchors().contains(anchor), "{}: no heading: {link}", page.place(n));
                }
                if page.path.ends_with("SUMMARY.md") {
                    listed.insert(path);
                }
            }
        }
    }
    for page in pages.iter().filter(|page| !page.path.ends_with("SUMMARY.md")) {
        assert!(listed.contains(&page.path), "not in the summary: {}", page.path.display());
    }
}
