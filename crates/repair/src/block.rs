//! The four flags by which a bucket, or all buckets of an account, refuse to be public.

use serde_json::{Map, Value, json};

use crate::json::is;
use crate::playbook::Weakness;

/// The flags, and what each that is off lets in.
const FLAGS: [(&str, &str); 4] = [
    ("BlockPublicAcls", "new access lists may be public"),
    ("IgnorePublicAcls", "public access lists hold"),
    ("BlockPublicPolicy", "a new policy may be public"),
    ("RestrictPublicBuckets", "a public policy holds"),
];

/// Whether there is a block at all; one with all flags off is another thing than none.
pub(crate) const CONFIGURED: &str = "Configured";

/// A block as it was read; without an answer there is none.
pub(crate) fn state(answer: Option<&Value>) -> Value {
    let mut state = flags(answer.unwrap_or(&Value::Null), &[]);
    if let Some(fields) = state.as_object_mut() {
        fields.insert(CONFIGURED.to_owned(), json!(answer.is_some()));
    }
    state
}

/// The flags of a state as calls take them, and these on as well.
pub(crate) fn flags(state: &Value, on: &[&str]) -> Value {
    let flag = |flag: &str| (flag.to_owned(), json!(is(state, flag) || on.contains(&flag)));
    FLAGS.iter().map(|(name, _)| flag(name)).collect::<Map<_, _>>().into()
}

/// All flags.
pub(crate) fn all() -> Vec<&'static str> {
    FLAGS.iter().map(|(flag, _)| *flag).collect()
}

/// Whether all flags are on.
pub(crate) fn is_whole(state: &Value) -> bool {
    FLAGS.iter().all(|(flag, _)| is(state, flag))
}

/// Flags that were on and are off.
pub(crate) fn weaker(base: &Value, now: &Value) -> Vec<Weakness> {
    let lost = FLAGS.iter().filter(|(flag, _)| is(base, flag) && !is(now, flag));
    lost.map(|(flag, says)| Weakness::lost(flag, *says)).collect()
}
