//! The contract of responders, as far as it holds where the world cannot be asked.

use stockade_respond::aws::{Lambda, Sns};
use stockade_testkit::responder::Contract;

use crate::emulator::{aws, name, url};
use crate::lambda::Function;

#[test]
fn sns_keeps_the_contract() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    Contract::new(|| Sns::new(&aws, &name("contract")))
        .reopening(|old: Sns| old)
        .without("jails may have any name", "a message has no place for an empty name or a line break")
        .run();
}

#[test]
fn lambda_keeps_the_contract() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    let function = Function::make(&aws);
    Contract::new(|| Lambda::new(&aws, &function.name).with_unbans(true)).run();
    Contract::new(|| Lambda::new(&aws, &function.name)).run();
}
