//! The port over signed calls: roles of other accounts, regions, and where S3 keeps a bucket.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use base64::Engine as _;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use stockade_aws::{Aws, Call, Fault, FaultKind, Reply};

use super::{Api, ApiAnswer, ApiCall, ApiFault, Blame, Place, wire};
use crate::OWN_MARK;

/// Another account, and the role by which it lets us in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its twelve digits.
    pub account: String,
    /// The role to assume there.
    pub role: String,
    /// What the role's trust asks for, so that nobody else makes us use it.
    #[serde(default)]
    pub external_id: Option<String>,
}

/// AWS itself, or an emulator.
#[derive(Debug)]
pub struct AwsApi {
    aws: Aws,
    /// The account of our own credentials, once it was asked.
    own: Option<String>,
    members: Vec<Member>,
    /// Sessions by account and name, with the end of each.
    sessions: HashMap<(String, String), (Aws, SystemTime)>,
    /// Regions of buckets elsewhere.
    buckets: HashMap<String, String>,
}

/// How many calls are on their way at once. CloudTrail allows ten reads a second and account.
const AT_ONCE: usize = 8;
/// How long before its end a session is no longer used.
const MARGIN: Duration = Duration::from_secs(120);
/// How long a session is asked for: as long as any role allows.
const SESSION_SECS: u64 = 3600;
/// More sessions than this are not kept.
const MAX_SESSIONS: usize = 256;
/// The name of sessions that belong to no repair.
const READING: &str = "check";

impl AwsApi {
    /// With our own credentials for our own account, and roles for others.
    pub fn new(aws: Aws, members: Vec<Member>) -> Self {
        Self { aws, own: None, members, sessions: HashMap::new(), buckets: HashMap::new() }
    }

    fn own(&mut self) -> Result<String, ApiFault> {
        if let Some(own) = &self.own {
            return Ok(own.clone());
        }
        let place = Place::new("", self.aws.region());
        let asked = ApiCall::new(&place, "sts", "GetCallerIdentity", json!({}));
        let answer = finish(&asked, self.aws.block_on(send(&self.aws, &asked)))?;
        let own = answer.body.get("Account").and_then(|own| own.as_str()).unwrap_or_default().to_owned();
        self.own = Some(own.clone());
        Ok(own)
    }

    /// Who we are there, in the region.
    fn at(&mut self, call: &ApiCall) -> Result<Aws, ApiFault> {
        let Place { account, region } = &call.place;
        let region = self.bucket_region(call).unwrap_or_else(|| region.clone());
        if account.is_empty() || *account == self.own()? {
            return Ok(self.aws.in_region(&region));
        }
        let session = format!("{OWN_MARK}-{}", call.action.as_deref().unwrap_or(READING));
        let key = (account.clone(), session.clone());
        if let Some((aws, until)) = self.sessions.get(&key)
            && SystemTime::now() + MARGIN < *until
        {
            return Ok(aws.in_region(&region));
        }
        let aws = self.assumed(account, &session)?;
        if self.sessions.len() >= MAX_SESSIONS {
            self.sessions.clear();
        }
        let until = SystemTime::now() + Duration::from_secs(SESSION_SECS);
        self.sessions.insert(key, (aws.clone(), until));
        Ok(aws.in_region(&region))
    }

    fn assumed(&self, account: &str, session: &str) -> Result<Aws, ApiFault> {
        let Some(member) = self.members.iter().find(|member| member.account == account) else {
            let message = format!("cannot work in the account {account}: no role is configured for it");
            return Err(ApiFault::local(Blame::Denied, message));
        };
        let mut parameters = json!({
            "RoleArn": member.role, "RoleSessionName": session, "DurationSeconds": SESSION_SECS,
        });
        if let (Some(id), Some(fields)) = (&member.external_id, parameters.as_object_mut()) {
            fields.insert("ExternalId".to_owned(), json!(id));
        }
        let place = Place::new("", self.aws.region());
        let asked = ApiCall::new(&place, "sts", "AssumeRole", parameters);
        let answer = finish(&asked, self.aws.block_on(send(&self.aws, &asked)))?;
        let text = |name: &str| {
            answer
                .body
                .pointer(&format!("/Credentials/{name}"))
                .and_then(|text| text.as_str())
                .map(str::to_owned)
        };
        let (Some(id), Some(secret)) = (text("AccessKeyId"), text("SecretAccessKey")) else {
            let message = format!("cannot assume {}: the answer holds no credentials", member.role);
            return Err(ApiFault::local(Blame::Unreachable, message));
        };
        let credentials = Credentials::new(id, secret, text("SessionToken"), None, "an assumed role");
        Ok(self.aws.with_credentials(credentials))
    }

    fn bucket_region(&self, call: &ApiCall) -> Option<String> {
        self.buckets.get(bucket(call)?).cloned()
    }

