//! An account of its own in moto for each test, with an engine that looks after it.

mod events;
mod identities;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use stockade_aws::{Access, Aws, Call};
use stockade_core::Timestamp;
use stockade_repair::{
    Api, ApiCall, AwsApi, Engine, Heard, Item, Member, MemoryShelf, ModeRule, Modes, Outcome, Own, Place,
    Recorder, Run, Scope, Settings, Shelf, Time,
};
use stockade_testkit::fault_proxy::FaultProxy;

pub(crate) use identities::QUARANTINE;

pub(crate) const REGION: &str = "eu-central-1";

/// Time that the test turns, and that passes while the engine sleeps.
#[derive(Clone, Debug)]
pub(crate) struct HandTime {
    now: Arc<Mutex<Timestamp>>,
    pub(crate) slept: Arc<Mutex<Vec<Duration>>>,
}

impl HandTime {
    pub(crate) fn pass(&self, span: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.plus(span);
    }
}

impl Time for HandTime {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, span: Duration) {
        self.slept.lock().unwrap().push(span);
        self.pass(span);
    }
}

/// An account with an engine.
pub(crate) struct World {
    pub(crate) place: Place,
    /// Between the engine and moto.
    pub(crate) proxy: FaultProxy,
    pub(crate) time: HandTime,
    pub(crate) shelf: MemoryShelf,
    pub(crate) settings: Settings,
    /// The only playbook that its engines have, if not all.
    pub(crate) only: Option<String>,
    /// Calls of engines before this one, and those that were taken from the tape.
    heard: Vec<String>,
    /// Every call of the engine.
    pub(crate) tape: Arc<Mutex<Vec<Heard>>>,
    pub(crate) engine: Engine,
    /// Straight to moto: what an administrator or an attacker does.
    admin: AwsApi,
    /// Clients through the proxy, and past it.
    through: Aws,
    straight: Aws,
    session: Option<Aws>,
    /// The bucket of this world's trails.
    shared: Option<String>,
    events: u32,
}

impl World {
    /// An account of its own, in which every playbook may do what the catalogue says. None, after a line that says so, where no
    /// moto runs.
    pub(crate) fn new() -> Option<Self> {
        let settings = Settings {
            modes: Modes { trial: Duration::ZERO, ..Modes::default() },
            own: Own { regions: vec![REGION.to_owned()], ..Own::default() },
            regions: vec![REGION.to_owned()],
            ..Settings::default()
        };
        Self::with(settings)
    }

