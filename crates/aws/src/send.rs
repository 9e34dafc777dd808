//! Signs calls and sends them.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::Request;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::access::{Aws, TRIES};
use crate::call::{Call, Reply};
use crate::fault::{Fault, FaultKind, chain};

type Bytes = std::io::Cursor<Vec<u8>>;

/// The connections, opened when the first call is sent: a function that sends none never reads the certificates.
#[derive(Debug)]
pub(crate) struct Sender {
    client: std::sync::OnceLock<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
}

/// How long one try may take.
const TRY: Duration = Duration::from_secs(25);
/// How long to wait before the second try; each further wait is twice as long.
const BACKOFF: Duration = Duration::from_millis(100);

impl Sender {
    pub(crate) fn new() -> Self {
        Self { client: std::sync::OnceLock::new() }
    }

    fn client(&self) -> Result<&Client<HttpsConnector<HttpConnector>, Full<Bytes>>, String> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| format!("cannot read this machine's certificates: {error}"))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(self.client.get_or_init(|| Client::builder(TokioExecutor::new()).build(connector)))
    }

    async fn once(&self, request: Request<Full<Bytes>>, max_bytes: usize) -> Result<Answer, Failed> {
        let client = self.client().map_err(Failed::NoAnswer)?;
        let bodiless = request.method() == http::Method::HEAD;
        let reply = within(TRY, async {
            client.request(request).await.map_err(|error| Failed::NoAnswer(chain(&error)))
        });
        let reply = reply.await?;
        let status = reply.status().as_u16();
        let header = |name| reply.headers().get(name).and_then(|text| text.to_str().ok()).map(str::to_owned);
        let (etag, error) = (header("etag"), header("x-amzn-errortype"));
        let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).map(Into::into);
        let bucket_region = header("x-amz-bucket-region").map(String::into_boxed_str);
        let length = header("content-length").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        // Then it is neither read nor asked for again.
        if length > max_bytes as u64 && !bodiless {
            return Err(Failed::TooLong);
        }
        // What is large may take its time: a megabyte a second.
        let body = within(TRY + Duration::from_secs(length >> 20), async {
            let body = Limited::new(reply.into_body(), max_bytes).collect().await;
            body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
                Some(_) => Failed::TooLong,
                None => Failed::NoAnswer(format!("the answer cannot be read: {error}")),
            })
        });
        let body = body.await?.to_bytes().to_vec();
        Ok(Answer { status, etag, request_id, bucket_region, error, body })
    }
}

async fn within<T>(
    patience: Duration,
    exchange: impl Future<Output = Result<T, Failed>>,
) -> Result<T, Failed> {
    tokio::time::timeout(patience, exchange)
        .await
        .unwrap_or_else(|_| Err(Failed::NoAnswer(format!("no answer within {} s", patience.as_secs()))))
}

