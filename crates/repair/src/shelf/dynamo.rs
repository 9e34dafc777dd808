//! A shelf in a table of DynamoDB: for functions, beside their matches and bans.
//!
//! | item | pk | sk | attributes |
//! |---|---|---|---|
//! | a value | `repair` | its key | `v` its version, `n` who wrote it, `d` its bytes |
//! | a long value | `repair` | its key | `v`, `n`, `p` how many parts there are |
//! | a part of it | `repair-part#` and `n` | its number | `d` |
//!
//! An answer that is lost leaves open whether the write happened, and the request is then sent again. So each write has a
//! mark of its own (`n`): whoever finds it in the item that stood in the way has written it himself.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use stockade_aws::{Aws, Call, Fault, FaultKind};

use super::{Shelf, ShelfError, Stored, fits};

/// A shelf in a table whose keys are `pk` and `sk`, both texts.
#[derive(Clone, Debug)]
pub struct DynamoShelf {
    aws: Aws,
    table: String,
}

const PK: &str = "repair";
const PART: &str = "repair-part#";
/// A longer value is stored in parts of this length: an item has at most 400 KB.
const PART_BYTES: usize = 320 << 10;
/// How often a long value is read anew that somebody replaces meanwhile.
const TRIES: u32 = 10;

impl DynamoShelf {
    /// The shelf in this table, which is there.
    pub fn new(aws: &Aws, table: &str) -> Self {
        Self { aws: aws.clone(), table: table.to_owned() }
    }

    fn ask(&self, action: &str, tried: &str, mut body: Value) -> Result<Value, Fault> {
        if let Some(fields) = body.as_object_mut() {
            fields.insert("TableName".to_owned(), json!(self.table));
        }
        let tried = format!("{tried} in the table `{}`", self.table);
        let mut call = Call::json(tried, "dynamodb", &format!("DynamoDB_20120810.{action}"), &body);
        for (name, value) in &mut call.headers {
            if *name == "content-type" {
                "application/x-amz-json-1.0".clone_into(value);
            }
        }
        let reply = self.aws.block_on(self.aws.call(&call))?;
        Ok(serde_json::from_slice(&reply.body).unwrap_or_default())
    }

    fn item(&self, key: &str) -> Result<Option<Head>, ShelfError> {
        let body = json!({"Key": {"pk": {"S": PK}, "sk": {"S": key}}, "ConsistentRead": true});
        let answer = self.ask("GetItem", &format!("read `{key}`"), body).map_err(failed)?;
        Ok(answer.get("Item").map(Head::of))
    }

    /// The parts of a long value; `None` if they are gone.
    fn parts(&self, head: &Head) -> Result<Option<Vec<u8>>, ShelfError> {
        let mut value = Vec::new();
        for nth in 0..head.parts {
            let key = part_key(&head.mark, nth);
            let body = json!({"Key": key, "ConsistentRead": true});
            let answer = self.ask("GetItem", "read a part of a value", body).map_err(failed)?;
            let Some(item) = answer.get("Item") else { return Ok(None) };
            value.extend(bytes(item));
        }
        Ok(Some(value))
    }

    fn put_parts(&self, mark: &str, value: &[u8]) -> Result<usize, ShelfError> {
        if value.len() <= PART_BYTES {
            return Ok(0);
        }
        for (nth, part) in value.chunks(PART_BYTES).enumerate() {
            let mut item = part_key(mark, nth);
            if let Some(fields) = item.as_object_mut() {
                fields.insert("d".to_owned(), json!({"B": BASE64.encode(part)}));
            }
            self.ask("PutItem", "write a part of a value", json!({"Item": item})).map_err(failed)?;
        }
        Ok(value.len().div_ceil(PART_BYTES))
    }

    /// What nobody reads any more. What is left behind by a crash costs a little room and nothing else.
    fn remove_parts(&self, mark: &str, parts: usize) {
        for nth in 0..parts {
            let body = json!({"Key": part_key(mark, nth)});
            if let Err(fault) = self.ask("DeleteItem", "remove a part of a value", body) {
                tracing::warn!(error = %fault, "a part of a value that was replaced is left behind");
            }
        }
    }

