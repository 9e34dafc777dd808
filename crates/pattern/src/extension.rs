//! What Stockade adds to EventBridge's language: `compare` and `json`.
//!
//! Both are conditions like `prefix` or `cidr` and stand where these stand: in the array of a field. EventBridge answers
//! `Unrecognized match type` to their names, so no pattern that AWS accepts changes its meaning, and a pattern that uses
//! them is no EventBridge pattern ([`Lint::NotEventBridge`](crate::Lint::NotEventBridge)). They are read by
//! [`Pattern::parse_as`](crate::Pattern::parse_as) with [`Dialect::Stockade`](crate::Dialect::Stockade) only.
//!
//! # `compare`: one field beside another
//!
//! ```text
//! {"compare": {RELATION: "path.of.the.other.field"}}
//! ```
//!
//! The path is given from the top, names joined with dots. Relations: `equals`, `differs`, `equals-ignore-case`,
//! `differs-ignore-case`, `prefix` (this field begins with the other's text), `suffix`, and for numbers `<`, `<=`, `>`, `>=`.
//! Both fields must be there. Only values of one type are ever equal. With several values, array consistency holds:
//! the two values may not lie in different elements of one array. `differs` asks that *no* value of the other field that
//! may stand beside this one is equal; the others ask that there is one.
//!
//! Somebody makes an access key for somebody else:
//!
//! ```
//! use stockade_pattern::{Dialect, Pattern};
//!
//! let pattern = Pattern::parse_as(r#"{
//!     "detail": {
//!         "eventName": ["CreateAccessKey"],
//!         "requestParameters": {"userName": [{"compare": {"differs": "detail.userIdentity.userName"}}]}
//!     }
//! }"#, Dialect::Stockade)?;
//! let event = |actor: &str| format!(r#"{{"detail": {{
//!     "eventName": "CreateAccessKey", "userIdentity": {{"userName": "{actor}"}}, "requestParameters": {{"userName": "alice"}}
//! }}}}"#);
//! assert!(pattern.matches(event("mallory").as_bytes())?);
//! assert!(!pattern.matches(event("alice").as_bytes())?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # `json`: what a string holds
//!
//! ```text
//! {"json": {…a pattern…}}
//! ```
//!
//! The field's value is a string that holds a JSON object, plain or percent-encoded as IAM hands out policy documents; the
//! pattern is matched against that object, with array consistency inside it. A string that holds something else does not
//! match. Paths in it, also those of `compare`, begin at the object in the string. `json` may nest
//! [`MAX_JSON_IN_JSON`](crate::limits::MAX_JSON_IN_JSON) times.
//!
//! ```
//! # use stockade_pattern::{Dialect, Pattern};
//! let pattern = Pattern::parse_as(r#"{
//!     "detail": {"requestParameters": {"policyDocument": [
//!         {"json": {"Statement": {"Effect": ["Allow"], "Action": ["*"], "Resource": ["*"]}}}
//!     ]}}
//! }"#, Dialect::Stockade)?;
//! let event = br#"{"detail": {"requestParameters": {"policyDocument":
//!     "{\"Statement\": [{\"Effect\": \"Deny\", \"Action\": \"s3:*\"}, {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}]}"
//! }}}"#;
//! assert!(pattern.matches(event)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