impl Aws {
    /// Signs a call, sends it and returns the answer. Tries again, with growing waits, what may pass by itself.
    ///
    /// # Errors
    /// What the service answered to the last try, or why there was no answer.
    pub async fn call(&self, call: &Call) -> Result<Reply, Fault> {
        let mut wait = BACKOFF;
        let mut tries = 1;
        loop {
            match self.try_call(call).await {
                Err(fault) if tries < TRIES && fault.kind.passes() && fault.kind != FaultKind::Conflict => {
                    tracing::debug!(%fault, tries, "trying again");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_call(&self, call: &Call) -> Result<Reply, Fault> {
        let credentials = self.credentials().await?;
        let uri = call.uri(self.config().endpoint_url(), self.region());
        let request = signed(call, &uri, self.region(), credentials, SystemTime::now())
            .map_err(|error| Fault::local(FaultKind::Other, format!("cannot {}: {error}", call.tried)))?;
        let max_bytes = call.max_reply_bytes.min(Call::MAX_REPLY_BYTES);
        match self.sender.once(request, max_bytes).await {
            Err(Failed::NoAnswer(why)) => Err(Fault::unreachable(&call.tried, &why)),
            Err(Failed::TooLong) => {
                let message = format!("cannot {}: it is longer than {max_bytes} bytes", call.tried);
                Err(Fault { code: Call::TOO_LONG.to_owned(), ..Fault::local(FaultKind::Other, message) })
            }
            Ok(Answer { status: status @ 200..400, etag, request_id, bucket_region, body, .. }) => {
                Ok(Reply { status, etag, request_id, bucket_region, body })
            }
            Ok(Answer { status, error, request_id, bucket_region, body, .. }) => {
                let (code, text) = error_of(error.as_deref(), &body);
                Err(Fault { request_id, bucket_region, ..Fault::answer(&call.tried, &code, &text, status) })
            }
        }
    }
}

/// The request with its signature, as of `now`.
fn signed(
    call: &Call,
    uri: &str,
    region: &str,
    credentials: Credentials,
    now: SystemTime,
) -> Result<Request<Full<Bytes>>, String> {
    let identity = credentials.into();
    let mut settings = SigningSettings::default();
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    if call.service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(call.service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let signable = SignableRequest::new(call.method, uri, headers, SignableBody::Bytes(&call.body))
        .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
    let mut request = Request::builder().method(call.method).uri(uri);
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    let mut request = request
        .body(Full::new(std::io::Cursor::new(call.body.clone())))
        .map_err(|error| error.to_string())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

/// Why there is no answer.
enum Failed {
    /// None came.
    NoAnswer(String),
    /// It is longer than wanted.
    TooLong,
}

/// An answer as it came.
struct Answer {
    status: u16,
    etag: Option<String>,
    request_id: Option<Box<str>>,
    bucket_region: Option<Box<str>>,
    /// The code of an error where it stands in a header, as REST services have it.
    error: Option<String>,
    body: Vec<u8>,
}

/// The code and the text of an error, in JSON or XML; `header` has the code before a colon.
fn error_of(header: Option<&str>, body: &[u8]) -> (String, String) {
    /// An error's text is for people: more of it helps nobody.
    const MAX_TEXT: usize = 512;
    let text = String::from_utf8_lossy(body.get(..body.len().min(16 << 10)).unwrap_or_default());
    let cut = |text: &str| text.chars().take(MAX_TEXT).collect::<String>();
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) {
        let field = |names: [&str; 3]| {
            names.iter().find_map(|name| json.get(name)?.as_str()).map(cut).unwrap_or_default()
        };
        let code = match header {
            Some(header) => cut(header.split(':').next().unwrap_or_default()),
            None => field(["__type", "Code", "code"]),
        };
        let code = code.rsplit('#').next().unwrap_or_default().to_owned();
        return (code, field(["message", "Message", "errorMessage"]));
    }
    let element = |name: &str| {
        let after = text.split_once(&format!("<{name}>"))?.1;
        Some(cut(after.split_once('<')?.0))
    };
    (element("Code").unwrap_or_default(), element("Message").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS's published example: `GET` of a Lambda-like IAM `ListUsers` on 30 August 2015 with the well-known keys.
    #[test]
    fn signatures_agree_with_the_published_vector() {
        let mut call = Call::rest("list".into(), "iam", "GET", "/".into());
        call.query = vec![("Action".into(), "ListUsers".into()), ("Version".into(), "2010-05-08".into())];
        call.headers = vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".into())];
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            None,
            None,
            "the published example",
        );
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let uri = call.uri(None, "us-east-1");
        let request = signed(&call, &uri, "us-east-1", credentials, now).unwrap();
        assert_eq!(
            request.headers()["authorization"],
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn errors_are_read_in_every_dress() {
        for (body, code, text) in [
            (r#"{"__type":"com.amazonaws.ssm#ParameterNotFound","message":"no"}"#, "ParameterNotFound", "no"),
            ("<Error><Code>NoSuchKey</Code><Message>not there</Message></Error>", "NoSuchKey", "not there"),
            ("<html>", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(error_of(None, body.as_bytes()), (code.to_owned(), text.to_owned()));
        }
        let rest = br#"{"Type":"User","Message":"too fast"}"#;
        let of_header = error_of(Some("TooManyRequestsException:http://internal.amazon.com/"), rest);
        assert_eq!(of_header, ("TooManyRequestsException".to_owned(), "too fast".to_owned()));
    }
}
