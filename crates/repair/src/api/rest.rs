//! The operations of services that speak REST: method, path, and which parameters belong into path and query. What is
//! left is the body: as JSON, or to S3 as XML.

/// One operation.
#[derive(Debug)]
pub(crate) struct Route {
    service: &'static str,
    operation: &'static str,
    pub(crate) method: &'static str,
    /// `{Name}` stands for a parameter.
    pub(crate) path: &'static str,
    /// Names in the query, each with the parameter whose value it has; an empty parameter means an empty value.
    pub(crate) query: &'static [(&'static str, &'static str)],
}

const fn route(
    service: &'static str,
    operation: &'static str,
    method: &'static str,
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
) -> Route {
    Route { service, operation, method, path, query }
}

const ACCOUNT_BLOCK: &str = "/v20180820/configuration/publicAccessBlock";

/// Source: the `http` entries of each service's model in AWS's SDKs.
const ROUTES: &[Route] = &[
    route("guardduty", "CreateDetector", "POST", "/detector", &[]),
    route("guardduty", "CreateFilter", "POST", "/detector/{detectorId}/filter", &[]),
    route("guardduty", "DeleteDetector", "DELETE", "/detector/{detectorId}", &[]),
    route("guardduty", "DeleteFilter", "DELETE", "/detector/{detectorId}/filter/{filterName}", &[]),
    route("guardduty", "GetDetector", "GET", "/detector/{detectorId}", &[]),
    route("guardduty", "GetFilter", "GET", "/detector/{detectorId}/filter/{filterName}", &[]),
    route("guardduty", "ListDetectors", "GET", "/detector", &[("nextToken", "nextToken")]),
    route("guardduty", "UpdateDetector", "POST", "/detector/{detectorId}", &[]),
    route(
        "lambda",
        "DeleteFunctionConcurrency",
        "DELETE",
        "/2017-10-31/functions/{FunctionName}/concurrency",
        &[],
    ),
    route("lambda", "GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", &[]),
    route(
        "lambda",
        "GetFunctionConfiguration",
        "GET",
        "/2015-03-31/functions/{FunctionName}/configuration",
        &[],
    ),
    route(
        "lambda",
        "ListEventSourceMappings",
        "GET",
        "/2015-03-31/event-source-mappings",
        &[("FunctionName", "FunctionName"), ("Marker", "Marker")],
    ),
    route("lambda", "PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", &[]),
    route("lambda", "UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{UUID}", &[]),
    route("s3", "DeletePublicAccessBlock", "DELETE", "/{Bucket}", &[("publicAccessBlock", "")]),
    route("s3", "GetBucketPolicy", "GET", "/{Bucket}", &[("policy", "")]),
    route("s3", "GetBucketTagging", "GET", "/{Bucket}", &[("tagging", "")]),
    route("s3", "GetPublicAccessBlock", "GET", "/{Bucket}", &[("publicAccessBlock", "")]),
    route("s3", "HeadBucket", "HEAD", "/{Bucket}", &[]),
    route(
        "s3",
        "ListBuckets",
        "GET",
        "/",
        &[
            ("bucket-region", "BucketRegion"),
            ("continuation-token", "ContinuationToken"),
            ("max-buckets", "MaxBuckets"),
        ],
    ),
    route("s3", "PutPublicAccessBlock", "PUT", "/{Bucket}", &[("publicAccessBlock", "")]),
    route("s3control", "DeletePublicAccessBlock", "DELETE", ACCOUNT_BLOCK, &[]),
    route("s3control", "GetPublicAccessBlock", "GET", ACCOUNT_BLOCK, &[]),
    route("s3control", "PutPublicAccessBlock", "PUT", ACCOUNT_BLOCK, &[]),
];

/// How an operation is asked for.
pub(crate) fn find(service: &str, operation: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.service == service && route.operation == operation)
}
