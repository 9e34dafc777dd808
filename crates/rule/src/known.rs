//! What is known of every event that a rule matched, whatever its source.

use stockade_core::Timestamp;
use stockade_pattern::Values;

use crate::times;

macro_rules! paths {
    ($($name:ident $path:literal)*) => {
        /// The paths that are read of every event that matched, before those of keys.
        pub(crate) const KNOWN: &[&str] = &[$($path),*];

        /// The place of a path in [`KNOWN`].
        #[derive(Clone, Copy, Debug)]
        enum Path { $($name),* }
    };
}

paths! {
    Id "id"
    Source "source"
    Account "account"
    Time "time"
    Region "region"
    EventId "detail.eventID"
    EventTime "detail.eventTime"
    EventName "detail.eventName"
    ErrorCode "detail.errorCode"
    ErrorMessage "detail.errorMessage"
    Address "detail.sourceIPAddress"
    Agent "detail.userAgent"
    ActorArn "detail.userIdentity.arn"
    ActorType "detail.userIdentity.type"
    ActorName "detail.userIdentity.userName"
    InvokedBy "detail.userIdentity.invokedBy"
    FindingType "detail.type"
    FindingId "detail.id"
    FindingUpdated "detail.updatedAt"
    FindingCount "detail.service.count"
    FindingUser "detail.resource.accessKeyDetails.userName"
    ConfigRule "detail.configRuleName"
    ConfigType "detail.resourceType"
    ConfigResource "detail.resourceId"
    ConfigTime "detail.newEvaluationResult.evaluationResultIdentifier.orderingTimestamp"
    HealthType "detail.eventTypeCode"
    Control "detail.findings.Compliance.SecurityControlId"
}

/// What a match counts against that names neither resource nor principal: places in [`KNOWN`].
pub(crate) const OTHERWISE: [usize; 2] = [Path::Account as usize, Path::Source as usize];

/// What is known of an event.
#[derive(Debug)]
pub(crate) struct Known<'v, 'e> {
    values: &'v Values<'e>,
}

impl<'v, 'e> Known<'v, 'e> {
    /// Takes the values of an event, those of [`KNOWN`] first.
    pub(crate) fn new(values: &'v Values<'e>) -> Self {
        Self { values }
    }

    /// Where it happened: account and region.
    pub(crate) fn place(&self) -> (&'v str, &'v str) {
        (self.account().unwrap_or_default(), self.region().unwrap_or_default())
    }

    pub(crate) fn account(&self) -> Option<&'v str> {
        self.text(Path::Account)
    }

    pub(crate) fn region(&self) -> Option<&'v str> {
        self.text(Path::Region)
    }

    /// Who says so: `aws.guardduty`.
    pub(crate) fn source(&self) -> Option<&'v str> {
        self.text(Path::Source)
    }

    /// Whether AWS itself says so, and not somebody who puts events on a bus: the names of AWS's sources are taken from
    /// nobody else, but for those of its partners. What others write into `detail` proves nothing: who chose the identity
    /// or the time of what he did could make all of it one event, or one of yesterday.
    fn is_of_aws(&self) -> bool {
        self.source().is_some_and(|source| source.starts_with("aws.") && !source.starts_with("aws.partner/"))
    }

    /// When it happened, if the event says so.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        let event_time = self.is_of_aws().then_some(Path::EventTime);
        event_time.into_iter().chain([Path::Time]).find_map(|path| times::parse(self.text(path)?))
    }

    /// What it is called: a call, a rule of Config, a finding, a notice of Health, a control of Security Hub.
    pub(crate) fn name(&self) -> Option<&'v str> {
        let names = [Path::EventName, Path::ConfigRule, Path::FindingType, Path::HealthType, Path::Control];
        names.into_iter().find_map(|path| self.text(path))
    }

    /// Who acted, or was tried: the name, or the principal that has none.
    pub(crate) fn user(&self) -> Option<&'v str> {
        let named = self.text(Path::ActorName).filter(|name| !crate::key::is_hidden(name));
        named.or_else(|| self.text(Path::ActorArn)).or_else(|| self.text(Path::FindingUser))
    }

    /// The principal that acted: its ARN, or what sort of principal it is.
    pub(crate) fn actor(&self) -> Option<&'v str> {
        self.text(Path::ActorArn).or_else(|| self.text(Path::ActorType))
    }

    /// The service that acted for the principal.
    pub(crate) fn invoked_by(&self) -> Option<&'v str> {
        self.text(Path::InvokedBy)
    }

    /// Where the call came from, as CloudTrail says it: an address, or the name of a service.
    pub(crate) fn address(&self) -> Option<&'v str> {
        self.text(Path::Address)
    }

    pub(crate) fn agent(&self) -> Option<&'v str> {
        self.text(Path::Agent)
    }

    /// Why the call failed.
    pub(crate) fn error(&self) -> Option<&'v str> {
        self.text(Path::ErrorCode).or_else(|| self.text(Path::ErrorMessage))
    }

    /// CloudTrail's id of the event.
    pub(crate) fn event_id(&self) -> Option<&'v str> {
        self.text(Path::EventId).filter(|_| self.is_of_aws())
    }

    /// The envelope's id.
    pub(crate) fn envelope_id(&self) -> Option<&'v str> {
        self.text(Path::Id)
    }

    /// GuardDuty's finding, when it was last changed, and how often what it says was seen.
    pub(crate) fn finding(&self) -> Option<(&'v str, &'v str, String)> {
        let seen = self.values.of(Path::FindingCount as usize).first();
        let seen = seen.map(ToString::to_string).unwrap_or_default();
        Some((self.text(Path::FindingId)?, self.text(Path::FindingUpdated)?, seen))
    }

    /// Config's rule, the resource (its type and its id), and when it was judged.
    pub(crate) fn judgement(&self) -> Option<(&'v str, &'v str, &'v str, &'v str)> {
        let kind = self.text(Path::ConfigType).unwrap_or_default();
        let (rule, resource) = (self.text(Path::ConfigRule)?, self.text(Path::ConfigResource)?);
        Some((rule, kind, resource, self.text(Path::ConfigTime)?))
    }

    fn text(&self, path: Path) -> Option<&'v str> {
        self.values.first_str(path as usize).filter(|text| !text.is_empty())
    }
}
