//! What Stockade itself consists of in AWS: rules, queues, functions and roles whose names begin with our prefix.

mod functions;
mod queues;
mod roles;
mod rules;

use serde_json::Value;

pub(crate) use functions::{FUNCTIONS, Functions};
pub(crate) use queues::{QUEUES, Queues};
pub(crate) use roles::ROLES;
pub(crate) use rules::{RULES, Rules};

use crate::json::{list, text};
use crate::playbook::Tags;

/// Tags as lists of `Key` and `Value`.
fn tags(answer: &Value, name: &str) -> Tags {
    list(answer, name)
        .iter()
        .map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()))
        .collect()
}

/// Two texts that are the same, or the same as JSON: AWS gives policies and patterns back in its own order.
fn same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || read(one).is_some_and(|one| Some(one) == read(other))
}
