//! Who we are to AWS, and where it is.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use tokio::runtime::{Handle, Runtime};

use crate::fault::{Fault, FaultKind};
use crate::send::Sender;

/// What may be said about AWS; what is not said comes from the environment, the profile or the machine's role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The region, such as `eu-central-1`.
    pub region: Option<String>,
    /// One address for all services in place of AWS's own: an emulator, such as `http://127.0.0.1:4566`.
    pub endpoint: Option<String>,
}

/// AWS as one account and region see it. A clone shares connections and credentials.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    runtime: Under,
    pub(crate) sender: Arc<Sender>,
}

/// What drives the requests.
#[derive(Clone, Debug)]
enum Under {
    /// A runtime of our own, in a program that has none.
    Own(Arc<Runtime>),
    /// The runtime of the program.
    Theirs(Handle),
}

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one try may take; a long poll of a queue lasts 20 s.
const TRY: Duration = Duration::from_secs(25);
/// How long a request may take with all its tries.
const REQUEST: Duration = Duration::from_secs(60);
/// How many times a request is sent before it has failed.
pub(crate) const TRIES: u32 = 4;

impl Aws {
    /// Connects nothing yet; finds the region and where credentials come from. For programs without a tokio runtime.
    ///
    /// # Errors
    /// If no region is known, or the machine gives no thread.
    pub fn new(access: &Access) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("aws")
            .enable_all()
            .build()
            .map_err(|error| {
                Fault::local(FaultKind::Other, format!("cannot start the AWS thread: {error}"))
            })?;
        let config = runtime.block_on(load(access))?;
        Ok(Self::with(config, Under::Own(Arc::new(runtime))))
    }

    /// The same inside a tokio runtime, which drives the requests from then on.
    ///
    /// [`Aws::block_on`] must then be called on a thread that may block: one of `spawn_blocking`.
    ///
    /// # Errors
    /// If no region is known.
    pub async fn in_runtime(access: &Access) -> Result<Self, Fault> {
        let config = load(access).await?;
        Ok(Self::with(config, Under::Theirs(Handle::current())))
    }

    fn with(config: SdkConfig, runtime: Under) -> Self {
        Self { config, runtime, sender: Arc::new(Sender::new()) }
    }

    /// What the SDK's clients are made from.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The region, such as `eu-central-1`.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", Region::as_ref)
    }

    /// The same account in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        Self { config, ..self.clone() }
    }

    /// The same region with other credentials: those of a role that was assumed.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        let provider = SharedCredentialsProvider::new(credentials);
        let config = self.config.to_builder().credentials_provider(provider).build();
        Self { config, ..self.clone() }
    }

    /// Waits for an answer. Not to be called from inside async code.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.runtime {
            Under::Own(runtime) => runtime.block_on(future),
            Under::Theirs(handle) => handle.block_on(future),
        }
    }

    /// The credentials of the moment.
    pub(crate) async fn credentials(&self) -> Result<Credentials, Fault> {
        let denied = |text: String| {
            Fault::local(FaultKind::Denied, format!("cannot find credentials for AWS: {text}"))
        };
        let provider =
            self.config.credentials_provider().ok_or_else(|| denied("none are configured".into()))?;
        provider.provide_credentials().await.map_err(|error| denied(error.to_string()))
    }
}

async fn load(access: &Access) -> Result<SdkConfig, Fault> {
    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(TRY)
        .operation_timeout(REQUEST);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
        .timeout_config(timeouts.build());
    if let Some(region) = &access.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &access.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.load().await;
    if config.region().is_none() {
        return Err(Fault::local(FaultKind::Other, "no AWS region is known".into())
            .hint("set `region` in the table `[aws]` of stockade.toml, or AWS_REGION"));
    }
    Ok(config)
}
