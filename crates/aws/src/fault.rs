//! What AWS could not do, split by who can mend it.

use std::fmt;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use stockade_core::ports::{RespondError, StoreError, StoreErrorKind};

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
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

impl FaultKind {
    /// Whether the same request may work later without anybody mending anything.
    pub fn passes(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable | Self::Conflict)
    }

    /// By the code that AWS gives an error, and the answer's status.
    pub fn of(code: &str, status: u16) -> Self {
        let code = code.rsplit('#').next().unwrap_or(code);
        match code {
            "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "SlowDown"
            | "Throttled"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException" => Self::Throttled,
            "ConditionalCheckFailedException"
            | "OptimisticLockException"
            | "PreconditionFailed"
            | "TransactionCanceledException"
            | "TransactionConflictException"
            | "WAFOptimisticLockException" => Self::Conflict,
            "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "UnauthorizedOperation"
            | "UnrecognizedClientException" => Self::Denied,
            "AWS.SimpleQueueService.NonExistentQueue"
            | "NoSuchBucket"
            | "NoSuchKey"
            | "NotFound"
            | "NotFoundException"
            | "ParameterNotFound"
            | "QueueDoesNotExist"
            | "ResourceNotFoundException" => Self::Missing,
            _ => match status {
                429 => Self::Throttled,
                401 | 403 => Self::Denied,
                404 => Self::Missing,
                409 | 412 => Self::Conflict,
                500.. => Self::Unreachable,
                _ => Self::Other,
            },
        }
    }
}

/// A request to AWS that failed, with all its tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Who can mend it.
    pub kind: FaultKind,
    /// AWS's own word for it, such as `AccessDeniedException`; empty where no answer came.
    pub code: String,
    /// What was tried, on what, and what happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The service's own number of the request, where it answered.
    pub request_id: Option<Box<str>>,
    /// Where S3 says that the bucket is: one of another region is answered with an error.
    pub bucket_region: Option<Box<str>>,
}

impl Fault {
    /// A fault that happened before anything was sent.
    pub fn local(kind: FaultKind, message: String) -> Self {
        Self { kind, code: String::new(), message, hint: None, request_id: None, bucket_region: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }

    /// What an SDK's client says; `tried` is what was tried on what, such as ``write to the table `Stockade` ``.
    pub fn of<E>(tried: &str, error: &SdkError<E, Response>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(failed) => {
                let meta = failed.err().meta();
                let status = failed.raw().status().as_u16();
                Self::answer(
                    tried,
                    meta.code().unwrap_or_default(),
                    meta.message().unwrap_or_default(),
                    status,
                )
            }
            SdkError::ResponseError(failed) => {
                let status = failed.raw().status().as_u16();
                let message = format!("cannot {tried}: the answer {status} cannot be read");
                Self::local(FaultKind::of("", status.max(500)), message)
            }
            SdkError::ConstructionFailure(_) => {
                let text = chain(error);
                let kind = if text.contains("redentials") { FaultKind::Denied } else { FaultKind::Other };
                Self::local(kind, format!("cannot {tried}: {text}"))
            }
            _ => Self::unreachable(tried, &chain(error)),
        }
    }

    /// What an answer with an error says.
    pub(crate) fn answer(tried: &str, code: &str, text: &str, status: u16) -> Self {
        let kind = FaultKind::of(code, status);
        let code = if code.is_empty() { status.to_string() } else { code.to_owned() };
        let text = if text.is_empty() { String::new() } else { format!(": {text}") };
        let hint = match kind {
            FaultKind::Denied => {
                Some("see which credentials are in use, and what their policy allows".to_owned())
            }
            _ => None,
        };
        Self {
            kind,
            message: format!("cannot {tried}: {code}{text}"),
            code,
            hint,
            request_id: None,
            bucket_region: None,
        }
    }

    /// No answer came.
    pub(crate) fn unreachable(tried: &str, why: &str) -> Self {
        Self {
            hint: Some("see whether this machine reaches the service".into()),
            ..Self::local(FaultKind::Unreachable, format!("cannot {tried}: {why}"))
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        let kind = match fault.kind {
            FaultKind::Throttled | FaultKind::Conflict => StoreErrorKind::Busy,
            FaultKind::Unreachable | FaultKind::Denied | FaultKind::Missing => StoreErrorKind::Unreachable,
            FaultKind::Other => StoreErrorKind::Other,
        };
        let hint = fault.hint.or_else(|| kind_hint(fault.kind).map(str::to_owned));
        Self { kind, message: fault.message, hint }
    }
}

impl From<Fault> for RespondError {
    fn from(fault: Fault) -> Self {
        let hint = fault.hint.or_else(|| kind_hint(fault.kind).map(str::to_owned));
        Self { message: fault.message, hint, permanent: matches!(fault.kind, FaultKind::Denied) }
    }
}

fn kind_hint(kind: FaultKind) -> Option<&'static str> {
    match kind {
        FaultKind::Throttled => Some("it is tried again; raise the quota if that goes on"),
        FaultKind::Unreachable => Some("the service is at fault or out of reach: it is tried again later"),
        FaultKind::Conflict => Some("something else changed it at the same moment: try again"),
        FaultKind::Missing => Some("see whether the name and the region are right"),
        _ => None,
    }
}

/// An error with its causes: the SDK's own text is often only `dispatch failure`.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
