//! A call as an HTTP request, and an answer's bytes as JSON. Pure, so that it is tested without a network.

use serde_json::{Map, Value};

use super::service::{Lists, Service, Wire, service};
use super::{ApiCall, ApiFault, Blame, Place, rest, xml};

/// A request before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The service's name in addresses and signatures.
    pub host: &'static str,
    /// What stands in the address in place of that name, where the account has an address of its own.
    pub address: Option<String>,
    /// For which region it is signed and sent: the call's, or the one that a global service lives in.
    pub region: String,
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The path, not yet percent-encoded.
    pub path: String,
    /// The query, not yet percent-encoded.
    pub query: Vec<(String, String)>,
    /// Headers; names in small letters.
    pub headers: Vec<(&'static str, String)>,
    /// The form of a Query request, not yet encoded.
    pub form: Vec<(String, String)>,
    /// The body of all others.
    pub body: Vec<u8>,
}

/// The request of a call.
///
/// # Errors
/// If this build does not know the service or the operation, or a value cannot be part of a path.
pub fn request(call: &ApiCall) -> Result<Request, ApiFault> {
    let service = known(call)?;
    // The region becomes a part of the address that the signed request goes to.
    let account = if call.place.account.is_empty() { ANY_ACCOUNT } else { &call.place.account };
    if !Place::new(account, &call.place.region).is_valid() {
        let message = format!("cannot call {}: `{}` is no place", call.name(), call.place);
        return Err(ApiFault::local(Blame::Other, message));
    }
    let region = if service.global { first_region(call) } else { call.place.region.clone() };
    let mut request = Request {
        host: service.host,
        address: None,
        region,
        method: "POST",
        path: "/".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        form: Vec::new(),
        body: Vec::new(),
    };
    match &service.wire {
        Wire::Json { target, content_type } => {
            request.headers.push(("content-type", (*content_type).to_owned()));
            request.headers.push(("x-amz-target", format!("{target}.{}", call.operation)));
            request.body = call.parameters.to_string().into_bytes();
        }
        Wire::Query { version, lists } => {
            request.headers.push(("content-type", FORM.to_owned()));
            request.form.push(("Action".to_owned(), call.operation.clone()));
            request.form.push(("Version".to_owned(), (*version).to_owned()));
            flatten("", &call.parameters, lists, &mut request.form);
        }
        Wire::Rest => place_parameters(call, &mut request)?,
    }
    Ok(request)
}

/// What an answer's body says.
///
/// # Errors
/// If it is neither empty nor what the service speaks.
pub fn answer(call: &ApiCall, body: &[u8]) -> Result<Value, ApiFault> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    let unreadable = || {
        let message = format!("cannot read the answer to {} in {}", call.name(), call.place);
        ApiFault::local(Blame::Unreachable, message)
    };
    match known(call)?.wire {
        Wire::Json { .. } => serde_json::from_slice(body).map_err(|_| unreadable()),
        // S3 answers in XML, but for a policy.
        Wire::Rest if !body.trim_ascii_start().starts_with(b"<") => {
            serde_json::from_slice(body).map_err(|_| unreadable())
        }
        Wire::Rest | Wire::Query { .. } => {
            std::str::from_utf8(body).ok().and_then(xml::read).ok_or_else(unreadable)
        }
    }
}

/// Stands for our own account where it is not known yet.
const ANY_ACCOUNT: &str = "000000000000";
const S3_NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
const S3_CONTROL_NAMESPACE: &str = "http://awss3control.amazonaws.com/doc/2018-08-20/";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

fn known(call: &ApiCall) -> Result<&'static Service, ApiFault> {
    service(&call.service).ok_or_else(|| {
        ApiFault::local(Blame::Other, format!("cannot call {}: no such service in this build", call.name()))
    })
}

/// The region for which a partition's global services are signed.
fn first_region(call: &ApiCall) -> String {
    match call.place.partition() {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
    .to_owned()
}

/// A structure as a form's names and values.
fn flatten(name: &str, value: &Value, lists: &Lists, form: &mut Vec<(String, String)>) {
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => form.push((name.to_owned(), value.to_string())),
        Value::String(text) => form.push((name.to_owned(), text.clone())),
        Value::Array(all) => {
            for (nth, value) in all.iter().enumerate() {
                let nth = nth + 1;
                let part = if *lists == Lists::Member { format!("member.{nth}") } else { nth.to_string() };
                flatten(&below(&part), value, lists, form);
            }
        }
        Value::Object(fields) => {
            for (part, value) in fields {
                flatten(&below(part), value, lists, form);
            }
        }
    }
}

