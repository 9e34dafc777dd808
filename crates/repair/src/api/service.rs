//! How each service is spoken to. One line each; the services of the whole catalogue are here.

/// A service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Its name in permissions and in [`super::ApiCall::service`].
    pub(crate) name: &'static str,
    /// Its name in addresses and signatures.
    pub(crate) host: &'static str,
    pub(crate) wire: Wire,
    /// Whether it has one address for all regions, signed for the partition's first region.
    pub(crate) global: bool,
}

/// How parameters and answers travel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// One address; the operation is in a header, parameters and answer are JSON.
    Json { target: &'static str, content_type: &'static str },
    /// One address; the operation and the parameters are a form, the answer is XML.
    Query { version: &'static str, lists: Lists },
    /// Path and method say what is meant: [`super::rest`].
    Rest,
}

/// How a list is written into a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// `Names.member.1`.
    Member,
    /// `Name.1`.
    Flat,
}

const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";

const fn json(name: &'static str, target: &'static str, content_type: &'static str) -> Service {
    Service { name, host: name, wire: Wire::Json { target, content_type }, global: false }
}

const fn query(name: &'static str, version: &'static str, lists: Lists) -> Service {
    Service { name, host: name, wire: Wire::Query { version, lists }, global: false }
}

const fn rest(name: &'static str) -> Service {
    Service { name, host: name, wire: Wire::Rest, global: false }
}

/// Source: the `metadata` of each service's model in AWS's SDKs.
const SERVICES: &[Service] = &[
    json("cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", JSON_1_1),
    json("config", "StarlingDoveService", JSON_1_1),
    json("events", "AWSEvents", JSON_1_1),
    json("kms", "TrentService", JSON_1_1),
    json("logs", "Logs_20140328", JSON_1_1),
    json("route53resolver", "Route53Resolver", JSON_1_1),
    json("sqs", "AmazonSQS", JSON_1_0),
    json("wafv2", "AWSWAF_20190729", JSON_1_1),
    query("ec2", "2016-11-15", Lists::Flat),
    Service { global: true, ..query("iam", "2010-05-08", Lists::Member) },
    query("rds", "2014-10-31", Lists::Member),
    query("sts", "2011-06-15", Lists::Member),
    rest("guardduty"),
    rest("lambda"),
    rest("s3"),
    // The buckets of a whole account, under S3's name and at an address of its own.
    Service { host: "s3", ..rest("s3control") },
    rest("securityhub"),
];

/// The service of this name.
pub(crate) fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}
