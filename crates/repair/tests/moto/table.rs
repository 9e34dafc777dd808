//! A table of DynamoDB in an emulator.

use serde_json::json;
use stockade_aws::{Access, Aws, Call};
use stockade_repair::DynamoShelf;
use stockade_testkit::emulator::{Emulator, unique};

pub(crate) struct Table {
    endpoint: String,
    aws: Aws,
    name: String,
}

#[allow(dead_code, reason = "each test program uses a part of this")]
impl Table {
    /// A new one in MiniStack; none, after a line that says so, where it does not run.
    pub(crate) fn new() -> Option<Self> {
        Emulator::ministack().map(|emulator| Self::at(emulator.endpoint()))
    }

    /// A new one at this emulator.
    pub(crate) fn at(endpoint: &str) -> Self {
        let name = unique("shelf");
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let body = json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
            "AttributeDefinitions": [text("pk"), text("sk")],
        });
        let call = Call::json("create a table".into(), "dynamodb", "DynamoDB_20120810.CreateTable", &body);
        let aws = aws(endpoint);
        aws.block_on(aws.call(&call)).unwrap();
        Self { endpoint: endpoint.to_owned(), aws, name }
    }

    pub(crate) fn another(&self) -> Self {
        Self::at(&self.endpoint)
    }

    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    pub(crate) fn shelf(&self) -> DynamoShelf {
        DynamoShelf::new(&self.aws, &self.name)
    }

    /// The same by way of another address.
    pub(crate) fn through(&self, endpoint: &str) -> DynamoShelf {
        DynamoShelf::new(&aws(endpoint), &self.name)
    }
}

/// With whatever credentials the emulators' variables give.
fn aws(endpoint: &str) -> Aws {
    let (region, endpoint) = (Some("eu-central-1".to_owned()), Some(endpoint.to_owned()));
    Aws::new(&Access { region, endpoint }).unwrap()
}
