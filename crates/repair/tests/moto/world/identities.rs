//! Users, keys and roles, and what AWS says about them.

use serde_json::{Value, json};

use super::{World, unique};

/// What AWS attaches to a user whose key it found.
pub(crate) const QUARANTINE: &str = "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3";

impl World {
    /// A user with one key; its name and the key's id.
    pub(crate) fn user(&mut self, name: &str) -> (String, String) {
        let name = unique(name);
        self.admin("iam", "CreateUser", json!({"UserName": name}));
        let key = self.access_key(&name);
        (name, key)
    }

    pub(crate) fn access_key(&mut self, user: &str) -> String {
        let made = self.admin("iam", "CreateAccessKey", json!({"UserName": user}));
        made["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned()
    }

    pub(crate) fn role(&mut self, name: &str, path: &str) -> String {
        let name = unique(name);
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
        let role = json!({"RoleName": name, "Path": path, "AssumeRolePolicyDocument": trust.to_string()});
        self.admin("iam", "CreateRole", role);
        name
    }

    /// Whether a key works.
    pub(crate) fn is_active(&mut self, user: &str, key: &str) -> bool {
        let keys = self.admin("iam", "ListAccessKeys", json!({"UserName": user}));
        let keys = keys["AccessKeyMetadata"].as_array().unwrap();
        keys.iter().find(|one| one["AccessKeyId"] == key).unwrap()["Status"] == "Active"
    }

    /// The policies of AWS's and others that a user has.
    pub(crate) fn policies(&mut self, user: &str) -> Vec<String> {
        let attached = self.admin("iam", "ListAttachedUserPolicies", json!({"UserName": user}));
        arns(&attached)
    }

    pub(crate) fn role_policies(&mut self, role: &str) -> Vec<String> {
        let attached = self.admin("iam", "ListAttachedRolePolicies", json!({"RoleName": role}));
        arns(&attached)
    }

    /// AWS Health found keys in public.
    pub(crate) fn health(&mut self, entities: &[&str]) -> Value {
        let mut event = self.config_event("x");
        let entities: Vec<Value> = entities.iter().map(|one| json!({"entityValue": one})).collect();
        event["source"] = json!("aws.health");
        event["region"] = json!("us-east-1");
        event["detail-type"] = json!("AWS Health Event");
        event["detail"] = json!({"service": "RISK", "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "affectedEntities": entities});
        event
    }

    /// GuardDuty found credentials used from elsewhere.
    pub(crate) fn guardduty(&mut self, sort: &str, name: &str, key: &str) -> Value {
        let mut event = self.config_event("x");
        event["source"] = json!("aws.guardduty");
        event["detail-type"] = json!("GuardDuty Finding");
        event["detail"] = json!({"type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
            "id": event["id"], "updatedAt": event["time"], "service": {"archived": false},
            "resource": {"accessKeyDetails": {"userType": sort, "userName": name, "accessKeyId": key}}});
        event
    }

    pub(crate) fn quarantined(&mut self, user: &str) -> Value {
        self.admin("iam", "AttachUserPolicy", json!({"UserName": user, "PolicyArn": QUARANTINE}));
        self.event_of("iam", "AttachUserPolicy", json!({"userName": user, "policyArn": QUARANTINE}))
    }

    pub(crate) fn arn(&self, what: &str) -> String {
        format!("arn:aws:iam::{}:{what}", self.place.account)
    }
}

fn arns(attached: &Value) -> Vec<String> {
    let policies = attached["AttachedPolicies"].as_array().cloned().unwrap_or_default();
    policies.iter().map(|policy| policy["PolicyArn"].as_str().unwrap().to_owned()).collect()
}
