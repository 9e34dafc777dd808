//! What goes over the wire: bans and unbans by SNS and SQS, and the snapshot of live bans in S3.
//!
//! A [`Notice`] says one thing: this key is banned in this jail, or no longer. [`pack`] writes many of them into as few
//! SNS messages as their limits allow; [`read`] reads them from what a queue delivers.
//!
//! The messages are Cloud-Fail2Ban's, so that either end of a fleet can be moved first:
//!
//! | part | ban | unban |
//! |---|---|---|
//! | body | `{"sshd": ["198.51.100.7"]}` | `{"unban:sshd": ["198.51.100.7"]}` |
//! | attribute `jail` | `sshd` | `unban:sshd` |
//!
//! Its clients subscribe to the names of their jails, so an unban reaches only who asks for it. What else there is to
//! say of a ban stands in further attributes, which they do not look at ([`ATTRIBUTES`]). A message carries many bans
//! and SNS allows ten attributes, so each of them is a column: one value if it is the same for all addresses of the
//! message, else a JSON list with a value, or `null`, for each address in their order.
//!
//! ```
//! use stockade_aws::wire::{self, Notice, Origins};
//! use stockade_core::Timestamp;
//!
//! let (since, until) = (Timestamp::from_secs(1_700_000_000), Timestamp::from_secs(1_700_000_600));
//! let ban = Notice::ban("sshd".into(), "198.51.100.7".parse().unwrap(), since, until);
//! let packed = wire::pack(&[ban.clone()]);
//! assert_eq!(packed.messages[0].body, r#"{"sshd": ["198.51.100.7"]}"#);
//!
//! let topic = "arn:aws:sns:eu-central-1:111122223333:F2B".to_owned();
//! let body = serde_json::json!({
//!     "Type": "Notification", "TopicArn": topic, "Message": packed.messages[0].body,
//!     "MessageAttributes": {"until": {"Type": "String", "Value": "1700000600000"}},
//! });
//! let delivery = wire::read(&body.to_string(), &[], &Origins::of([topic])).unwrap();
//! assert_eq!(delivery.notices[0].key, ban.key);
//! assert_eq!(delivery.notices[0].told, ban.told);
//! ```

mod column;
mod error;
mod names;
mod notice;
mod pack;
mod read;
pub mod snapshot;

pub use column::ATTRIBUTES;
pub use error::WireError;
pub use names::{MAX_FILTER_VALUES, QUEUE_PREFIX, filter_policy, queue_name, queue_policy};
pub use notice::{Notice, Told};
pub use pack::{Attribute, Message, Packed, pack};
pub use read::{Delivery, Origins, read};

/// The attribute by which subscriptions choose: the jail's name, for an unban with [`UNBAN_PREFIX`] before it.
pub const JAIL_ATTRIBUTE: &str = "jail";
/// What stands before the jail's name where the ban is lifted.
pub const UNBAN_PREFIX: &str = "unban:";
/// What one SNS message, and one batch of them, may weigh: body, names, types and values of attributes, in bytes. A
/// kilobyte of SNS's 256 is left for what a batch weighs beside its messages.
pub const MAX_MESSAGE_BYTES: usize = 255 * 1024;
/// How many messages SNS takes in one batch.
pub const MAX_BATCH_ENTRIES: usize = 10;
/// The longest body that is read, in bytes: what SQS delivers at most. SNS's envelope escapes a message of 256 KB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How many addresses are read from one message: more than fit into one that SNS takes.
pub const MAX_KEYS: usize = 32 * 1024;
/// The longest name of a jail on the wire, in bytes.
pub const MAX_JAIL_BYTES: usize = 512;
/// The longest reason, in bytes; a longer one is cut.
pub const MAX_REASON_BYTES: usize = 256;
/// The longest id of a ban, in bytes.
pub const MAX_ID_BYTES: usize = 64;
