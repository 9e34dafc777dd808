#![forbid(unsafe_code)]
mod answer;
mod api;
mod engine;
mod event;
mod exempt;
mod json;
mod link;
mod mode;
mod own;
pub mod playbook;
pub mod playbooks;
mod record;
mod report;
mod run;
mod settings;
mod shelf;
mod state;
mod trail;

pub use answer::{Answer, answer};
pub use api::{Api, ApiAnswer, ApiCall, ApiFault, Blame, Heard, Place, Recorder, wire};
#[cfg(feature = "aws")]
pub use api::{AwsApi, Member};
pub use engine::{Engine, EngineError, Scope, Time, Waking};
pub use event::{Actor, BadEvent, Event};
pub use exempt::{BadExemption, Exempt, Exemption, TAG, Whom, by_tag, end_of};
pub use link::{BadLink, Link, LinkKey, ShortKey, Verb};
pub use mode::{Mode, ModeRule, Modes};
pub use playbook::Playbook;
pub use playbooks::CATALOGUE;
pub use record::{Broken, Entry, START, Verified, Verifier, verify_lines};
pub use report::{Report, Row};
pub use run::{Done, Item, Limit, Outcome, PassedOver, Run, TrialReport, WouldHave};
pub use settings::{Limits, Own, Settings};
#[cfg(feature = "aws")]
pub use shelf::DynamoShelf;
#[cfg(feature = "sqlite")]
pub use shelf::SqliteShelf;
pub use shelf::{
    FolderShelf, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryShelf, ScratchShelf, Shelf, ShelfError, Stored,
};
pub use state::{Approval, ApprovalState, Hold};

/// By this our calls are known: in the user agent, and at the beginning of sessions' names.
pub const OWN_MARK: &str = "stockade";
