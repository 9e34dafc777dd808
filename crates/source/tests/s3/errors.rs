//! Each error by itself, other regions, and the order of what is on its way.

use std::sync::atomic::Ordering;
use std::time::Duration;

use stockade_source::aws::s3::{AT_ONCE, MAX_OBJECT_BYTES, ObjectError, ObjectReader};

use super::stand_in::{Answer, Request, StandIn};
use super::{aws, object};

#[test]
fn an_object_that_cannot_be_read_is_an_error_of_its_own() {
    let server = StandIn::start(|request| match request.target.as_str() {
        "/trail/denied" => Answer::error(403, "AccessDenied"),
        "/trail/missing" => Answer::error(404, "NoSuchKey"),
        "/trail/gone?versionId=v%2F1" => Answer::error(404, "NoSuchVersion"),
        "/trail/archived" => Answer::error(403, "InvalidObjectState"),
        "/trail/odd" => Answer::error(400, "InvalidArgument"),
        "/trail/long" => Answer { body: vec![b' '; MAX_OBJECT_BYTES as usize + 1], ..Answer::ok("") },
        "/trail/good%20one" => Answer::ok("{}"),
        other => panic!("{other}"),
    });
    let reader = ObjectReader::new(&aws(&server.endpoint, "us-east-1"));
    let mut objects: Vec<_> = ["denied", "missing", "gone", "archived", "odd", "long", "good one", "huge"]
        .map(|key| object("trail", key))
        .into();
    objects[2].version = Some("v/1".to_owned());
    objects[7].bytes = Some(MAX_OBJECT_BYTES + 1);
    objects.push(object("No/bucket", "x"));
    let found: Vec<_> = reader.fetch(objects.clone()).collect();
    assert_eq!(found.iter().map(|(object, _)| object.clone()).collect::<Vec<_>>(), objects);
    let of = |nth: usize| found[nth].1.as_ref().unwrap_err();
    assert!(matches!(of(0), ObjectError::Denied { .. }) && !of(0).passes());
    assert_eq!(of(0).to_string(), "cannot read the object `s3://trail/denied`: AccessDenied: m");
    assert!(matches!(of(1), ObjectError::Missing { .. }) && matches!(of(2), ObjectError::Missing { .. }));
    assert!(matches!(of(3), ObjectError::Archived { .. }) && of(3).hint().unwrap().contains("restore"));
    assert!(matches!(of(4), ObjectError::Failed { .. }) && !of(4).passes());
    assert!(matches!(of(5), ObjectError::TooLarge { .. }) && matches!(of(7), ObjectError::TooLarge { .. }));
    assert_eq!(found[6].1, Ok(b"{}".to_vec()));
    assert!(matches!(of(8), ObjectError::Failed { .. }) && of(8).to_string().contains("no bucket"));
    assert_eq!(
        server.asked(),
        7,
        "what cannot pass by itself is not asked again, and what is known too large never"
    );
}

#[test]
fn what_passes_by_itself_is_asked_again() {
    let server = StandIn::start(|_| Answer::error(503, "SlowDown"));
    let error =
        ObjectReader::new(&aws(&server.endpoint, "us-east-1")).get(&object("trail", "x")).unwrap_err();
    assert!(error.passes() && server.asked() == 4, "{error}");
}