    /// The items of a prefix behind a key, as many as come at once, and whether there may be more.
    fn page(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
        only: Option<&str>,
    ) -> Result<(Vec<(String, Value)>, bool), ShelfError> {
        const PAGE: usize = 1000;
        // The keys of a prefix stand together.
        let (compare, at) = if after < prefix { (">=", prefix) } else { (">", after) };
        let mut body = json!({
            "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": PK}},
            "ConsistentRead": true, "Limit": limit.clamp(1, PAGE),
        });
        if let Some(fields) = body.as_object_mut() {
            // A key is never empty, and neither may a value to compare with be.
            if !at.is_empty() {
                let condition = format!("pk = :p AND sk {compare} :s");
                fields.insert("KeyConditionExpression".to_owned(), json!(condition));
                fields.insert(
                    "ExpressionAttributeValues".to_owned(),
                    json!({":p": {"S": PK}, ":s": {"S": at}}),
                );
            }
            if let Some(only) = only {
                fields.insert("ProjectionExpression".to_owned(), json!(only));
            }
        }
        let mut answer = self.ask("Query", &format!("list `{prefix}`"), body).map_err(failed)?;
        let more = answer.get("LastEvaluatedKey").is_some_and(|key| !key.is_null());
        let items = answer.get_mut("Items").and_then(Value::as_array_mut).map(std::mem::take);
        let items = items.unwrap_or_default().into_iter().map(|item| (text(&item, "/sk/S"), item));
        let all: Vec<_> = items.collect();
        let found = all.len();
        let inside: Vec<_> = all.into_iter().take_while(|(key, _)| key.starts_with(prefix)).collect();
        let more = more && inside.len() == found;
        Ok((inside, more))
    }

    /// Writes the item, and returns what was there, if that could be seen; `None` if another version is there.
    fn write(
        &self,
        key: &str,
        value: &[u8],
        expected: u64,
        mark: &str,
        parts: usize,
    ) -> Result<Option<Head>, ShelfError> {
        let mut item = json!({
            "pk": {"S": PK}, "sk": {"S": key}, "v": {"N": (expected + 1).to_string()}, "n": {"S": mark},
        });
        if let Some(fields) = item.as_object_mut() {
            match parts {
                0 => fields.insert("d".to_owned(), json!({"B": BASE64.encode(value)})),
                parts => fields.insert("p".to_owned(), json!({"N": parts.to_string()})),
            };
        }
        let mut body = condition(expected);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("Item".to_owned(), item);
            fields.insert("ReturnValues".to_owned(), json!("ALL_OLD"));
        }
        match self.ask("PutItem", &format!("write `{key}`"), body) {
            Ok(answer) => Ok(Some(answer.get("Attributes").map(Head::of).unwrap_or_default())),
            // Perhaps it was we, and the answer was lost.
            Err(fault) if fault.kind == FaultKind::Conflict => {
                Ok(self.item(key)?.filter(|there| there.mark == mark).map(|_| Head::default()))
            }
            Err(fault) => Err(failed(fault)),
        }
    }

    fn remove(&self, key: &str, expected: u64) -> Result<Option<u64>, ShelfError> {
        let there = self.item(key)?;
        match (&there, expected) {
            (None, 0) => return Ok(Some(0)),
            (Some(there), expected) if expected > 0 && there.version == expected => {}
            _ => return Ok(None),
        }
        let mut body = condition(expected);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("Key".to_owned(), json!({"pk": {"S": PK}, "sk": {"S": key}}));
        }
        match self.ask("DeleteItem", &format!("remove `{key}`"), body) {
            Ok(_) => {}
            // Gone is gone, whoever removed it.
            Err(fault) if fault.kind == FaultKind::Conflict => {
                if self.item(key)?.is_some() {
                    return Ok(None);
                }
            }
            Err(fault) => return Err(failed(fault)),
        }
        if let Some(there) = there {
            self.remove_parts(&there.mark, there.parts);
        }
        Ok(Some(0))
    }
}

impl Shelf for DynamoShelf {
    fn get(&mut self, key: &str) -> Result<Option<Stored>, ShelfError> {
        fits(key, None)?;
        for _ in 0..TRIES {
            let Some(head) = self.item(key)? else { return Ok(None) };
            let value = if head.parts == 0 { Some(head.bytes.clone()) } else { self.parts(&head)? };
            if let Some(value) = value {
                return Ok(Some(Stored { version: head.version, value }));
            }
        }
        Err(ShelfError::passes(format!("cannot read `{key}`: others wrote it {TRIES} times")))
    }

    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, ShelfError> {
        fits(key, value)?;
        let Some(value) = value else { return self.remove(key, expected) };
        let mark = mark();
        let parts = self.put_parts(&mark, value)?;
        let Some(before) = self.write(key, value, expected, &mark, parts)? else {
            self.remove_parts(&mark, parts);
            return Ok(None);
        };
        self.remove_parts(&before.mark, before.parts);
        Ok(Some(expected + 1))
    }

    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError> {
        let mut keys = Vec::new();
        let mut from = after.to_owned();
        while keys.len() < limit {
            let (items, more) = self.page(prefix, &from, limit - keys.len(), Some("sk"))?;
            let Some((last, _)) = items.last() else { break };
            from.clone_from(last);
            keys.extend(items.into_iter().map(|(key, _)| key));
            if !more {
                break;
            }
        }
        Ok(keys)
    }

    fn values(
        &mut self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, ShelfError> {
        // One page, as DynamoDB gives it: 1 MB.
        let (items, _) = self.page(prefix, after, limit, None)?;
        let mut values = Vec::with_capacity(items.len());
        for (key, item) in items {
            let head = Head::of(&item);
            if head.parts == 0 {
                values.push((key, Stored { version: head.version, value: head.bytes }));
            } else if let Some(stored) = self.get(&key)? {
                values.push((key, stored));
            }
        }
        Ok(values)
    }
}

/// What stands under a key.
#[derive(Debug, Default)]
struct Head {
    version: u64,
    mark: String,
    parts: usize,
    bytes: Vec<u8>,
}

impl Head {
    fn of(item: &Value) -> Self {
        Self {
            version: text(item, "/v/N").parse().unwrap_or(0),
            mark: text(item, "/n/S"),
            parts: text(item, "/p/N").parse().unwrap_or(0),
            bytes: bytes(item),
        }
    }
}

fn text(item: &Value, pointer: &str) -> String {
    item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn bytes(item: &Value) -> Vec<u8> {
    BASE64.decode(text(item, "/d/B")).unwrap_or_default()
}

fn part_key(mark: &str, nth: usize) -> Value {
    json!({"pk": {"S": format!("{PART}{mark}")}, "sk": {"S": format!("{nth:06}")}})
}

/// That this version is there; 0: that nothing is.
fn condition(expected: u64) -> Value {
    match expected {
        0 => json!({"ConditionExpression": "attribute_not_exists(pk)"}),
        expected => json!({
            "ConditionExpression": "v = :v",
            "ExpressionAttributeValues": {":v": {"N": expected.to_string()}},
        }),
    }
}

/// A name that no other write has.
fn mark() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

fn failed(fault: Fault) -> ShelfError {
    let hint = fault.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
    let message = format!("{}{hint}", fault.message);
    if fault.kind.passes() { ShelfError::passes(message) } else { ShelfError::stays(message) }
}
