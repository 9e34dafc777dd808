//! Keeps every call that goes by, for tests that compare calls with permissions, and for measurements.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Api, ApiAnswer, ApiCall, ApiFault};

/// A call with what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The call.
    pub call: ApiCall,
    /// Its answer.
    pub answer: Result<ApiAnswer, ApiFault>,
}

/// An [`Api`] around another that keeps what was asked and answered. A clone of [`Recorder::tape`] reads it from outside.
#[derive(Debug)]
pub struct Recorder<A> {
    inner: A,
    tape: Arc<Mutex<Vec<Heard>>>,
}

impl<A: Api> Recorder<A> {
    /// Around `inner`.
    pub fn around(inner: A) -> Self {
        Self { inner, tape: Arc::default() }
    }

    /// What was heard, shared.
    pub fn tape(&self) -> Arc<Mutex<Vec<Heard>>> {
        Arc::clone(&self.tape)
    }

    fn keep(&self, call: &ApiCall, answer: &Result<ApiAnswer, ApiFault>) {
        let heard = Heard { call: call.clone(), answer: answer.clone() };
        self.tape.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
    }
}

impl<A: Api> Api for Recorder<A> {
    fn call(&mut self, call: &ApiCall) -> Result<ApiAnswer, ApiFault> {
        let answer = self.inner.call(call);
        self.keep(call, &answer);
        answer
    }

    fn calls(&mut self, calls: &[ApiCall]) -> Vec<Result<ApiAnswer, ApiFault>> {
        let answers = self.inner.calls(calls);
        for (call, answer) in calls.iter().zip(&answers) {
            self.keep(call, answer);
        }
        answers
    }
}