#[test]
fn a_bucket_is_asked_where_it_is() {
    for moved in
        [|| Answer::error(301, "PermanentRedirect"), || Answer::error(400, "AuthorizationHeaderMalformed")]
    {
        let server = StandIn::start(move |request| match request.region() {
            "eu-west-1" => Answer::ok("{}").with("x-amz-bucket-region", "eu-west-1"),
            _ => moved().with("x-amz-bucket-region", "eu-west-1"),
        });
        let reader = ObjectReader::new(&aws(&server.endpoint, "us-east-1"));
        assert_eq!(reader.get(&object("trail", "a")), Ok(b"{}".to_vec()));
        assert_eq!(reader.clone().get(&object("trail", "b")), Ok(b"{}".to_vec()));
        assert_eq!(server.asked(), 3, "it is asked there from then on");
        let mut known = object("other", "c");
        known.region = Some("eu-west-1".to_owned());
        assert!(reader.get(&known).is_ok() && server.asked() == 4, "a notification says where");
    }
    for elsewhere in ["evil.example/", "us-east-1", ""] {
        let server = StandIn::start(move |_| {
            Answer::error(301, "PermanentRedirect").with("x-amz-bucket-region", elsewhere)
        });
        let reader = ObjectReader::new(&aws(&server.endpoint, "us-east-1"));
        assert!(reader.get(&object("trail", "a")).is_err() && server.asked() == 1, "{elsewhere}");
    }
    let server = StandIn::start(|request| {
        let elsewhere = if request.region() == "eu-west-1" { "eu-west-2" } else { "eu-west-1" };
        Answer::error(301, "PermanentRedirect").with("x-amz-bucket-region", elsewhere)
    });
    assert!(ObjectReader::new(&aws(&server.endpoint, "us-east-1")).get(&object("trail", "a")).is_err());
    assert_eq!(server.asked(), 3, "not sent in a circle");
}

#[test]
fn objects_come_in_order_and_not_too_many_at_once() {
    let slow_first = |request: &Request| {
        let nth: u64 = request.target.as_str().rsplit('/').next().unwrap().parse().unwrap();
        std::thread::sleep(Duration::from_millis(40 - nth));
        Answer::ok(&nth.to_string())
    };
    let server = StandIn::start(slow_first);
    let reader = ObjectReader::new(&aws(&server.endpoint, "us-east-1"));
    let objects: Vec<_> = (0..40).map(|n| object("trail", &n.to_string())).collect();
    let found: Vec<String> =
        reader.fetch(objects.clone()).map(|(_, body)| String::from_utf8(body.unwrap()).unwrap()).collect();
    assert_eq!(found, (0..40).map(|n| n.to_string()).collect::<Vec<_>>());
    let most = server.most_at_once.load(Ordering::SeqCst);
    assert!((2..=AT_ONCE).contains(&most), "{most}");

    let server = StandIn::start(slow_first);
    let reader = ObjectReader::new(&aws(&server.endpoint, "us-east-1"));
    let large = objects.into_iter().take(10).map(|mut object| {
        object.bytes = Some(40 << 20);
        object
    });
    assert_eq!(reader.fetch(large.collect()).count(), 10);
    assert_eq!(server.most_at_once.load(Ordering::SeqCst), 1, "two of them are more than is held at once");
}

#[test]
fn listings_that_are_none() {
    for (body, wanted) in [
        ("<html>", "the answer holds no listing"),
        ("<ListBucketResult><Contents></Contents></ListBucketResult>", "an object without a key"),
        (
            "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%ff</Key></Contents></ListBucketResult>",
            "a key that is no text",
        ),
        (
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
            "the same page again",
        ),
    ] {
        let server = StandIn::start(move |_| Answer::ok(body));
        let reader = ObjectReader::new(&aws(&server.endpoint, "us-east-1"));
        let fault = reader.list(&"s3://trail/logs".parse().unwrap(), None, &mut |_| {}).unwrap_err();
        assert!(fault.to_string().contains(wanted), "{fault}");
        assert!(fault.to_string().starts_with("cannot list `s3://trail/logs`: "), "{fault}");
    }
    let server = StandIn::start(|_| Answer::error(403, "AccessDenied"));
    let reader = ObjectReader::new(&aws(&server.endpoint, "us-east-1"));
    let fault = reader.list(&"s3://trail".parse().unwrap(), None, &mut |_| {}).unwrap_err();
    assert_eq!(fault.hint.as_deref(), Some("allow `s3:ListBucket` on the bucket"));
}
