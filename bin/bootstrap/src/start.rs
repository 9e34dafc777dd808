//! Makes the function: role, configuration, clients.

use std::sync::Arc;
use std::time::SystemTime;

use stockade_aws::{Access, Aws, Call};
use stockade_core::Timestamp;
use stockade_core::ports::Clock;
use stockade_runtime::functions::home::Home;
use stockade_runtime::functions::{
    Announcers, Function, Parts, PutSnapshot, Role, Setup, SetupError, Tables, Tellers,
};

/// The handler's name, which Lambda sets.
const HANDLER: &str = "_HANDLER";
/// Set to `1`: nothing is written and nobody is told.
const DRY_RUN: &str = "STOCKADE_DRY_RUN";

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A function that is ready for its first invocation.
pub(crate) async fn function() -> Result<Function, SetupError> {
    let env = |name: &str| std::env::var(name).ok();
    let handler = env(HANDLER).unwrap_or_default();
    let role = Role::parse(&handler).ok_or(SetupError::Handler(handler))?;
    let home = Home::find(&env)?;
    let early = if home.is_remote() { Some(aws(&Access::default()).await?) } else { None };
    let config = home.load(early.as_ref(), &env, role).await?;
    let program = config.program.clone();
    let rehearses = env(DRY_RUN).is_some_and(|flag| flag == "1");
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let access = Access { region: some(&program.aws.region), endpoint: some(&program.aws.endpoint) };
    let aws = match early {
        _ if rehearses => None,
        Some(early) if access == Access::default() => Some(early),
        _ => Some(aws(&access).await?),
    };
    // Some of them bring a thread that drives their requests, which must not begin on this one.
    let account = aws.clone();
    let open = move || (account.map(|aws| Tellers::new(&config, &aws)).unwrap_or_default(), config);
    let opened = tokio::task::spawn_blocking(open).await;
    let (tellers, config) = opened.map_err(|error| SetupError::Aws(error.to_string()))?;
    let setup = Setup::new(config, role, |warning| tracing::warn!("{warning}"))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Some(aws) = aws else {
        tracing::warn!("dry run: nothing is written, nobody is told");
        return Ok(Function::new(role, setup, Parts::rehearsal(clock)));
    };
    let parts = Parts {
        ledger: Box::new(Tables::new(&aws, &setup, program.retention.bans)),
        announcer: Box::new(Announcers::new(&aws, &program)),
        tellers,
        aws: Some(aws.clone()),
        clock,
        snapshot: snapshot(&aws, &program.aws.snapshot),
    };
    Ok(Function::new(role, setup, parts))
}

async fn aws(access: &Access) -> Result<Aws, SetupError> {
    Aws::in_runtime(access).await.map_err(|fault| {
        let hint = fault.hint.as_ref().map(|hint| format!(": {hint}")).unwrap_or_default();
        SetupError::Aws(format!("{}{hint}", fault.message))
    })
}

/// Puts the snapshot to `s3://bucket/key`.
fn snapshot(aws: &Aws, place: &str) -> Option<PutSnapshot> {
    let (bucket, key) = place.strip_prefix("s3://")?.split_once('/')?;
    let (aws, tried) = (aws.clone(), format!("write `{place}`"));
    let path = format!("/{bucket}/{key}");
    Some(Box::new(move |packed| {
        let call = Call::rest(tried.clone(), "s3", "PUT", path.clone())
            .with_body(stockade_aws::wire::snapshot::CONTENT_TYPE, packed);
        aws.block_on(aws.call(&call)).map(drop).map_err(|fault| fault.message)
    }))
}
