//! What holds for every shelf of the repairs.

#![expect(clippy::expect_used, reason = "what cannot be set up is a failed test")]

use stockade_repair::Shelf;

/// All of it; `fresh` makes an empty shelf, `again` another handle on the same one.
///
/// # Panics
/// If the shelf does not do what it must.
pub fn suite<S: Shelf + 'static>(fresh: impl Fn() -> S, again: impl Fn(&S) -> S) {
    versions(&mut fresh());
    listing(&mut fresh());
    extremes(&mut fresh());
    let mut shelf = fresh();
    let mut other = again(&shelf);
    shared(&mut shelf, &mut other);
    let shelf = fresh();
    writers(&shelf, &again);
}

fn put(shelf: &mut dyn Shelf, key: &str, value: &str, expected: u64) -> Option<u64> {
    shelf.put_if_version(key, Some(value.as_bytes()), expected).expect("a shelf that can be written")
}

fn get(shelf: &mut dyn Shelf, key: &str) -> Option<(u64, String)> {
    let stored = shelf.get(key).expect("a shelf that can be read")?;
    Some((stored.version, String::from_utf8(stored.value).expect("text")))
}

fn versions(shelf: &mut dyn Shelf) {
    assert_eq!(get(shelf, "a"), None);
    assert_eq!(put(shelf, "a", "x", 1), None, "there is none");
    assert_eq!(put(shelf, "a", "x", 0), Some(1));
    assert_eq!(put(shelf, "a", "y", 0), None, "there is one");
    assert_eq!(put(shelf, "a", "y", 2), None, "another version");
    assert_eq!(get(shelf, "a"), Some((1, "x".to_owned())), "nothing was written");
    assert_eq!(put(shelf, "a", "y", 1), Some(2));
    assert_eq!(get(shelf, "a"), Some((2, "y".to_owned())));
    let mut remove = |expected| shelf.put_if_version("a", None, expected).expect("a removal");
    assert_eq!(remove(1), None);
    assert_eq!(remove(2), Some(0));
    assert_eq!(remove(0), Some(0), "gone already");
    assert_eq!(get(shelf, "a"), None);
    assert_eq!(put(shelf, "a", "z", 0), Some(1));
}

fn listing(shelf: &mut dyn Shelf) {
    for key in ["b/2", "b/10", "b/1", "a", "b", "c/1", "b/é"] {
        put(shelf, key, "", 0);
    }
    let mut list = |prefix: &str, after: &str, limit| shelf.list(prefix, after, limit).expect("a list");
    assert_eq!(list("b/", "", 10), ["b/1", "b/10", "b/2", "b/é"]);
    assert_eq!(list("b/", "b/10", 1), ["b/2"]);
    assert_eq!(list("b/", "b/é", 10), [""; 0]);
    assert_eq!(list("d", "", 10), [""; 0]);
    assert_eq!(list("", "", 2), ["a", "b"]);
}

fn extremes(shelf: &mut dyn Shelf) {
    let long = "k".repeat(stockade_repair::MAX_KEY_BYTES);
    for key in ["../../etc/passwd", "arn:aws:x:y:1:z/w#", ".lock", "%2e", &long, "日本"] {
        assert_eq!(put(shelf, key, key, 0), Some(1), "{key}");
        assert_eq!(get(shelf, key), Some((1, key.to_owned())));
    }
    let large = vec![0xff; 1 << 20];
    assert_eq!(shelf.put_if_version("large", Some(&large), 0).expect("a large value"), Some(1));
    assert_eq!(shelf.get("large").expect("a large value").expect("a value").value, large);
    assert!(shelf.put_if_version(&format!("{long}k"), Some(b""), 0).is_err(), "too long a key");
    let larger = vec![0; stockade_repair::MAX_VALUE_BYTES + 1];
    assert!(shelf.put_if_version("larger", Some(&larger), 0).is_err(), "too long a value");
    assert_eq!(put(shelf, "empty", "", 0), Some(1));
    assert_eq!(get(shelf, "empty"), Some((1, String::new())));
}

fn shared(one: &mut dyn Shelf, other: &mut dyn Shelf) {
    assert_eq!(put(one, "k", "1", 0), Some(1));
    assert_eq!(get(other, "k"), Some((1, "1".to_owned())));
    assert_eq!(put(other, "k", "2", 1), Some(2));
    assert_eq!(put(one, "k", "3", 1), None, "another was first");
}

/// Four count at once, and none is lost.
fn writers<S: Shelf + 'static>(shelf: &S, again: &impl Fn(&S) -> S) {
    const EACH: usize = 25;
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let mut shelf = again(shelf);
            std::thread::spawn(move || {
                let mut done = 0;
                while done < EACH {
                    let stored = shelf.get("count").expect("a shelf that can be read");
                    let version = stored.as_ref().map_or(0, |stored| stored.version);
                    let count: usize = stored.map_or(0, |stored| {
                        String::from_utf8_lossy(&stored.value).parse().expect("a number")
                    });
                    done +=
                        usize::from(put(&mut shelf, "count", &(count + 1).to_string(), version).is_some());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("a thread that ends well");
    }
    let (_, count) = get(&mut again(shelf), "count").expect("the count");
    assert_eq!(count, (4 * EACH).to_string());
}