    /// Learns from S3 where a bucket is; whether it is elsewhere than was asked.
    fn learn(&mut self, call: &ApiCall, region: Option<&str>) -> bool {
        let (Some(bucket), Some(region)) = (bucket(call), region) else { return false };
        let asked = self.bucket_region(call).unwrap_or_else(|| call.place.region.clone());
        if region == asked || self.buckets.contains_key(bucket) {
            return false;
        }
        self.buckets.insert(bucket.to_owned(), region.to_owned());
        true
    }
}

impl Api for AwsApi {
    fn call(&mut self, call: &ApiCall) -> Result<ApiAnswer, ApiFault> {
        let aws = self.at(call)?;
        let sent = aws.block_on(send(&aws, call));
        let elsewhere = match &sent {
            Ok(reply) => reply.bucket_region.clone(),
            Err(fault) => fault.bucket_region.clone(),
        };
        if self.learn(call, elsewhere.as_deref()) {
            let aws = self.at(call)?;
            return finish(call, aws.block_on(send(&aws, call)));
        }
        finish(call, sent)
    }

    fn calls(&mut self, calls: &[ApiCall]) -> Vec<Result<ApiAnswer, ApiFault>> {
        let mut answers = Vec::with_capacity(calls.len());
        for some in calls.chunks(AT_ONCE) {
            let ready: Vec<_> = some.iter().map(|call| (call, self.at(call))).collect();
            let sent = ready.iter().map(|(call, aws)| async move {
                match aws {
                    Ok(aws) => finish(call, send(aws, call).await),
                    Err(fault) => Err(fault.clone()),
                }
            });
            answers.extend(self.aws.block_on(join_all(sent)));
        }
        answers
    }
}

fn bucket(call: &ApiCall) -> Option<&str> {
    (call.service == "s3").then(|| call.parameters.get("Bucket")?.as_str()).flatten()
}

async fn send(aws: &Aws, call: &ApiCall) -> Result<Reply, Fault> {
    let tried = format!("call {} in {}", call.name(), call.place);
    let request = match wire::request(call) {
        Ok(request) => request,
        Err(fault) => return Err(Fault::local(FaultKind::Other, fault.message)),
    };
    let mut http = if request.form.is_empty() {
        Call { body: request.body, ..Call::rest(tried, request.host, request.method, request.path) }
    } else {
        let form: Vec<(&str, &str)> =
            request.form.iter().skip(2).map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let version = request.form.get(1).map_or("", |(_, version)| version.as_str());
        Call::query(tried, request.host, &call.operation, version, &form)
    };
    if request.form.is_empty() {
        http.headers = request.headers;
    }
    http.query = request.query;
    http.host = request.address;
    if request.host == "s3" && !http.body.is_empty() {
        // S3 takes some changes only with a sum of their bytes.
        let sum = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&http.body));
        http.headers.push(("x-amz-checksum-sha256", sum));
    }
    http.headers.push(("user-agent", user_agent(call.action.as_deref())));
    let aws = if request.region == call.place.region { aws.clone() } else { aws.in_region(&request.region) };
    aws.call(&http).await
}

/// By this CloudTrail shows which calls are ours, and for which repair.
fn user_agent(action: Option<&str>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match action {
        Some(action) => format!("{OWN_MARK}/{version} action/{action}"),
        None => format!("{OWN_MARK}/{version}"),
    }
}

fn finish(call: &ApiCall, sent: Result<Reply, Fault>) -> Result<ApiAnswer, ApiFault> {
    let reply = sent.map_err(ApiFault::from)?;
    let body = if reply.status >= 300 {
        return Err(ApiFault {
            request_id: reply.request_id.unwrap_or_default().into(),
            ..ApiFault::local(Blame::Other, format!("cannot call {} in {}: moved", call.name(), call.place))
        });
    } else {
        wire::answer(call, &reply.body)?
    };
    Ok(ApiAnswer { body, request_id: reply.request_id.unwrap_or_default().into() })
}

impl From<Fault> for ApiFault {
    fn from(fault: Fault) -> Self {
        let blame = match fault.kind {
            FaultKind::Throttled => Blame::Throttled,
            FaultKind::Unreachable => Blame::Unreachable,
            FaultKind::Conflict => Blame::Conflict,
            FaultKind::Denied => Blame::Denied,
            FaultKind::Missing => Blame::Missing,
            _ if is_missing(&fault.code) => Blame::Missing,
            // A queue's name is free again a minute after it was deleted.
            _ if fault.code.ends_with("DeletedRecently") => Blame::Conflict,
            _ => Blame::Other,
        };
        let request_id = fault.request_id.unwrap_or_default().into();
        Self { blame, code: fault.code, message: fault.message, request_id }
    }
}

/// Services that answer 400 where others say 404.
fn is_missing(code: &str) -> bool {
    code.starts_with("NoSuch") || code.contains("NotFound") || code.contains("NonExistent")
}
