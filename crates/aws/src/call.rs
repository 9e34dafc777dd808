//! One signed request to a service that has no SDK here.

use serde_json::Value;

/// A request. It is signed with the credentials of the moment and sent, up to four times.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it does, for errors: ``read the object `a/b` ``.
    pub tried: String,
    /// The name of the service in signatures and addresses: `s3`, `lambda`, `ssm`.
    pub service: &'static str,
    /// `GET`, `POST`, `PUT`, `DELETE`.
    pub method: &'static str,
    /// The path, not yet percent-encoded, with its first slash.
    pub path: String,
    /// The query's names and values, not yet percent-encoded.
    pub query: Vec<(String, String)>,
    /// Headers beyond those of the signature; names in small letters.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The bucket that the path begins with: its name stands in the address instead, as S3 wants it, where that is possible.
    pub bucket: Option<String>,
    /// What stands in the address in place of the service's name, such as `111122223333.s3-control`: some services have one
    /// for each account.
    pub host: Option<String>,
    /// The longest answer, in bytes, at most [`Call::MAX_REPLY_BYTES`]; a longer one is a fault with the code
    /// [`Call::TOO_LONG`].
    pub max_reply_bytes: usize,
}

/// An answer that is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status, 200 to 399.
    pub status: u16,
    /// The entity tag, where there is one.
    pub etag: Option<String>,
    /// The service's own number of the request, by which CloudTrail and its support know it.
    pub request_id: Option<Box<str>>,
    /// Where S3 says that the bucket is, such as `eu-west-1`.
    pub bucket_region: Option<Box<str>>,
    /// The body, at most [`Call::MAX_REPLY_BYTES`].
    pub body: Vec<u8>,
}

impl Call {
    /// A longer answer is an error.
    pub const MAX_REPLY_BYTES: usize = 64 << 20;

    /// The code of the fault that an answer is too long.
    pub const TOO_LONG: &str = "AnswerTooLong";

    /// A request of a REST service.
    pub fn rest(tried: String, service: &'static str, method: &'static str, path: String) -> Self {
        Self {
            tried,
            service,
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            bucket: None,
            host: None,
            max_reply_bytes: Self::MAX_REPLY_BYTES,
        }
    }

    /// A request of a service that speaks JSON 1.1: SSM, CloudTrail, Config, Logs, WAFv2. `target` is the value of
    /// `X-Amz-Target`, such as `AmazonSSM.GetParameter`.
    pub fn json(tried: String, service: &'static str, target: &str, body: &Value) -> Self {
        Self {
            headers: vec![
                ("content-type", "application/x-amz-json-1.1".to_owned()),
                ("x-amz-target", target.to_owned()),
            ],
            body: body.to_string().into_bytes(),
            ..Self::rest(tried, service, "POST", "/".into())
        }
    }

    /// A request of a service that speaks Query and answers XML: EC2, IAM, STS.
    pub fn query(
        tried: String,
        service: &'static str,
        action: &str,
        version: &str,
        parameters: &[(&str, &str)],
    ) -> Self {
        let mut body = String::new();
        for (name, value) in [("Action", action), ("Version", version)].iter().chain(parameters) {
            if !body.is_empty() {
                body.push('&');
            }
            body.extend(encoded(name));
            body.push('=');
            body.extend(encoded(value));
        }
        Self {
            headers: vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned())],
            body: body.into_bytes(),
            ..Self::rest(tried, service, "POST", "/".into())
        }
    }

    /// The same with a body.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.headers.push(("content-type", content_type.to_owned()));
        self.body = body;
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The address, percent-encoded once. With an endpoint of its own (an emulator) every service lives there.
    pub(crate) fn uri(&self, endpoint: Option<&str>, region: &str) -> String {
        // A name with dots has no certificate.
        let hosted = self.bucket.as_deref().filter(|bucket| endpoint.is_none() && !bucket.contains('.'));
        let path = hosted.and_then(|bucket| self.path.strip_prefix('/')?.strip_prefix(bucket));
        let mut uri = match endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => {
                let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                match self.service {
                    // One address for the whole partition.
                    "iam" => format!("https://iam.{suffix}"),
                    service => {
                        let host = path.and(hosted).map(|bucket| format!("{bucket}.")).unwrap_or_default();
                        let service = self.host.as_deref().unwrap_or(service);
                        format!("https://{host}{service}.{region}.{suffix}")
                    }
                }
            }
        };
        for (nth, part) in path.unwrap_or(&self.path).split('/').enumerate() {
            if nth > 0 {
                uri.push('/');
            }
            uri.extend(encoded(part));
        }
        for (nth, (name, value)) in self.query.iter().enumerate() {
            uri.push(if nth == 0 { '?' } else { '&' });
            uri.extend(encoded(name));
            uri.push('=');
            uri.extend(encoded(value));
        }
        uri
    }
}

/// Percent-encoded as signatures want it: everything but letters, digits and `-_.~`.
fn encoded(text: &str) -> percent_encoding::PercentEncode<'_> {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_encoded_once() {
        let mut call = Call::rest("read".into(), "s3", "GET", "/bucket/a b/c%d.json".into());
        call.query = vec![("x y".into(), "1&2".into())];
        assert_eq!(
            call.uri(None, "eu-central-1"),
            "https://s3.eu-central-1.amazonaws.com/bucket/a%20b/c%25d.json?x%20y=1%262"
        );
        assert_eq!(
            call.uri(Some("http://127.0.0.1:4566/"), "eu-central-1"),
            "http://127.0.0.1:4566/bucket/a%20b/c%25d.json?x%20y=1%262"
        );
    }

    #[test]
    fn a_bucket_stands_in_the_address_where_it_can() {
        let of = |bucket: &str, endpoint: Option<&str>| {
            let mut call = Call::rest("read".into(), "s3", "GET", format!("/{bucket}/a//b c"));
            call.bucket = Some(bucket.into());
            call.uri(endpoint, "eu-west-1")
        };
        assert_eq!(of("trail", None), "https://trail.s3.eu-west-1.amazonaws.com/a//b%20c");
        assert_eq!(of("my.trail", None), "https://s3.eu-west-1.amazonaws.com/my.trail/a//b%20c");
        assert_eq!(of("trail", Some("http://127.0.0.1:1")), "http://127.0.0.1:1/trail/a//b%20c");
    }

    #[test]
    fn partitions_and_global_services_have_their_own_names() {
        let ssm = Call::json("read".into(), "ssm", "AmazonSSM.GetParameter", &Value::Null);
        assert_eq!(ssm.uri(None, "cn-north-1"), "https://ssm.cn-north-1.amazonaws.com.cn/");
        let iam = Call::query("ask".into(), "iam", "GetUser", "2010-05-08", &[("A", "b c")]);
        assert_eq!(iam.uri(None, "eu-west-1"), "https://iam.amazonaws.com/");
        let mut account = Call::rest("read".into(), "s3", "GET", "/v20180820/x".into());
        account.host = Some("111122223333.s3-control".into());
        assert_eq!(
            account.uri(None, "eu-west-1"),
            "https://111122223333.s3-control.eu-west-1.amazonaws.com/v20180820/x"
        );
        assert_eq!(account.uri(Some("http://127.0.0.1:1"), "eu-west-1"), "http://127.0.0.1:1/v20180820/x");
        assert_eq!(iam.body, b"Action=GetUser&Version=2010-05-08&A=b%20c");
    }
}
