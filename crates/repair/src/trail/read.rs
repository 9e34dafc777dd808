//! Trails as they are.

use serde_json::{Map, Value, json};

use super::{Selectors, is_ours};
use crate::ApiFault;
use crate::json::{is, list, text, texts};
use crate::playbook::{Look, Tags, Thing};

/// What `DescribeTrails` says of the trails whose home is here. Shadows are left out: calls for them are refused.
pub(crate) fn described(look: &mut Look<'_>) -> Result<Vec<Value>, ApiFault> {
    let answer = look.ask("cloudtrail", "DescribeTrails", json!({"includeShadowTrails": false}))?;
    let home = |trail: &&Value| {
        let home = text(trail, "HomeRegion");
        home.is_empty() || home == look.place().region
    };
    Ok(list(&answer, "trailList").iter().filter(home).cloned().collect())
}

/// Of how many trails one call tells the tags.
const TAGGED_AT_ONCE: usize = 20;

/// The tags of some trails, in their order; a fault where they cannot be read.
pub(crate) fn tags_of(look: &mut Look<'_>, arns: &[&str]) -> Vec<Result<Tags, ApiFault>> {
    let ask = |arns: &[&str]| ("cloudtrail", "ListTags", json!({"ResourceIdList": arns}));
    let answers = look.ask_all(arns.chunks(TAGGED_AT_ONCE).map(ask).collect());
    let mut all = Vec::with_capacity(arns.len());
    for (some, answer) in arns.chunks(TAGGED_AT_ONCE).zip(answers) {
        match answer {
            Ok(answer) => all.extend(some.iter().map(|arn| Ok(tags(&answer, arn)))),
            Err(fault) if some.len() == 1 => all.push(Err(fault)),
            // One that may not be read, or is gone by now, must not hide those of the others.
            Err(_) => {
                let one_by_one = look.ask_all(some.iter().map(|arn| ask(&[arn])).collect());
                all.extend(
                    some.iter().zip(one_by_one).map(|(arn, answer)| answer.map(|answer| tags(&answer, arn))),
                );
            }
        }
    }
    all
}

fn tags(answer: &Value, arn: &str) -> Tags {
    let own = list(answer, "ResourceTagList").iter().filter(|resource| text(resource, "ResourceId") == arn);
    let all = own.flat_map(|resource| list(resource, "TagsList"));
    all.map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned())).collect()
}

/// All of our trails here that `wanted` names, with everything that makes them what they are. One that cannot be read
/// whole is a trouble and left out.
pub(crate) fn full(look: &mut Look<'_>, wanted: impl Fn(&str, &str) -> bool) -> Result<Vec<Thing>, ApiFault> {
    let place = look.place();
    let ours = |trail: &Value| is_ours(text(trail, "TrailARN"), place);
    let mut trails = described(look)?;
    trails.retain(|trail| ours(trail) && wanted(text(trail, "TrailARN"), text(trail, "Name")));
    // All questions about all trails at once; the second reading of the same pass costs nothing.
    let questions = |trail: &Value| {
        let arn = text(trail, "TrailARN").to_owned();
        [
            ("cloudtrail", "GetTrailStatus", json!({"Name": arn})),
            ("cloudtrail", "GetEventSelectors", json!({"TrailName": arn})),
            ("cloudtrail", "GetInsightSelectors", json!({"TrailName": arn})),
        ]
    };
    let mut answers = look.ask_all(trails.iter().flat_map(questions).collect()).into_iter();
    let arns: Vec<&str> = trails.iter().map(|trail| text(trail, "TrailARN")).collect();
    let tagged = tags_of(look, &arns);
    let mut things = Vec::with_capacity(trails.len());
    for (trail, tagged) in trails.iter().zip(tagged) {
        let mut next = || answers.next().unwrap_or(Ok(Value::Null));
        let (status, selectors, insights) = (next(), next(), without_insights(next()));
        let all = (|| Ok::<_, ApiFault>((status?, selectors?, insights?, tagged?)))();
        match all {
            Ok((status, selectors, insights, tagged)) => {
                things.push(thing(trail, &status, &selectors, &insights, tagged));
            }
            Err(fault) => look.trouble(text(trail, "TrailARN"), fault),
        }
    }
    Ok(things)
}

/// A trail without Insights answers with an error.
fn without_insights(answer: Result<Value, ApiFault>) -> Result<Value, ApiFault> {
    match answer {
        Err(fault) if fault.code.contains("InsightNotEnabled") => Ok(Value::Null),
        answer => answer,
    }
}

/// A trail in the words of `CreateTrail`, without what is empty.
fn thing(trail: &Value, status: &Value, selectors: &Value, insights: &Value, tags: Tags) -> Thing {
    const TEXTS: [&str; 8] = [
        "Name",
        "TrailARN",
        "HomeRegion",
        "S3BucketName",
        "S3KeyPrefix",
        "CloudWatchLogsLogGroupArn",
        "CloudWatchLogsRoleArn",
        "KmsKeyId",
    ];
    const FLAGS: [&str; 4] = [
        "IncludeGlobalServiceEvents",
        "IsMultiRegionTrail",
        "LogFileValidationEnabled",
        "IsOrganizationTrail",
    ];
    let mut state = Map::new();
    for name in TEXTS {
        let value = text(trail, name);
        if !value.is_empty() {
            state.insert(name.to_owned(), json!(value));
        }
    }
    for name in FLAGS {
        state.insert(name.to_owned(), json!(is(trail, name)));
    }
    if let Some(topic) = topic(trail) {
        state.insert("SnsTopicName".to_owned(), json!(topic));
    }
    state.insert("IsLogging".to_owned(), json!(is(status, "IsLogging")));
    for (name, value) in Selectors::read(selectors).fields() {
        state.insert(name.to_owned(), value);
    }
    let mut kinds: Vec<&str> =
        list(insights, "InsightSelectors").iter().map(|one| text(one, "InsightType")).collect();
    kinds.sort_unstable();
    kinds.dedup();
    state.insert("InsightTypes".to_owned(), json!(kinds));
    let (id, name) = (text(trail, "TrailARN").to_owned(), text(trail, "Name").to_owned());
    Thing { id, name, state: Value::Object(state), tags }
}

/// The topic as `CreateTrail` takes it: by name where it is of the trail's account and region, else by ARN.
fn topic(trail: &Value) -> Option<&str> {
    let arn = text(trail, "SnsTopicARN");
    if arn.is_empty() {
        return Some(text(trail, "SnsTopicName")).filter(|name| !name.is_empty());
    }
    let mut parts = arn.rsplitn(4, ':');
    let (name, account, region) = (parts.next()?, parts.next()?, parts.next()?);
    let near = super::parts(text(trail, "TrailARN")) == Some((account, region));
    Some(if near { name } else { arn })
}

/// The types of Insights of a trail's state.
pub(crate) fn insights(state: &Value) -> Vec<&str> {
    texts(state, "InsightTypes")
}
