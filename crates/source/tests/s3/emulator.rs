//! Against the emulator: keys of every sort, pages, versions, and a trail from the bucket to its events.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use stockade_aws::{Aws, Bucket};
use stockade_source::aws::s3::{ObjectError, ObjectReader, Place};
use stockade_source::events::{EventReader, Found, NoEvent};

use super::{aws, object};

/// A bucket of its own; `None`, with a line that says so, where no emulator runs.
fn bucket(test: &str) -> Option<(Aws, Bucket)> {
    let Some(endpoint) = std::env::var("STOCKADE_TEST_MINISTACK").ok().filter(|url| !url.is_empty()) else {
        eprintln!("skipped: no AWS emulator: eval \"$(dev/emulators start)\" starts one");
        return None;
    };
    let aws = aws(&endpoint, "us-east-1");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let bucket = Bucket::new(&aws, &format!("{test}-{}-{now}", std::process::id()), None).unwrap();
    put(&aws, &bucket, "", &[]);
    Some((aws, bucket))
}

fn put(aws: &Aws, bucket: &Bucket, key: &str, body: &[u8]) {
    let call =
        bucket.request(format!("put `{key}`"), "PUT", key).with_body("application/octet-stream", body.into());
    aws.block_on(bucket.call(&call)).unwrap();
}

fn place(bucket: &Bucket, prefix: &str) -> Place {
    format!("s3://{}/{prefix}", bucket.name()).parse().unwrap()
}

fn keys(reader: &ObjectReader, place: &Place, start_after: Option<&str>) -> Vec<String> {
    let found = reader.list(place, start_after, &mut |_| {}).unwrap();
    found.objects.into_iter().map(|one| one.object.key).collect()
}

#[test]
fn keys_of_every_sort_are_listed_and_read() {
    let Some((aws, bucket)) = bucket("keys") else { return };
    let reader = ObjectReader::new(&aws);
    let mut wanted: Vec<String> =
        ["a b+c.json", "a&<b>\"'.json", "é/日本.json", "100%25/%41.json", "x;y=z,~!*().json", "q?a=b#c.json"]
            .map(|name| format!("logs/{name}"))
            .into();
    for key in &wanted {
        put(&aws, &bucket, key, key.as_bytes());
    }
    put(&aws, &bucket, "other.json", b"{}");
    put(&aws, &bucket, "logs/", b"");
    put(&aws, &bucket, "logs/photo.jpg", b"x");
    wanted.sort();
    let found = reader.list(&place(&bucket, "logs/"), None, &mut |_| {}).unwrap();
    assert_eq!(found.objects.iter().map(|one| one.object.key.clone()).collect::<Vec<_>>(), wanted);
    assert_eq!((found.others, found.first_other.as_deref()), (1, Some("logs/photo.jpg")));
    for (object, body) in reader.fetch(found.objects.into_iter().map(|one| one.object).collect()) {
        assert_eq!(body.unwrap(), object.key.as_bytes(), "{object}");
        assert_eq!(object.bytes, Some(object.key.len() as u64));
    }
    assert_eq!(keys(&reader, &place(&bucket, "logs/photo.jpg"), None), ["logs/photo.jpg"], "named itself");
    let missing = reader.get(&object(bucket.name(), "none")).unwrap_err();
    assert!(matches!(missing, ObjectError::Missing { .. }), "{missing}");
    assert_eq!(
        reader.list(&"s3://no-such-bucket-here".parse().unwrap(), None, &mut |_| {}).unwrap_err().code,
        "NoSuchBucket"
    );
}

#[test]
fn every_page_is_listed_and_one_may_start_later() {
    let Some((aws, bucket)) = bucket("pages") else { return };
    let wanted: Vec<String> = (0..1_203).map(|n| format!("p/{n:05}.json")).collect();
    for keys in wanted.chunks(50) {
        let calls: Vec<_> = keys.iter().map(|key| bucket.request("put".into(), "PUT", key)).collect();
        let puts = futures_util::future::join_all(calls.iter().map(|call| bucket.call(call)));
        assert!(aws.block_on(puts).iter().all(Result::is_ok));
    }
    let reader = ObjectReader::new(&aws);
    let mut seen = Vec::new();
    let found = reader.list(&place(&bucket, "p/"), None, &mut |n| seen.push(n)).unwrap();
    assert_eq!(found.objects.iter().map(|one| one.object.key.clone()).collect::<Vec<_>>(), wanted);
    assert!(!found.cut && seen == [1_000, 1_203], "{seen:?}");
    assert_eq!(keys(&reader, &place(&bucket, ""), Some("p/01100.json")), wanted[1_101..]);
}

#[test]
fn a_trail_is_read_in_the_order_of_its_delivery() {
    let Some((aws, bucket)) = bucket("trail") else { return };
    let reader = ObjectReader::new(&aws);
    let gzip = |text: &str| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let key = |kind: &str, region: &str, time: &str| {
        format!(
            "org/AWSLogs/o-1/111122223333/{kind}/{region}/2026/11/01/111122223333_{kind}_{region}_{time}_abcdefghijklmnop.json.gz"
        )
    };
    for (key, id) in [
        (key("CloudTrail", "us-east-1", "20261101T0000Z"), "1"),
        (key("CloudTrail", "eu-west-1", "20261101T0005Z"), "2"),
        (key("CloudTrail", "us-east-1", "20261101T0010Z"), "3"),
    ] {
        put(
            &aws,
            &bucket,
            &key,
            &gzip(&format!(r#"{{"Records":[{{"eventVersion":"1.08","eventID":"{id}"}}]}}"#)),
        );
    }
    put(&aws, &bucket, &key("CloudTrail-Digest", "us-east-1", "20261101T000000Z"), &gzip("{}"));
    let found = reader.list(&place(&bucket, "org/"), None, &mut |_| {}).unwrap();
    assert_eq!(found.no_events, [(NoEvent::Digest, 1)]);
    let mut events = EventReader::new();
    let mut ids = String::new();
    for (object, body) in reader.fetch(found.objects.into_iter().map(|one| one.object).collect()) {
        events.load(&object.to_string(), body.unwrap()).unwrap();
        while let Some(Found::Event(event)) = events.next_event() {
            ids.push(char::from(event.text[event.text.len() - 3]));
        }
    }
    assert_eq!(ids, "123");
}
