//! An event that is matched costs no allocation, once the scratch has grown.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use stockade_pattern::{Pattern, RuleSet, Scratch};

/// The system's allocator, counting for each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, that is from the system.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as `dealloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn none_for_an_event() {
    let patterns = [
        r#"{"source": ["aws.iam"], "detail": {"eventName": ["CreateUser", {"prefix": "Delete"}], "user": [{"wildcard": "*ad*min*"}]}}"#,
        r#"{"detail": {"ip": [{"cidr": "192.0.2.0/24"}], "bytes": [{"numeric": [">", 100]}], "user": [{"anything-but": ["root"]}]}}"#,
        r#"{"detail": {"user": [{"equals-ignore-case": "Root"}], "error": [{"exists": false}], "items": {"n": [1, 2], "m": ["x"]}}}"#,
    ]
    .map(|text| Pattern::parse(text).unwrap());
    let set = RuleSet::new(&patterns);
    let events: [(&[u8], &[usize]); 4] = [
        (br#"{"source": "aws.s3", "detail": {"eventName": "GetObject", "user": "b\u0061dmin", "bytes": 1e9, "ip": "10.0.0.1"}}"#, &[]),
        (br#"{"source": "aws.iam", "detail": {"eventName": "DeleteUser", "user": "badamin", "x": [{"y": [1, {"z": "\n"}]}]}}"#, &[0]),
        (br#"{"detail": {"ip": "192.0.2.9", "bytes": 123456789012345678901234567890, "user": ["root", "alice"]}}"#, &[1]),
        (br#"{"detail": {"user": "ROOT", "items": {"n": 2, "m": "x"}, "deep": [[[[{"a": {}}]]]]}}"#, &[2]),
    ];
    let mut scratch = Scratch::new();
    for (event, ids) in events {
        assert_eq!(set.matches(event, &mut scratch).unwrap().ids(), ids);
    }
    let before = COUNT.get();
    for _ in 0..10 {
        for (event, ids) in events {
            assert_eq!(set.matches(event, &mut scratch).unwrap().ids(), ids);
        }
    }
    assert_eq!(COUNT.get() - before, 0);
}

#[test]
fn sets_and_scratches_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<RuleSet>();
    crosses::<Scratch>();
    crosses::<Pattern>();
}
