//! How AWS is spoken to: one configuration for all services, signed calls for those without an SDK, and faults by who
//! can mend them.
//!
//! [`Aws`] holds the region, the credentials and the tokio runtime under the SDK's clients. What Stockade's traits ask
//! is synchronous, so adapters call [`Aws::block_on`]; inside one call they may send many requests at once.
//!
//! The SDK is used for DynamoDB, SNS and SQS, where its types and its paging are worth their weight. Everything else
//! is one [`Call`]: a request, signed and sent. An SDK for EC2 alone takes ten minutes and 8 GB to compile.
#![forbid(unsafe_code)]

mod access;
mod bucket;
mod call;
mod fault;
mod send;
pub mod wire;

pub use access::{Access, Aws};
pub use bucket::{Bucket, is_bucket_name, is_region_name};
pub use call::{Call, Reply};
pub use fault::{Fault, FaultKind};
