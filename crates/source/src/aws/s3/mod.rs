//! Objects of S3: listed in the order of their delivery, and read, several at a time but given out in order.
//!
//! An object that cannot be read is an error of its own ([`ObjectError`]); the others go on. Everything here blocks.

mod error;
mod fetch;
mod list;
mod place;
mod xml;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use stockade_aws::{Aws, Bucket, Call, Fault};

use super::object::ObjectRef;

pub use error::ObjectError;
pub use fetch::Fetch;
pub use list::{EventObject, EventObjects};
pub use place::{Place, PlaceError};

/// The largest object that is read, in bytes, packed as it is. CloudTrail's have a few megabytes at most.
pub const MAX_OBJECT_BYTES: u64 = Call::MAX_REPLY_BYTES as u64;
/// How many objects are on their way at once.
pub const AT_ONCE: usize = 8;
/// How many bytes are on their way at once, as far as sizes are known; a larger object comes alone.
pub const BYTES_AT_ONCE: u64 = 64 << 20;
/// How many buckets are remembered with their regions.
const MAX_BUCKETS: usize = 256;
/// What an object of unknown size is taken for, in bytes.
const USUAL_BYTES: u64 = 1 << 20;

/// Reads objects, of whatever buckets. A clone shares what is known of them.
#[derive(Clone, Debug)]
pub struct ObjectReader {
    aws: Aws,
    buckets: Arc<Mutex<HashMap<String, Bucket>>>,
}

impl ObjectReader {
    /// With these credentials; each bucket is asked in its own region.
    pub fn new(aws: &Aws) -> Self {
        Self { aws: aws.clone(), buckets: Arc::default() }
    }

    /// Reads one object.
    ///
    /// # Errors
    /// If it is not there, may not be read, is archived or larger than [`MAX_OBJECT_BYTES`], or S3 does not answer.
    pub fn get(&self, object: &ObjectRef) -> Result<Vec<u8>, ObjectError> {
        self.aws.block_on(self.read(object))
    }

    /// Reads many, each given out in the order in which they are named.
    pub fn fetch(&self, objects: Vec<ObjectRef>) -> Fetch {
        Fetch::new(self.clone(), objects)
    }

    async fn read(&self, object: &ObjectRef) -> Result<Vec<u8>, ObjectError> {
        let wrap = |fault| ObjectError::of(object, fault);
        if object.bytes.is_some_and(|bytes| bytes > MAX_OBJECT_BYTES) {
            return Err(ObjectError::TooLarge { object: Box::new(object.clone()) });
        }
        let bucket = self.bucket(&object.bucket, object.region.as_deref()).map_err(wrap)?;
        let mut call = bucket.request(format!("read the object `{object}`"), "GET", &object.key);
        if let Some(version) = &object.version {
            call.query.push(("versionId".to_owned(), version.clone()));
        }
        bucket.call(&call).await.map(|reply| reply.body).map_err(wrap)
    }

    fn bucket(&self, name: &str, region: Option<&str>) -> Result<Bucket, Fault> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(name) {
            return Ok(bucket.clone());
        }
        let bucket = Bucket::new(&self.aws, name, region)?;
        if buckets.len() == MAX_BUCKETS {
            buckets.clear();
        }
        buckets.insert(name.to_owned(), bucket.clone());
        Ok(bucket)
    }
}
