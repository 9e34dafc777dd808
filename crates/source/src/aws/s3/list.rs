//! The objects of a bucket: listed page by page, then put into the order of their delivery.

use std::sync::Arc;

use stockade_aws::{Bucket, Fault, FaultKind};
use stockade_core::Timestamp;

use super::{ObjectReader, Place, xml};
use crate::aws::{ObjectRef, decode_key};
use crate::events::limits::MAX_EVENT_FILES;
use crate::events::{FileKind, FileName, NoEvent};

/// One object to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventObject {
    /// Which, with its size.
    pub object: ObjectRef,
    /// When CloudTrail delivered it, as its key says.
    pub time: Option<Timestamp>,
}

/// What was listed.
#[derive(Debug, Default)]
pub struct EventObjects {
    /// The objects: from the earliest to the latest delivered, then those whose keys tell no time, by key.
    pub objects: Vec<EventObject>,
    /// Objects of digests, of Insights and of aggregated events, which are left out.
    pub no_events: Vec<(NoEvent, u64)>,
    /// How many objects are left out because their keys do not end as those of JSON.
    pub others: u64,
    /// The first of them.
    pub first_other: Option<String>,
    /// Whether there are more than [`MAX_EVENT_FILES`]; those that come later by their keys are left out.
    pub cut: bool,
}

impl ObjectReader {
    /// Lists what is below a place. `start_after` is a key: those up to it are left out. `progress` is told how many
    /// objects have been seen, after each page.
    ///
    /// # Errors
    /// If the bucket is not there or may not be listed, or S3 does not answer.
    pub fn list(
        &self,
        place: &Place,
        start_after: Option<&str>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<EventObjects, Fault> {
        let bucket = self.bucket(&place.bucket, None)?;
        let mut found = EventObjects::default();
        let (mut seen, mut token) = (0, None);
        while !found.cut {
            let page = self.aws.block_on(page(&bucket, place, start_after, token.as_deref()))?;
            seen += page.objects.len() as u64;
            for object in page.objects {
                found.take(place, object);
            }
            progress(seen);
            match page.next {
                None => break,
                // Else it would be asked for ever.
                next if next == token => return Err(odd(place, "the same page again")),
                next => token = next,
            }
        }
        let key = |one: &EventObject| one.time.unwrap_or(Timestamp::MAX);
        found.objects.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.object.key.cmp(&b.object.key)));
        Ok(found)
    }
}

impl EventObjects {
    fn take(&mut self, place: &Place, object: ObjectRef) {
        let name = FileName::of(&object.key);
        match name.kind {
            // What stands for a folder.
            _ if object.key.ends_with('/') && object.bytes == Some(0) => return,
            // What is named by itself is read whatever its name.
            _ if object.key == place.prefix => {}
            FileKind::NoEvent(kind) => {
                return match self.no_events.iter_mut().find(|(known, _)| *known == kind) {
                    Some((_, count)) => *count += 1,
                    None => self.no_events.push((kind, 1)),
                };
            }
            FileKind::Unknown => {
                self.others += 1;
                self.first_other.get_or_insert(object.key);
                return;
            }
            FileKind::Log | FileKind::Json => {}
        }
        self.cut = self.objects.len() == MAX_EVENT_FILES;
        if !self.cut {
            self.objects.push(EventObject { object, time: name.time });
        }
    }
}

/// One page of a listing.
struct Page {
    objects: Vec<ObjectRef>,
    /// By what the next one is asked for.
    next: Option<String>,
}

async fn page(
    bucket: &Bucket,
    place: &Place,
    start_after: Option<&str>,
    token: Option<&str>,
) -> Result<Page, Fault> {
    let mut call = bucket.request(format!("list `{place}`"), "GET", "");
    let parameters = [
        ("list-type", Some("2")),
        // A key may hold what XML cannot.
        ("encoding-type", Some("url")),
        ("prefix", Some(place.prefix.as_str()).filter(|prefix| !prefix.is_empty())),
        ("start-after", start_after.filter(|_| token.is_none())),
        ("continuation-token", token),
    ];
    let given = parameters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    call.query.extend(given);
    let reply = bucket.call(&call).await.map_err(|fault| match fault.kind {
        FaultKind::Denied => fault.hint("allow `s3:ListBucket` on the bucket"),
        _ => fault,
    })?;
    let xml = String::from_utf8(reply.body).map_err(|_| odd(place, "no UTF-8"))?;
    if !xml.contains("<ListBucketResult") {
        return Err(odd(place, "no listing"));
    }
    let encoded = xml::text(&xml, "EncodingType").is_some_and(|kind| kind == "url");
    let name: Arc<str> = bucket.name().into();
    let mut objects = Vec::new();
    for one in xml::elements(&xml, "Contents") {
        let key = xml::text(one, "Key").ok_or_else(|| odd(place, "an object without a key"))?;
        let key = if encoded {
            decode_key(&key).map_err(|_| odd(place, "a key that is no text"))?
        } else {
            key.into_owned()
        };
        let bytes = xml::text(one, "Size").and_then(|text| text.parse().ok());
        let object = ObjectRef { bucket: Arc::clone(&name), key, version: None, region: None, bytes };
        objects.push(object);
    }
    let truncated = xml::text(&xml, "IsTruncated").is_some_and(|text| text == "true");
    let next = xml::text(&xml, "NextContinuationToken").map(std::borrow::Cow::into_owned);
    Ok(Page { objects, next: next.filter(|_| truncated) })
}

fn odd(place: &Place, why: &str) -> Fault {
    Fault::local(FaultKind::Other, format!("cannot list `{place}`: the answer holds {why}"))
}
