//! A request to the URL of a function.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>, version 2.0

use serde_json::{Map, Value};

/// A request of the web, as far as anybody here reads it. All of it was written by a stranger; each part is bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, as it came.
    pub path: String,
    /// The query, as it came: without its question mark, not decoded.
    pub query: String,
    /// Who asks: the address that the connection comes from.
    pub from: String,
}

/// Longer parts of a request are cut: nothing of ours is that long.
const MAX_PART: usize = 2048;

impl WebRequest {
    /// The request in a payload, if it is one. What the stranger chose never stands beside these names, so no other payload
    /// can be made to look like one and the other way round.
    pub(super) fn of(payload: &Map<String, Value>) -> Option<Self> {
        let http = payload.get("requestContext")?.get("http")?.as_object()?;
        if payload.get("version")?.as_str()? != "2.0" {
            return None;
        }
        let part = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            text.chars().take(MAX_PART).collect::<String>()
        };
        Some(Self {
            method: part(http.get("method")),
            path: part(http.get("path")),
            query: part(payload.get("rawQueryString")),
            from: part(http.get("sourceIp")),
        })
    }
}
