//! XML answers as JSON, and JSON as XML for S3. Of an answer an element with children is an object, children named `member` or `item` or repeated are an
//! array, everything else is a text. Enough for what EC2, IAM and STS answer.

use serde_json::{Map, Value};
use xmlparser::{ElementEnd, Token, Tokenizer};

/// Deeper answers are refused.
const MAX_DEPTH: usize = 64;

/// What the answer says, without the wrapping of the operation's name; `None` if it is no XML.
pub(crate) fn read(text: &str) -> Option<Value> {
    let mut open = vec![Node::default()];
    for token in Tokenizer::from(text) {
        match token.ok()? {
            Token::ElementStart { local, .. } => {
                if open.len() > MAX_DEPTH {
                    return None;
                }
                open.push(Node { name: local.as_str().to_owned(), ..Node::default() });
            }
            Token::ElementEnd { end: ElementEnd::Close(..) | ElementEnd::Empty, .. } => {
                let done = open.pop()?;
                open.last_mut()?.children.push((done.name.clone(), done.value()));
            }
            Token::Text { text } => open.last_mut()?.text.push_str(&plain(text.as_str())),
            Token::Cdata { text, .. } => open.last_mut()?.text.push_str(text.as_str()),
            _ => {}
        }
    }
    let root = open.pop()?;
    if !open.is_empty() {
        return None;
    }
    let (_, answer) = root.children.into_iter().next()?;
    Some(unwrapped(answer))
}

/// A structure as an element; lists are repeated elements. Depth is that of our own parameters.
pub(crate) fn write(name: &str, value: &Value, namespace: &str) -> String {
    let mut text = String::new();
    element(name, value, &format!(" xmlns=\"{namespace}\""), &mut text);
    text
}

fn element(name: &str, value: &Value, attributes: &str, text: &mut String) {
    let mut one = |value: &Value| {
        text.extend(["<", name, attributes, ">"]);
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| element(name, value, "", text)),
            Value::String(plain) => text.push_str(&escaped(plain)),
            Value::Null | Value::Array(_) => {}
            _ => text.push_str(&value.to_string()),
        }
        text.extend(["</", name, ">"]);
    };
    match value {
        Value::Array(all) => all.iter().for_each(one),
        value => one(value),
    }
}

/// A text with its named entities.
fn escaped(text: &str) -> String {
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")]
        .iter()
        .fold(text.to_owned(), |text, (plain, entity)| text.replace(plain, entity))
}

/// `…Response` holds `…Result` and `ResponseMetadata` in services with such a wrapping; EC2 has neither.
fn unwrapped(answer: Value) -> Value {
    let Value::Object(mut fields) = answer else { return answer };
    let result = fields.keys().find(|name| name.ends_with("Result")).cloned();
    match result {
        Some(name) if fields.contains_key("ResponseMetadata") => fields.remove(&name).unwrap_or_default(),
        _ => Value::Object(fields),
    }
}

#[derive(Default)]
struct Node {
    name: String,
    text: String,
    children: Vec<(String, Value)>,
}

impl Node {
    fn value(self) -> Value {
        if self.children.is_empty() {
            return Value::String(self.text.trim().to_owned());
        }
        if self.children.iter().all(|(name, _)| name == "member" || name == "item") {
            return self.children.into_iter().map(|(_, value)| value).collect();
        }
        let mut fields = Map::new();
        for (name, value) in self.children {
            match fields.get_mut(&name) {
                None => _ = fields.insert(name, value),
                Some(Value::Array(all)) => all.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Value::Object(fields)
    }
}

/// A text without its five named entities.
fn plain(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    [
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_of_both_dialects_are_read() {
        let iam = "<?xml version=\"1.0\"?><ListXResponse xmlns=\"u\"><ListXResult><Roles><member><A>1</A></member>\
                   <member><A>a &amp;lt; b</A></member></Roles><Empty/><IsTruncated>false</IsTruncated></ListXResult>\
                   <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListXResponse>";
        let want = json!({"Roles": [{"A": "1"}, {"A": "a &lt; b"}], "Empty": "", "IsTruncated": "false"});
        assert_eq!(read(iam), Some(want));
        let ec2 = "<XResponse><regionInfo><item><regionName>a</regionName></item></regionInfo><requestId>r</requestId></XResponse>";
        assert_eq!(read(ec2), Some(json!({"regionInfo": [{"regionName": "a"}], "requestId": "r"})));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for text in ["", "<a>", "<a></a", "plain", &"<a>".repeat(1000)] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
