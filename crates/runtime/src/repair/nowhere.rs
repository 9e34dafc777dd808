//! No way to AWS: for what needs none, and for builds without it.

use stockade_repair::{Api, ApiAnswer, ApiCall, ApiFault, Blame};

/// Refuses every call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nowhere;

impl Api for Nowhere {
    fn call(&mut self, call: &ApiCall) -> Result<ApiAnswer, ApiFault> {
        let message = format!("cannot call {}: AWS is not asked for this", call.name());
        Err(ApiFault::local(Blame::Other, message))
    }
}