fn place_parameters(call: &ApiCall, request: &mut Request) -> Result<(), ApiFault> {
    let Some(route) = rest::find(&call.service, &call.operation) else {
        let message = format!("cannot call {}: no such operation in this build", call.name());
        return Err(ApiFault::local(Blame::Other, message));
    };
    let mut left = call.parameters.as_object().cloned().unwrap_or_default();
    let mut path = String::new();
    for part in route.path.split('/').skip(1) {
        path.push('/');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => path.push_str(part),
            Some(name) => {
                let value = left.remove(name);
                let value = value.as_ref().and_then(Value::as_str).unwrap_or_default();
                // A value is one part of the path, never several, whoever chose it.
                if value.is_empty() || value.contains('/') || value == "." || value == ".." {
                    let message = format!("cannot call {}: `{value}` is no {name}", call.name());
                    return Err(ApiFault::local(Blame::Other, message));
                }
                path.push_str(value);
            }
        }
    }
    for (name, parameter) in route.query {
        match left.remove(*parameter) {
            _ if parameter.is_empty() => request.query.push(((*name).to_owned(), String::new())),
            Some(Value::String(text)) => request.query.push(((*name).to_owned(), text)),
            Some(Value::Null) | None => {}
            Some(value) => request.query.push(((*name).to_owned(), value.to_string())),
        }
    }
    request.method = route.method;
    request.path = path;
    if matches!(call.service.as_str(), "s3" | "s3control") {
        if call.service == "s3control" {
            request.address = Some(format!("{}.s3-control", call.place.account));
            request.headers.push(("x-amz-account-id", call.place.account.clone()));
        }
        // Whoever made a bucket of the name after ours was deleted is refused.
        if let Some(Value::String(owner)) = left.remove("ExpectedBucketOwner") {
            request.headers.push(("x-amz-expected-bucket-owner", owner));
        }
        if route.method == "PUT"
            && let Some((name, value)) = left.into_iter().next()
        {
            request.headers.push(("content-type", "application/xml".to_owned()));
            let namespace = if call.service == "s3" { S3_NAMESPACE } else { S3_CONTROL_NAMESPACE };
            request.body = xml::write(&name, &value, namespace).into_bytes();
        }
    } else if matches!(route.method, "POST" | "PUT") {
        request.headers.push(("content-type", "application/json".to_owned()));
        request.body = Value::Object(left).to_string().into_bytes();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(service: &str, operation: &str, parameters: Value) -> ApiCall {
        ApiCall::new(&Place::new("111122223333", "eu-west-1"), service, operation, parameters)
    }

    #[test]
    fn three_ways_to_say_it() {
        let json = request(&call("cloudtrail", "StartLogging", json!({"Name": "t"}))).unwrap();
        assert_eq!(json.body, br#"{"Name":"t"}"#);
        assert!(json.headers.iter().any(|(_, value)| value.ends_with("CloudTrail_20131101.StartLogging")));

        let iam = request(&call("iam", "GetX", json!({"Names": ["a", "b"], "Deep": {"On": true}}))).unwrap();
        assert_eq!(iam.region, "us-east-1");
        let form: Vec<String> = iam.form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            form,
            ["Action=GetX", "Version=2010-05-08", "Deep.On=true", "Names.member.1=a", "Names.member.2=b"]
        );

        let put = call(
            "lambda",
            "PutFunctionConcurrency",
            json!({"FunctionName": "f", "ReservedConcurrentExecutions": 3}),
        );
        let put = request(&put).unwrap();
        assert_eq!((put.method, put.path.as_str()), ("PUT", "/2017-10-31/functions/f/concurrency"));
        assert_eq!(put.body, br#"{"ReservedConcurrentExecutions":3}"#);

        let policy = request(&call("s3", "GetBucketPolicy", json!({"Bucket": "b"}))).unwrap();
        assert_eq!(policy.query, [("policy".to_owned(), String::new())]);
        assert!(policy.body.is_empty());
    }

    #[test]
    fn s3_speaks_xml_both_ways() {
        let put = json!({"Bucket": "b", "ExpectedBucketOwner": "111122223333",
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "Odd": "<&\">"}});
        let put = request(&call("s3", "PutPublicAccessBlock", put)).unwrap();
        assert_eq!((put.method, put.path.as_str()), ("PUT", "/b"));
        assert_eq!(
            String::from_utf8(put.body).unwrap(),
            "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <BlockPublicAcls>true</BlockPublicAcls><Odd>&lt;&amp;&quot;&gt;</Odd></PublicAccessBlockConfiguration>"
        );
        let owner = ("x-amz-expected-bucket-owner", "111122223333".to_owned());
        assert!(put.headers.contains(&owner));
        let list = b" <ListAllMyBucketsResult><Buckets><Bucket><Name>a</Name></Bucket></Buckets></ListAllMyBucketsResult>";
        let list = answer(&call("s3", "ListBuckets", Value::Null), list).unwrap();
        assert_eq!(list, json!({"Buckets": {"Bucket": {"Name": "a"}}}));
        let account = json!({"PublicAccessBlockConfiguration": {"BlockPublicAcls": true}});
        let account = request(&call("s3control", "PutPublicAccessBlock", account)).unwrap();
        assert_eq!((account.host, account.address.as_deref()), ("s3", Some("111122223333.s3-control")));
        assert!(account.headers.contains(&("x-amz-account-id", "111122223333".to_owned())));
        let policy = answer(&call("s3", "GetBucketPolicy", Value::Null), br#"{"Version": "x"}"#).unwrap();
        assert_eq!(policy, json!({"Version": "x"}));
    }

    #[test]
    fn a_value_never_becomes_another_path() {
        for name in ["../x", "a/b", "", ".", ".."] {
            let refused = request(&call("s3", "HeadBucket", json!({"Bucket": name})));
            assert_eq!(refused.unwrap_err().blame, Blame::Other, "{name}");
        }
    }

    #[test]
    fn a_region_is_never_an_address() {
        for region in
            ["evil.example/", "eu-west-1.evil.example", "", "eu_west_1", "EU-WEST-1", &"a".repeat(33)]
        {
            let call = ApiCall::new(&Place::new("111122223333", region), "cloudtrail", "X", Value::Null);
            assert_eq!(request(&call).unwrap_err().blame, Blame::Other, "{region}");
        }
    }

    #[test]
    fn answers_are_json_whatever_they_were() {
        let empty = answer(&call("cloudtrail", "StartLogging", Value::Null), b"").unwrap();
        assert_eq!(empty, json!({}));
        let sts = b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult>\
                    <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>";
        let sts = answer(&call("sts", "GetCallerIdentity", Value::Null), sts).unwrap();
        assert_eq!(sts, json!({"Account": "1"}));
        assert!(answer(&call("cloudtrail", "X", Value::Null), b"<html>").is_err());
        assert!(request(&call("nothing", "X", Value::Null)).is_err());
    }
}
