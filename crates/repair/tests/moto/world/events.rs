//! Events as EventBridge brings them; the emulator sends none.

use serde_json::{Value, json};
use stockade_core::Timestamp;
use stockade_repair::Time as _;

use super::{REGION, World};

impl World {
    /// An event of CloudTrail's about a call of CloudTrail's; each with an id of its own.
    pub(crate) fn event(&mut self, operation: &str, parameters: Value) -> Value {
        self.event_of("cloudtrail", operation, parameters)
    }

    /// The same about a call of another service.
    pub(crate) fn event_of(&mut self, service: &str, operation: &str, parameters: Value) -> Value {
        self.events += 1;
        let id = format!("{}-{}", self.place.account, self.events);
        let time = record_time(self.time.now());
        json!({
            "version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": format!("aws.{service}"),
            "account": self.place.account, "time": time, "region": REGION, "resources": [],
            "detail": {
                "eventVersion": "1.08", "eventID": id, "eventTime": time, "awsRegion": REGION,
                "eventSource": format!("{service}.amazonaws.com"), "eventName": operation,
                "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{}:user/mallory", self.place.account),
                    "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
                "sourceIPAddress": "192.0.2.44", "userAgent": "aws-cli/2.0", "requestID": format!("r-{id}"),
                "requestParameters": parameters, "responseElements": null,
            },
        })
    }

    /// A rule of AWS Config found something.
    pub(crate) fn config_event(&mut self, rule: &str) -> Value {
        self.events += 1;
        let time = record_time(self.time.now());
        json!({
            "version": "0", "id": format!("c-{}-{}", self.place.account, self.events), "source": "aws.config",
            "detail-type": "Config Rules Compliance Change", "account": self.place.account, "time": time,
            "region": REGION, "resources": [],
            "detail": {
                "resourceId": self.place.account, "awsRegion": REGION, "awsAccountId": self.place.account,
                "configRuleName": rule, "resourceType": "AWS::::Account",
                "messageType": "ComplianceChangeNotification",
                "newEvaluationResult": {"complianceType": "NON_COMPLIANT", "resultRecordedTime": time},
            },
        })
    }
}

/// As CloudTrail writes it: whole seconds.
fn record_time(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).unwrap().to_string()
}
