//! The page behind the links in notices: it shows what a person is asked, and does what they answer.
//!
//! Looking changes nothing: programs that read mail follow links before people do. Only the button does, and what it sends
//! is the signed link again. Nobody can ask for anything without one: what is not signed by us is refused before anything
//! that is kept is read.

use serde_json::{Value, json};
use stockade_repair::{BadLink, Engine, EngineError, LinkKey};
use stockade_source::aws::WebRequest;

use super::function::Function;
use super::page::{Page, asked, done, refused};
use crate::repair::RepairError;

impl Function {
    /// Answers a request of the web.
    pub(super) fn web(&mut self, request: &WebRequest) -> Value {
        let page = self.page(request);
        let head = request.method == "HEAD";
        let mut headers = json!({
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-store",
            "content-security-policy":
                "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "x-robots-tag": "noindex, nofollow",
            "cross-origin-opener-policy": "same-origin",
            "strict-transport-security": "max-age=31536000",
        });
        if let (405, Some(headers)) = (page.status, headers.as_object_mut()) {
            headers.insert("allow".to_owned(), "GET, HEAD, POST".into());
        }
        json!({
            "statusCode": page.status,
            "headers": headers,
            "body": if head { String::new() } else { page.html },
            "isBase64Encoded": false,
        })
    }

    fn page(&mut self, request: &WebRequest) -> Page {
        if !matches!(request.path.as_str(), "" | "/") {
            return refused(404, "There is nothing here.");
        }
        let does = match request.method.as_str() {
            "GET" | "HEAD" => false,
            "POST" => true,
            _ => return refused(405, "This is no way to ask."),
        };
        let Some(token) = token(&request.query) else { return refused(404, "There is nothing here.") };
        let engine = match self.parts.tellers.answering() {
            Ok(engine) => engine,
            Err(RepairError::NoLinks) => return refused(404, "There is nothing here."),
            Err(error) => {
                tracing::error!(%error, hint = error.hint(), "a link cannot be followed");
                return refused(503, "It does not work at this moment. Nothing was changed.");
            }
        };
        if does { follow(engine, token, &request.from) } else { look(engine, token) }
    }
}

/// The token in a query: the only one of its name, and as it was signed, so that nothing needs to be decoded.
fn token(query: &str) -> Option<&str> {
    let mut named =
        query.split('&').filter_map(|pair| pair.strip_prefix(LinkKey::PARAMETER)?.strip_prefix('='));
    let token = named.next().filter(|token| !token.is_empty() && token.len() <= LinkKey::MAX_TOKEN)?;
    named.next().is_none().then_some(token)
}

fn look(engine: &mut Engine, token: &str) -> Page {
    match engine.look_at_link(token) {
        Ok((link, approval)) => asked(engine, &link, &approval),
        Err(error) => not_valid(&error, "looked at"),
    }
}

fn follow(engine: &mut Engine, token: &str, from: &str) -> Page {
    // As Lambda says it, not the stranger: an address, and nothing else.
    let from = from.parse::<std::net::IpAddr>().map_or_else(|_| "somewhere".to_owned(), |ip| ip.to_string());
    match engine.follow_link_by(token, &format!("a signed link, from {from}")) {
        Ok(run) => {
            tracing::info!(from, "a link was followed");
            done(&run)
        }
        Err(error) => not_valid(&error, "followed"),
    }
}

fn not_valid(error: &EngineError, tried: &'static str) -> Page {
    match error {
        EngineError::BadLink(BadLink::Over) => refused(410, "The time of this link is over."),
        EngineError::BadLink(_) => {
            tracing::debug!(tried, "a link that is not valid");
            refused(403, "This link is not valid.")
        }
        EngineError::NotWaiting { .. } | EngineError::NoRepair { .. } => {
            refused(410, "This was answered already, or its time is over.")
        }
        error => {
            tracing::error!(%error, hint = error.hint(), tried, "a link did not work");
            let text = "It did not work. `stockade repair show` and the log of the function say more.";
            refused(503, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_alone_under_its_name() {
        assert_eq!(token("answer=v1.x"), Some("v1.x"));
        assert_eq!(token("utm_source=mail&answer=v1.x"), Some("v1.x"));
        let long = format!("answer={}", "a".repeat(LinkKey::MAX_TOKEN + 1));
        for query in ["", "answer", "answer=", "answers=v1.x", "answer=a&answer=b", &long] {
            assert_eq!(token(query), None, "{query}");
        }
    }
}