    pub(crate) fn with(mut settings: Settings) -> Option<Self> {
        let Some(url) = std::env::var("STOCKADE_TEST_MOTO").ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: no moto: eval \"$(dev/emulators start)\" starts one");
            return None;
        };
        let place = Place::new(&account(), REGION);
        settings.accounts = vec![place.account.clone()];
        let proxy = FaultProxy::before(&url);
        let time = HandTime { now: Arc::new(Mutex::new(at(0))), slept: Arc::default() };
        let shelf = MemoryShelf::default();
        let (through, straight) = (aws(proxy.url()), aws(&url));
        let (engine, tape) = engine(&through, &place, &shelf, &time, &settings);
        let admin = AwsApi::new(straight.clone(), vec![member(&place.account)]);
        Some(Self {
            place,
            proxy,
            time,
            shelf,
            settings,
            tape,
            engine,
            admin,
            through,
            straight,
            session: None,
            shared: None,
            events: 0,
            only: None,
            heard: Vec::new(),
        })
    }

    /// Another engine on the same shelf: a second function, or the next life of the first.
    pub(crate) fn another(&self) -> Engine {
        engine(&self.through, &self.place, &self.shelf, &self.time, &self.settings).0
    }

    /// An engine on another shelf, and its calls.
    pub(crate) fn on(&self, shelf: Box<dyn Shelf>) -> (Engine, Arc<Mutex<Vec<Heard>>>) {
        let api = Recorder::around(AwsApi::new(self.through.clone(), vec![member(&self.place.account)]));
        let tape = api.tape();
        let time = Box::new(self.time.clone());
        (Engine::new(Box::new(api), shelf, time, REGION, self.settings.clone()), tape)
    }

    /// The same with something between it and AWS.
    pub(crate) fn with_api(&self, around: impl FnOnce(AwsApi) -> Box<dyn Api + Send>) -> Engine {
        let api = around(AwsApi::new(self.through.clone(), vec![member(&self.place.account)]));
        let (shelf, time) = (Box::new(self.shelf.clone()), Box::new(self.time.clone()));
        Engine::new(api, shelf, time, REGION, self.settings.clone())
    }

    /// The same with other settings.
    pub(crate) fn reset(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        self.heard = self.everything().into_iter().collect();
        let (engine, tape) = engine(&self.through, &self.place, &self.shelf, &self.time, &self.settings);
        (self.engine, self.tape) = (self.narrowed(engine), tape);
    }

    pub(crate) fn mode(&mut self, mode: stockade_repair::Mode) {
        let rule = ModeRule { playbook: None, account: None, region: None, mode };
        self.reset(|settings| settings.modes.rules = vec![rule]);
    }

    /// What somebody else does.
    pub(crate) fn admin(&mut self, service: &str, operation: &str, parameters: Value) -> Value {
        self.admin_in(REGION, service, operation, parameters)
    }

    pub(crate) fn admin_in(
        &mut self,
        region: &str,
        service: &str,
        operation: &str,
        parameters: Value,
    ) -> Value {
        let place = Place::new(&self.place.account, region);
        let call = ApiCall::new(&place, service, operation, parameters);
        self.admin.call(&call).unwrap_or_else(|fault| panic!("{}: {fault}", call.name())).body
    }

    /// The same where it may be refused.
    pub(crate) fn ask(
        &mut self,
        service: &str,
        operation: &str,
        parameters: Value,
    ) -> Result<Value, stockade_repair::ApiFault> {
        let call = ApiCall::new(&self.place.clone(), service, operation, parameters);
        self.admin.call(&call).map(|answer| answer.body)
    }

    /// A request as it goes over the wire: for what the engine never asks.
    pub(crate) fn raw(&mut self, call: &Call) {
        let aws = self.session();
        aws.block_on(aws.call(call)).unwrap();
    }

    /// The administrator's own clients.
    fn session(&mut self) -> Aws {
        if let Some(session) = &self.session {
            return session.clone();
        }
        let credentials = self.credentials();
        let session = self.straight.with_credentials(credentials);
        self.session = Some(session.clone());
        session
    }

    /// The engine speaks by a role that others have too; returns the role.
    pub(crate) fn share_the_role(&mut self) -> String {
        let credentials = self.credentials();
        self.through = self.through.with_credentials(credentials);
        self.reset(|_| {});
        member(&self.place.account).role
    }

    fn credentials(&mut self) -> aws_credential_types::Credentials {
        let place = Place::new("", REGION);
        let role = member(&self.place.account).role;
        let assume =
            ApiCall::new(&place, "sts", "AssumeRole", json!({"RoleArn": role, "RoleSessionName": "admin"}));
        let answer = self.admin.call(&assume).unwrap().body;
        let of = |name: &str| answer["Credentials"][name].as_str().unwrap().to_owned();
        aws_credential_types::Credentials::new(
            of("AccessKeyId"),
            of("SecretAccessKey"),
            Some(of("SessionToken")),
            None,
            "test",
        )
    }

    /// A bucket that CloudTrail may write to.
    pub(crate) fn bucket(&mut self) -> String {
        let name = unique("logs");
        let make = Call::rest("make".into(), "s3", "PUT", format!("/{name}")).with_body(
            "application/xml",
            format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>\
                 {REGION}</LocationConstraint></CreateBucketConfiguration>"
            )
            .into_bytes(),
        );
        self.raw(&make);
        self.bucket_policy(&name, &["s3:GetBucketAcl", "s3:PutObject"]);
        name
    }

    pub(crate) fn bucket_policy(&mut self, bucket: &str, actions: &[&str]) {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": actions,
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")]}]});
        let mut put = Call::rest("put".into(), "s3", "PUT", format!("/{bucket}"))
            .with_body("application/json", policy.to_string().into_bytes());
        put.query = vec![("policy".into(), String::new())];
        self.raw(&put);
    }

    /// A trail that logs; its ARN.
    pub(crate) fn trail(&mut self, name: &str) -> String {
        self.trail_with(name, &json!({}))
    }

    /// The same with more parameters.
    pub(crate) fn trail_with(&mut self, name: &str, more: &Value) -> String {
        let bucket = match &self.shared {
            Some(bucket) => bucket.clone(),
            None => self.bucket(),
        };
        self.shared = Some(bucket.clone());
        let mut parameters = json!({"Name": name, "S3BucketName": bucket});
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.admin("cloudtrail", "CreateTrail", parameters);
        let arn = made["TrailARN"].as_str().unwrap().to_owned();
        self.admin("cloudtrail", "StartLogging", json!({"Name": arn}));
        arn
    }

    pub(crate) fn is_logging(&mut self, trail: &str) -> bool {
        self.admin("cloudtrail", "GetTrailStatus", json!({"Name": trail}))["IsLogging"] == true
    }

    /// All of a trail, as moto tells it.
    pub(crate) fn whole(&mut self, trail: &str) -> Option<Value> {
        let all = self.admin("cloudtrail", "DescribeTrails", json!({"includeShadowTrails": false}));
        let described = all["trailList"].as_array()?.iter().find(|one| one["TrailARN"] == trail)?.clone();
        let mut selectors = self.admin("cloudtrail", "GetEventSelectors", json!({"TrailName": trail}));
        selectors["TrailARN"].take();
        let insights = self.admin("cloudtrail", "GetInsightSelectors", json!({"TrailName": trail}));
        let tags = self.admin("cloudtrail", "ListTags", json!({"ResourceIdList": [trail]}));
        Some(json!({
            "trail": described, "selectors": selectors, "insights": insights["InsightSelectors"],
            "tags": tags["ResourceTagList"][0]["TagsList"], "logs": self.is_logging(trail),
        }))
    }

    /// The engine follows an event.
    pub(crate) fn follow(&mut self, playbook: &str, event: &Value) -> Run {
        self.engine.event(playbook, event.to_string().as_bytes()).unwrap()
    }

    pub(crate) fn reconcile(&mut self) -> Run {
        self.engine.reconcile(&Scope::default()).unwrap()
    }

    /// The calls of the engine since the last time, as `service:Operation`, without repeats.
    pub(crate) fn calls(&mut self) -> Vec<String> {
        self.heard = self.everything().into_iter().collect();
        let mut calls: Vec<String> =
            std::mem::take(&mut *self.tape.lock().unwrap()).iter().map(|heard| heard.call.name()).collect();
        calls.dedup();
        calls
    }

    /// All calls of all engines of this world.
    pub(crate) fn everything(&self) -> std::collections::BTreeSet<String> {
        let tape = self.tape.lock().unwrap();
        self.heard.iter().cloned().chain(tape.iter().map(|heard| heard.call.name())).collect()
    }

    fn narrowed(&self, engine: Engine) -> Engine {
        let Some(id) = &self.only else { return engine };
        let only = stockade_repair::CATALOGUE.iter().find(|playbook| playbook.about().id == id).unwrap();
        engine.with_playbooks(vec![*only])
    }

    /// Those that change something.
    pub(crate) fn writes(&mut self) -> Vec<Heard> {
        self.heard = self.everything().into_iter().collect();
        let reads = ["Describe", "Get", "List", "Head"];
        let mut all = std::mem::take(&mut *self.tape.lock().unwrap());
        all.retain(|heard| !reads.iter().any(|read| heard.call.operation.starts_with(read)));
        all
    }

    /// The record is whole; the kinds of its lines about a repair.
    pub(crate) fn kinds(&mut self, id: &str) -> Vec<String> {
        self.engine.verify_record().unwrap().unwrap();
        self.engine.show(id).unwrap().into_iter().map(|entry| entry.kind).collect()
    }
}

