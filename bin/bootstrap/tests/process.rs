//! The program as Lambda starts it: a process, the Runtime API, and DynamoDB, SNS, SQS, S3 and SSM in the emulator.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

#[path = "process/configuration.rs"]
mod configuration;
#[path = "process/events.rs"]
mod events;
#[path = "process/faults.rs"]
mod faults;
#[path = "process/notices.rs"]
mod notices;
#[path = "process/repairs.rs"]
mod repairs;
#[path = "process/site.rs"]
mod site;
#[path = "process/whole.rs"]
mod whole;
