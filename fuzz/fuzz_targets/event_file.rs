//! Files of events: any bytes, packed or not. What is given out is an object, and a good line behind it all is found.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_source::events::{EventReader, Found};

const GOOD: &[u8] = br#"{"eventVersion":"1.08","eventID":"the last one"}"#;

fuzz_target!(|file: &[u8]| {
    let mut reader = EventReader::new();
    let read = |reader: &mut EventReader, file: &[u8]| {
        let mut last = Vec::new();
        if reader.load("file", file.to_vec()).is_ok() {
            while let Some(found) = reader.next_event() {
                if let Found::Event(event) = found {
                    assert!(event.text.starts_with(b"{") && event.text.ends_with(b"}") && event.line() > 0);
                    last = event.text.to_vec();
                }
            }
        }
        last
    };
    read(&mut reader, file);
    let plain = file.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n'));
    let begins_plain = plain && !file.starts_with(b"BZh") && !file.starts_with(b"PK");
    let opens = file.iter().any(|byte| matches!(byte, b'{' | b'['));
    if begins_plain && !opens {
        assert_eq!(read(&mut reader, &[file, b"\n", GOOD].concat()), GOOD);
    }
});
