//! Repairs: what was tampered with in AWS is put back, verified, recorded, and can be taken back.
//!
//! An event or the schedule leads to a *check*, which is read-only and decides; the check to a *plan*, which is data: the
//! calls with their parameters, what was there before, and how each is taken back; the plan, within mode, exemptions and
//! limits, to the *repair*; then it is *verified* and *recorded*. [`Engine`] does all of that for all playbooks; a
//! [`Playbook`] is one file that says where to look, what is bad, and which calls mend it.
//!
//! ```
//! use stockade_repair::playbook::{PolicyOptions, page, policy};
//! use stockade_repair::{CATALOGUE, Mode};
//!
//! for playbook in CATALOGUE {
//!     let about = playbook.about();
//!     println!("{} {} ({})", about.id, about.docs.title(), about.mode); // `stockade repair list`
//!     assert!(page(*playbook).contains("## Undo")); // its page in the book
//! }
//! // `stockade iam`: what the first playbook may do while it only looks.
//! let printed = policy(&[(CATALOGUE[0], Mode::Plan)], &PolicyOptions::default());
//! assert!(!printed.to_string().contains("StartLogging"));
//! ```
//!
//! # How a playbook is added
//!
//! One file in `playbooks/`: the headings of [`playbook::HEADINGS`] in its module docs, [`playbook::About`] with its
//! permissions, and [`Playbook::check`] and [`Playbook::plan`]; and its two lines in `playbooks/mod.rs`. What judges
//! things against their last good state is there already ([`playbook::Kind`], [`playbook::Comparison`]). Its tests tell its
//! whole life, and the test of permissions compares all calls made in it with what it declares.
//!
//! # Decisions
//!
//! - **The event is a hint.** It says where to look. What is forged in it leads to a look at our own accounts and to no
//!   address; what is missing in it, to a wider look; and what never came, to the schedule, which asks the same check.
//! - **A plan is data.** So it is shown, approved (by the hash of its calls), recorded, made and taken back from one value,
//!   and a check cannot change anything: the engine lets a call through only if a permission of the playbook names it for
//!   that purpose. The same list prints the policy, so the two cannot differ.
//! - **Own actions are known by what only we have**: numbers of requests in our record, and our role. A user agent is
//!   whatever the caller says, and an attacker would say ours.
//! - **The last good state gets better by itself and worse only by a person.** Otherwise whoever weakens a thing slowly
//!   weakens its baseline too. An event is no occasion for a first one: it may tell of the very attack.
//! - **What is less is given back; what is another is asked about.** A key that is gone was taken away; another key may be a
//!   migration.
//! - **One shelf for everything** ([`Shelf`]): limits, leases, states and the record are read and written over the version
//!   that was read, so two functions on one event repair once and count together, without a lock that outlives them.
//! - **Recorded before it happens.** A repair that is killed halfway is in the record and open, and the next look goes on
//!   with it; playbooks plan what is missing, so going on is the same as beginning. Without the shelf nothing is repaired:
//!   there would be no limit and no record.
//! - **What a person undid stays undone** for a day, or until the thing is good again: the schedule would repair it five
//!   minutes later. It is told all the while.
//! - **Whoever fights repairs is contained by a repair** (P19): with its mode, exemptions, limits, record and way back, and by
//!   one policy of AWS's that denies everything. Only who undid two repairs or more, never by the word of one event, and a
//!   role never without a person.
#![forbid(unsafe_code)]
mod answer;
mod api;
mod arn;
mod block;
mod count;
mod engine;
mod event;
mod exempt;
mod foresee;
mod json;
mod link;
mod mode;
mod news;
mod own;
pub mod playbook;
pub mod playbooks;
mod principal;
mod record;
mod report;
mod run;
mod settings;
mod shelf;
mod state;
mod suspect;
mod tidy;
mod trail;

pub use answer::{Answer, answer};
pub use api::{Api, ApiAnswer, ApiCall, ApiFault, Blame, Heard, Place, Recorder, wire};
#[cfg(feature = "aws")]
pub use api::{AwsApi, Member};
pub use count::Count;
pub use engine::{Engine, EngineError, Scope, Time, Waking};
pub use event::{Actor, BadEvent, Event};
pub use exempt::{BadExemption, Exempt, Exemption, TAG, Whom, by_tag, end_of};
pub use foresee::Foreseen;
pub use link::{BadLink, Link, LinkKey, ShortKey, Verb};
pub use mode::{Mode, ModeRule, Modes};
pub use news::{Fresh, News};
pub use playbook::Playbook;
pub use playbooks::CATALOGUE;
pub use record::{Broken, Entry, START, Verified, Verifier, verify_lines};
pub use report::{Report, Row};
pub use run::{Contained, Done, Item, Limit, Outcome, PassedOver, Run, TrialReport, WouldHave};
pub use settings::{Limits, Own, Settings};
#[cfg(feature = "aws")]
pub use shelf::DynamoShelf;
#[cfg(feature = "sqlite")]
pub use shelf::SqliteShelf;
pub use shelf::{
    FolderShelf, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryShelf, ScratchShelf, Shelf, ShelfError, Stored, fits,
};
pub use state::{Approval, ApprovalState, Hold};

/// By this our calls are known: in the user agent, and at the beginning of sessions' names.
pub const OWN_MARK: &str = "stockade";
