//! Why one object cannot be read.

use stockade_aws::{Call, Fault, FaultKind};

use super::MAX_OBJECT_BYTES;
use crate::aws::ObjectRef;

/// Why one object cannot be read. [`ObjectError::passes`] says whether it is worth asking again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// Somebody has no right to read it, or to decrypt it.
    #[error("{fault}")]
    Denied {
        /// Which.
        object: Box<ObjectRef>,
        /// What S3 said.
        fault: Box<Fault>,
    },
    /// It is not there: deleted since, or never written.
    #[error("{fault}")]
    Missing {
        /// Which.
        object: Box<ObjectRef>,
        /// What S3 said.
        fault: Box<Fault>,
    },
    /// It lies in an archive and must be restored first.
    #[error("cannot read the object `{object}`: it is archived")]
    Archived {
        /// Which.
        object: Box<ObjectRef>,
    },
    /// It is larger than [`MAX_OBJECT_BYTES`].
    #[error("cannot read the object `{object}`: it is larger than the limit of {MAX_OBJECT_BYTES} bytes")]
    TooLarge {
        /// Which.
        object: Box<ObjectRef>,
    },
    /// Something else.
    #[error("{fault}")]
    Failed {
        /// Which.
        object: Box<ObjectRef>,
        /// What happened.
        fault: Box<Fault>,
    },
}

impl ObjectError {
    pub(super) fn of(object: &ObjectRef, fault: Fault) -> Self {
        let object = Box::new(object.clone());
        let fault = Box::new(fault);
        match fault.kind {
            _ if fault.code == "InvalidObjectState" => Self::Archived { object },
            _ if fault.code == Call::TOO_LONG => Self::TooLarge { object },
            FaultKind::Denied => Self::Denied { object, fault },
            FaultKind::Missing => Self::Missing { object, fault },
            _ => Self::Failed { object, fault },
        }
    }

    /// Which object.
    pub fn object(&self) -> &ObjectRef {
        match self {
            Self::Denied { object, .. }
            | Self::Missing { object, .. }
            | Self::Archived { object }
            | Self::TooLarge { object }
            | Self::Failed { object, .. } => object,
        }
    }

    /// Whether it may be read later without anybody mending anything.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Failed { fault, .. } if fault.kind.passes())
    }

    /// What to do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Denied { .. } => Some(
                "allow `s3:GetObject` on it, `s3:GetObjectVersion` on versions, and `kms:Decrypt` on its key"
                    .into(),
            ),
            Self::Missing { .. } => Some("it may have been deleted since; a lifecycle rule does that".into()),
            Self::Archived { .. } => {
                Some("restore it (`aws s3api restore-object`), then read it again".into())
            }
            Self::TooLarge { .. } => Some("fetch it and read the file".into()),
            Self::Failed { fault, .. } => fault.hint.clone(),
        }
    }
}
