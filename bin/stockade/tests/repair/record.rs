//! The record: what was done, and whether somebody wrote in it since.

use std::fs;

use rusqlite::{Connection, params};

use crate::world::World;

/// A trail was repaired twice and taken back once.
fn busy() -> Option<World> {
    let world = World::new()?;
    world.trail("main");
    for _ in 0..2 {
        world.stop("main");
        world.event(&[]).with(0);
    }
    let id = world.newest("repair");
    world.run(&["repair", "undo", &id]).with(0);
    Some(world)
}

/// The lines of the record on the shelf, with their keys, in their order.
fn lines(shelf: &Connection) -> Vec<(String, Vec<u8>)> {
    let mut all =
        shelf.prepare("SELECT key, value FROM repair_shelf WHERE key LIKE 'record/%' ORDER BY key").unwrap();
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn whoever_writes_in_it_is_found_with_the_line() {
    let Some(world) = busy() else { return };
    let whole = world.run(&["repair", "verify-record"]).with(0);
    whole.says(&["follow each other; the newest hash is"]);
    let shelf = Connection::open(world.shelf()).unwrap();
    let before = lines(&shelf);
    assert!(before.len() >= 5, "{}", before.len());
    let put = |key: &str, value: &[u8]| {
        shelf.execute("UPDATE repair_shelf SET value = ?2 WHERE key = ?1", params![key, value]).unwrap();
    };
    for (nth, (key, value)) in before.iter().enumerate() {
        // One letter of who, what or when.
        let text = String::from_utf8(value.clone()).unwrap();
        let changed = text.replacen("trail", "trial", 1);
        assert_ne!(text, changed);
        put(key, changed.as_bytes());
        let broken = world.run(&["repair", "verify-record"]).with(1);
        broken.says(&[&format!("line {} of the record", nth + 1), "hint: an entry was changed"]);
        let json = world.run(&["repair", "verify-record", "--json"]).with(1).json();
        assert_eq!(json["whole"], false);
        put(key, value);
    }
    world.run(&["repair", "verify-record"]).with(0);
    // The last line gone: what follows nothing is missed as well.
    let (last, value) = before.last().unwrap();
    shelf.execute("DELETE FROM repair_shelf WHERE key = ?1", [last]).unwrap();
    world.run(&["repair", "verify-record"]).with(1);
    shelf
        .execute("INSERT INTO repair_shelf (key, version, value) VALUES (?1, 1, ?2)", params![last, value])
        .unwrap();
    world.run(&["repair", "verify-record"]).with(0);
}

#[test]
fn a_copy_is_checked_by_itself() {
    let Some(world) = busy() else { return };
    let exported = world.run(&["repair", "export"]).with(0).out;
    let copy = |name: &str, text: &str| world.file(name, text.as_bytes());
    let verify = |file: &str, more: &[&str]| world.run(&[&["repair", "verify-record", file], more].concat());
    let lines: Vec<&str> = exported.lines().collect();
    let whole = copy("record.jsonl", &exported);
    verify(&whole, &[]).with(0).says(&[&format!("{} lines follow each other", lines.len())]);
    let head =
        world.run(&["repair", "verify-record", "--json"]).with(0).json()["head"].as_str().unwrap().to_owned();
    verify(&whole, &["--head", &head]).with(0);

    // Cut off at the end it is whole in itself; a hash that a notice told is missed.
    let cut = copy("cut.jsonl", &format!("{}\n", lines[..lines.len() - 1].join("\n")));
    verify(&cut, &[]).with(0);
    verify(&cut, &["--head", &head]).with(1).says(&["no entry has the hash"]);
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    verify(&copy("swapped.jsonl", &swapped.join("\n")), &[])
        .with(1)
        .says(&["line 2 of the record", "missing or doubled"]);
    let without = [&lines[..2], &lines[3..]].concat();
    verify(&copy("without.jsonl", &without.join("\n")), &[]).with(1).says(&["line 3 of the record"]);
    let edited = exported.replacen("StartLogging", "StopLogging", 1);
    verify(&copy("edited.jsonl", &edited), &[]).with(1).says(&["of the record"]);
    verify(&copy("none.jsonl", "hello\n"), &[]).with(1).says(&["line 1 of the record"]);
    verify("no/such.jsonl", &[]).with(2).says(&["`no/such.jsonl`"]);
    fs::remove_file(&whole).unwrap();
}

#[test]
fn an_empty_record_is_empty() {
    let Some(world) = World::new() else { return };
    world.run(&["repair", "verify-record"]).with(1).says(&["nothing was ever repaired here"]);
    world.trail("main");
    world.run(&["repair", "run"]).with(0);
    world.run(&["repair", "verify-record"]).with(0).says(&["the record is empty"]);
    world.run(&["repair", "show"]).with(0).says(&["nothing was found or done yet"]);
    assert_eq!(world.run(&["repair", "export"]).with(0).out, "");
}