fn engine(
    aws: &Aws,
    place: &Place,
    shelf: &MemoryShelf,
    time: &HandTime,
    settings: &Settings,
) -> (Engine, Arc<Mutex<Vec<Heard>>>) {
    let api = Recorder::around(AwsApi::new(aws.clone(), vec![member(&place.account)]));
    let tape = api.tape();
    let (shelf, time) = (Box::new(shelf.clone()), Box::new(time.clone()));
    (Engine::new(Box::new(api), shelf, time, REGION, settings.clone()), tape)
}

fn member(account: &str) -> Member {
    Member {
        account: account.to_owned(),
        role: format!("arn:aws:iam::{account}:role/stockade-guard"),
        external_id: Some("the-id".to_owned()),
    }
}

fn aws(url: &str) -> Aws {
    static CREDENTIALS: Once = Once::new();
    CREDENTIALS.call_once(|| {
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            if std::env::var_os(name).is_none() {
                // SAFETY: once, before the first client is made; until then no thread of this test reads the
                // environment but by `std`, which locks it.
                unsafe { std::env::set_var(name, "test") };
            }
        }
    });
    Aws::new(&Access { region: Some(REGION.to_owned()), endpoint: Some(url.to_owned()) }).unwrap()
}

/// A time of the tests.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + secs)
}

/// Twelve digits that no other test has.
fn account() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let nth = u128::from(count());
    let mixed =
        now.wrapping_mul(1_000_003).wrapping_add(nth * 7919 + u128::from(std::process::id()) * 104_729);
    format!("{:012}", 100_000_000_000 + mixed % 899_999_999_999)
}

pub(crate) fn unique(what: &str) -> String {
    format!("{what}-{}-{}", account(), count())
}

fn count() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// The only item that is not good.
pub(crate) fn notable(run: &Run) -> &Item {
    let notable: Vec<&Item> = run.notable().collect();
    assert_eq!(notable.len(), 1, "{run:#?}");
    notable[0]
}

pub(crate) fn is_verified(item: &Item) -> bool {
    matches!(item.outcome, Outcome::Repaired { verified: true, .. })
}
