//! What led to a look.

use serde_json::{Value, json};
use stockade_core::Timestamp;

use crate::event::{Actor, Event};

/// What led here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trigger<'e> {
    /// `flood`: so many came that the same is recorded once.
    Event {
        event: &'e Event,
        actor: Option<&'e Actor>,
        claims: bool,
        flood: bool,
    },
    Schedule,
    /// Somebody undid each of these repairs.
    Escalation {
        id: &'e str,
        repairs: &'e [String],
        actor: &'e Actor,
        scheduled: bool,
    },
    Approved {
        id: &'e str,
        by: &'e str,
        actor: Option<&'e Actor>,
        event_at: Option<Timestamp>,
    },
}

impl<'e> Trigger<'e> {
    pub(super) fn actor(&self) -> Option<&'e Actor> {
        match self {
            Self::Event { actor, .. } | Self::Approved { actor, .. } => *actor,
            // Nobody did to the actor what is found.
            Self::Schedule | Self::Escalation { .. } => None,
        }
    }

    pub(super) fn event_at(&self) -> Option<Timestamp> {
        match self {
            Self::Event { event, .. } => event.time(),
            Self::Approved { event_at, .. } => *event_at,
            Self::Schedule | Self::Escalation { .. } => None,
        }
    }

    /// The same, where it does not say that its actor did what was found.
    pub(super) fn by_nobody_known(self) -> Self {
        match self {
            Self::Event { event, claims, flood, .. } => Self::Event { event, actor: None, claims, flood },
            other => other,
        }
    }

    /// Whether it comes again and again: the same is recorded once.
    pub(super) fn is_scheduled(&self) -> bool {
        matches!(
            self,
            Self::Schedule | Self::Event { flood: true, .. } | Self::Escalation { scheduled: true, .. }
        )
    }

    /// As the record tells it.
    pub(super) fn body(&self) -> Value {
        match self {
            Self::Event { event, actor, claims, .. } => {
                let mut body = json!({
                    "trigger": "event", "event_identity": event.identity(), "event_sha256": event.sha256(),
                    "event": event.value(), "actor": actor,
                });
                if *claims && let Some(fields) = body.as_object_mut() {
                    fields.insert("claims_to_be_us".to_owned(), Value::Bool(true));
                }
                body
            }
            Self::Schedule => json!({"trigger": "schedule"}),
            Self::Escalation { id, repairs, actor, .. } => {
                json!({"trigger": "escalation", "escalation": id, "undone": repairs, "actor": actor})
            }
            Self::Approved { by, actor, .. } => json!({"trigger": "approval", "by": by, "actor": actor}),
        }
    }
}
