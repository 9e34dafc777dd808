//! The one port through which a repair reaches AWS: a call as data, an answer as JSON.
//!
//! A call names its service, its operation and its parameters as AWS's reference does, so it can be shown before it is
//! made, recorded with what came of it, compared with the permissions of its playbook, and made again. How it travels
//! ([`wire`]: JSON, REST or Query with XML) is nobody else's business.

#[cfg(feature = "aws")]
mod aws;
mod recorder;
mod rest;
mod service;
pub mod wire;
mod xml;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(feature = "aws")]
pub use aws::{AwsApi, Member};
pub use recorder::{Heard, Recorder};

/// An account in a region: where a call is made, and where a thing is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The account's twelve digits.
    pub account: String,
    /// The region, such as `eu-central-1`.
    pub region: String,
}

impl Place {
    /// An account in a region.
    pub fn new(account: &str, region: &str) -> Self {
        Self { account: account.to_owned(), region: region.to_owned() }
    }

    /// Whether account and region can be ones: twelve digits, and a name that may stand in an address. Both come from
    /// events as well, and a request is signed for wherever they point.
    pub fn is_valid(&self) -> bool {
        const MAX_REGION: usize = 32;
        let account = self.account.len() == 12 && self.account.bytes().all(|byte| byte.is_ascii_digit());
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        account && (1..=MAX_REGION).contains(&self.region.len()) && self.region.bytes().all(plain)
    }

    /// The partition that the region belongs to, the second part of its ARNs.
    pub fn partition(&self) -> &'static str {
        match self.region.get(..3) {
            Some("cn-") => "aws-cn",
            Some("us-") if self.region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Who we are is asked before an account is known.
        if self.account.is_empty() {
            return f.write_str(&self.region);
        }
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// One call of an AWS API, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiCall {
    /// Where.
    pub place: Place,
    /// The service's name as in its permissions: `cloudtrail`, `events`, `lambda`.
    pub service: String,
    /// The operation as AWS's reference writes it: `StartLogging`.
    pub operation: String,
    /// Its parameters as AWS's reference writes them.
    pub parameters: Value,
    /// For which repair, if for one: it stands in the user agent and in the name of an assumed role's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

impl ApiCall {
    /// A call that belongs to no repair.
    pub fn new(place: &Place, service: &str, operation: &str, parameters: Value) -> Self {
        Self {
            place: place.clone(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            parameters,
            action: None,
        }
    }

    /// `service:Operation`, by which permissions name it.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }
}

/// An answer that is no error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiAnswer {
    /// What it says. Of services that answer in XML all values are texts.
    pub body: Value,
    /// The service's own number of the request; empty where it gave none.
    pub request_id: String,
}

/// Who can mend a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Blame {
    /// Too many requests: again later.
    Throttled,
    /// No answer, or the service says that it is at fault: again later.
    Unreachable,
    /// Somebody else was first: look again, then decide.
    Conflict,
    /// No right to do it, or no credentials.
    Denied,
    /// What was asked about is not there.
    Missing,
    /// The request was wrong, or anything else.
    Other,
}

impl Blame {
    /// Whether the same may work later without anybody mending anything.
    pub fn passes(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable | Self::Conflict)
    }
}

/// A call that did not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiFault {
    /// Who can mend it.
    pub blame: Blame,
    /// AWS's own word for it, such as `AccessDeniedException`; empty where no answer came.
    pub code: String,
    /// What was tried, on what, and what happened.
    pub message: String,
    /// The service's own number of the request; empty where it gave none.
    pub request_id: String,
}

impl ApiFault {
    /// A fault that happened before anything was sent.
    pub fn local(blame: Blame, message: String) -> Self {
        Self { blame, code: String::new(), message, request_id: String::new() }
    }

    /// Whether AWS does not know who asks: another policy would not help.
    pub fn wrong_keys(&self) -> bool {
        const CODES: [&str; 7] = [
            "AuthFailure",
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ];
        CODES.contains(&self.code.as_str())
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self.blame {
            Blame::Denied if self.code.is_empty() => Some(
                "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role",
            ),
            Blame::Denied if self.wrong_keys() => Some(
                "the credentials are wrong or too old: see what `aws sts get-caller-identity` says with the same",
            ),
            Blame::Denied => Some(
                "compare the role's policy with `stockade iam`; an organisation's service control policy may refuse too",
            ),
            Blame::Missing => Some("see whether the name and the region are right"),
            Blame::Throttled | Blame::Unreachable | Blame::Conflict => Some("it is tried again"),
            Blame::Other => None,
        }
    }
}

impl fmt::Display for ApiFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiFault {}

/// Makes calls.
///
/// A call may be repeated by the implementation while [`Blame::passes`]; whoever makes calls that change something
/// says which errors mean that it was already done ([`crate::playbook::Change::already`]).
pub trait Api {
    /// Makes one call and waits for its answer.
    ///
    /// # Errors
    /// What the service answered, or why there was no answer.
    fn call(&mut self, call: &ApiCall) -> Result<ApiAnswer, ApiFault>;

    /// Makes calls that do not depend on each other, at once where that is possible. One answer each, in their order.
    fn calls(&mut self, calls: &[ApiCall]) -> Vec<Result<ApiAnswer, ApiFault>> {
        calls.iter().map(|call| self.call(call)).collect()
    }
}

impl<A: Api + ?Sized> Api for Box<A> {
    fn call(&mut self, call: &ApiCall) -> Result<ApiAnswer, ApiFault> {
        (**self).call(call)
    }

    fn calls(&mut self, calls: &[ApiCall]) -> Vec<Result<ApiAnswer, ApiFault>> {
        (**self).calls(calls)
    }
}
