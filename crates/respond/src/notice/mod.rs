//! Notices: what happened, what was done, how to undo it, told to people and programs elsewhere.
//!
//! A [`Story`] is one notice as facts, a [`Message`] what is told at once: one story, several about the same, or the sum of
//! those there was no room for. A [`Road`] brings it somewhere; the [`Teller`] over it is a
//! [`Responder`](stockade_core::ports::Responder), which groups and limits by [`Limits`] and leaves what waits to the
//! outbox.
//!
//! The roads are `webhook` and [`slack`] (feature `notify`), [`email`] (feature `email`), and SNS (feature `aws`,
//! [`crate::aws::SnsNotice`]).
//!
//! All texts in a message were chosen by others, up to the key itself. They are bounded, in one line each, and without
//! what steers a terminal or turns the direction of writing; each form escapes what it would read.

mod about;
#[cfg(any(feature = "notify", feature = "email"))]
mod authority;
mod bucket;
mod clean;
#[cfg(feature = "email")]
pub mod email;
mod facts;
mod group;
#[cfg(feature = "notify")]
mod http;
mod json;
mod limits;
mod message;
mod road;
mod sheet;
#[cfg(feature = "notify")]
pub mod slack;
mod slack_form;
mod story;
mod tally;
mod teller;
mod text;
#[cfg(feature = "notify")]
pub mod webhook;

pub use about::{About, Book};
#[cfg(feature = "email")]
pub use email::Email;
pub use facts::Facts;
pub use limits::Limits;
pub use message::{Message, MessageKind};
pub use road::{Fate, Road, Unsent};
#[cfg(feature = "notify")]
pub use slack::Slack;
pub use stockade_core::Severity;
pub use story::{OfRepair, Story, What};
pub use teller::Teller;
#[cfg(feature = "notify")]
pub use webhook::Webhook;
