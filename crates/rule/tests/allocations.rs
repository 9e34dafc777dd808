//! An event that matches nothing costs no allocation, once the scratch has grown.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use stockade_rule::{Event, RuleBook, Scratch};
use support::{RECEIVED, shipped};

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
fn none_for_an_event_that_matches_nothing() {
    const READ: &str = r#"{"eventVersion": "1.11", "eventTime": "2026-11-22T10:15:04Z", "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances", "sourceIPAddress": "203.0.113.7", "eventType": "AwsApiCall", "eventID": "1",
        "userIdentity": {"type": "IAMUser", "userName": "alice"}, "requestParameters": {"filterSet": {"items": [{"name": "x"}]}}}"#;
    const FAILED: &str = r#"{"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging", "errorCode": "AccessDenied",
        "requestParameters": {"name": "m\u0061in"}, "recipientAccountId": "111122223333"}"#;
    let envelope =
        format!(r#"{{"source": "aws.ec2", "detail-type": "AWS API Call via CloudTrail", "detail": {READ}}}"#);
    let file = format!("{READ},{FAILED}]}}");
    let book = RuleBook::new(shipped());
    let mut scratch = Scratch::new();
    let mut pass = || {
        let mut found = 0;
        for event in [
            Event::Record(READ.as_bytes()),
            Event::Record(FAILED.as_bytes()),
            Event::Envelope(envelope.as_bytes()),
        ] {
            book.read(event, RECEIVED, &mut scratch, &mut |_| found += 1).unwrap();
        }
        let length = book.read_first(file.as_bytes(), RECEIVED, &mut scratch, &mut |_| found += 1).unwrap();
        assert_eq!((found, length), (0, READ.len()));
    };
    pass();
    let before = COUNT.get();
    for _ in 0..10 {
        pass();
    }
    assert_eq!(COUNT.get() - before, 0);
}

#[test]
fn books_and_scratches_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<RuleBook>();
    crosses::<Scratch>();
}
