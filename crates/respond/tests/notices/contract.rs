//! The contract of responders, as far as it holds where the world cannot be asked.

use std::time::Duration;

use stockade_respond::notice::{Slack, Webhook};
use stockade_testkit::responder::Contract;

use crate::make::{book, unlimited};
use crate::receiver::{Other, status};

#[test]
fn a_webhook_keeps_the_contract() {
    let other = Other::new(vec![status(200)]);
    let url = other.url("/");
    let hook = || Webhook::new(&url, None, Duration::from_secs(5), None, unlimited(), book()).unwrap();
    Contract::new(hook).reopening(|old: Webhook| old).run();
}

#[test]
fn a_teller_keeps_the_contract() {
    let other = Other::new(vec![status(200)]);
    let url = other.url("/");
    Contract::new(|| {
        Slack::teller(&url, Duration::from_secs(5), unlimited(), book()).unwrap().with_unbans(true)
    })
    .run();
}
