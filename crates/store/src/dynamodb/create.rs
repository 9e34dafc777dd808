//! Tables made where they are missing, and refused where they are another's.

use std::time::Duration;

use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};
use stockade_aws::{Aws, Fault, FaultKind};
use stockade_core::ports::{StoreError, StoreErrorKind};

use super::batch::KeyNames;
use super::shared::SHARED_KEYS;
use super::table::Table;
use super::{DEFAULT_PATIENCE, INDEX, INDEX_KEYS, KEYS};

/// How long a table may take until it can be used.
const MADE_WITHIN: Duration = Duration::from_secs(120);
/// How often it is asked whether it can.
const ASKED_EVERY: Duration = Duration::from_millis(500);

/// Makes our own table, billed by request, with its index, its stream and the going of old items, if it is missing.
/// Returns whether it was.
///
/// # Errors
/// If there is a table of that name that is not ours, or it cannot be made.
pub fn create_if_missing(aws: &Aws, table: &str) -> Result<bool, StoreError> {
    create(aws, table, KEYS, "ttl", Some((INDEX, INDEX_KEYS)))
}

/// Makes a table as Cloud-Fail2Ban's, usually `F2B`, if it is missing. Returns whether it was.
///
/// # Errors
/// As those of [`create_if_missing`].
pub fn create_shared_if_missing(aws: &Aws, table: &str) -> Result<bool, StoreError> {
    create(aws, table, SHARED_KEYS, "TTL", None)
}

/// Whether our own table is there.
///
/// # Errors
/// If there is a table of that name that is not ours, or it cannot be asked.
pub(super) fn is_there(table: &Table) -> Result<bool, StoreError> {
    match table.block_on(describe(table))? {
        Some(there) => check(&table.name, &there, KEYS, Some((INDEX, INDEX_KEYS))).map(|()| true),
        None => Ok(false),
    }
}

fn create(
    aws: &Aws,
    name: &str,
    keys: KeyNames,
    ttl: &str,
    index: Option<(&str, KeyNames)>,
) -> Result<bool, StoreError> {
    let table = Table::new(aws, name, DEFAULT_PATIENCE);
    table.block_on(async {
        if let Some(there) = describe(&table).await? {
            check(name, &there, keys, index)?;
            return Ok(false);
        }
        let tried = format!("make the table `{name}`");
        let request = request(&table, keys, index)
            .map_err(|error| Fault::local(FaultKind::Other, format!("cannot {tried}: {error}")))?;
        let made = table.patiently(|| async {
            request.clone().send().await.map_err(|error| Fault::of(&tried, &error)).map(|_| ())
        });
        match made.await {
            // Somebody else makes it at this moment.
            Err(fault) if fault.code.ends_with("ResourceInUseException") => {}
            outcome => outcome?,
        }
        wait_until_usable(&table).await?;
        let there = describe(&table).await?;
        check(name, &there.unwrap_or_else(|| TableDescription::builder().build()), keys, index)?;
        let_old_items_go(&table, ttl).await?;
        Ok(true)
    })
}

fn request(
    table: &Table,
    keys: KeyNames,
    index: Option<(&str, KeyNames)>,
) -> Result<CreateTableFluentBuilder, aws_sdk_dynamodb::error::BuildError> {
    let attribute = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
    };
    let mut request = table
        .client
        .create_table()
        .table_name(&*table.name)
        .set_key_schema(Some(schema(keys)?))
        .attribute_definitions(attribute(keys.0)?)
        .attribute_definitions(attribute(keys.1)?)
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(
            StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(StreamViewType::NewImage)
                .build()?,
        );
    if let Some((name, keys)) = index {
        let index = GlobalSecondaryIndex::builder()
            .index_name(name)
            .set_key_schema(Some(schema(keys)?))
            .projection(Projection::builder().projection_type(ProjectionType::All).build());
        request = request
            .attribute_definitions(attribute(keys.0)?)
            .attribute_definitions(attribute(keys.1)?)
            .global_secondary_indexes(index.build()?);
    }
    Ok(request)
}

fn schema(keys: KeyNames) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    let element = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    Ok(vec![element(keys.0, KeyType::Hash)?, element(keys.1, KeyType::Range)?])
}

async fn describe(table: &Table) -> Result<Option<TableDescription>, Fault> {
    let tried = format!("look at the table `{}`", table.name);
    let request = table.client.describe_table().table_name(&*table.name);
    let described =
        table.patiently(|| async { request.clone().send().await.map_err(|error| Fault::of(&tried, &error)) });
    match described.await {
        Ok(answer) => Ok(answer.table),
        Err(fault) if fault.kind == FaultKind::Missing => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn wait_until_usable(table: &Table) -> Result<(), Fault> {
    let usable = async {
        while describe(table).await?.is_none_or(|there| there.table_status != Some(TableStatus::Active)) {
            tokio::time::sleep(ASKED_EVERY).await;
        }
        Ok(())
    };
    tokio::time::timeout(MADE_WITHIN, usable).await.unwrap_or_else(|_| {
        let message = format!(
            "cannot use the table `{}`: it is not ready within {} s",
            table.name,
            MADE_WITHIN.as_secs()
        );
        Err(Fault::local(FaultKind::Unreachable, message))
    })
}

async fn let_old_items_go(table: &Table, attribute: &str) -> Result<(), Fault> {
    let tried = format!("let old items of the table `{}` go", table.name);
    let asked = table.client.describe_time_to_live().table_name(&*table.name);
    let now =
        table.patiently(|| async { asked.clone().send().await.map_err(|error| Fault::of(&tried, &error)) });
    let status = now.await?.time_to_live_description.and_then(|is| is.time_to_live_status);
    if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Ok(());
    }
    let specification = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
    let specification =
        specification.map_err(|error| Fault::local(FaultKind::Other, format!("cannot {tried}: {error}")))?;
    let request =
        table.client.update_time_to_live().table_name(&*table.name).time_to_live_specification(specification);
    let done =
        table.patiently(|| async { request.clone().send().await.map_err(|error| Fault::of(&tried, &error)) });
    done.await.map(|_| ())
}

/// Whether a table has the keys that ours has.
fn check(
    name: &str,
    table: &TableDescription,
    keys: KeyNames,
    index: Option<(&str, KeyNames)>,
) -> Result<(), StoreError> {
    let wrong = |what: String| StoreError {
        kind: StoreErrorKind::Other,
        message: format!("cannot use the table `{name}`: {what}"),
        hint: Some("it was made by another program: name another table; this one was left as it is".into()),
    };
    let is = key_names(table.key_schema());
    if is != [keys.0, keys.1] {
        return Err(wrong(format!("its key is `{}`, not `{}`, `{}`", is.join("`, `"), keys.0, keys.1)));
    }
    for attribute in table.attribute_definitions() {
        let of_key = [keys.0, keys.1].contains(&attribute.attribute_name());
        if of_key && *attribute.attribute_type() != ScalarAttributeType::S {
            return Err(wrong(format!("its key `{}` is not a text", attribute.attribute_name())));
        }
    }
    if let Some((wanted, keys)) = index {
        let found = table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(wanted));
        let found = found.map(|index| key_names(index.key_schema()));
        if found.is_none_or(|is| is != [keys.0, keys.1]) {
            return Err(wrong(format!("it has no index `{wanted}` with the key `{}`, `{}`", keys.0, keys.1)));
        }
    }
    Ok(())
}

/// The names of a key, the partition's first.
fn key_names(schema: &[KeySchemaElement]) -> Vec<&str> {
    let mut schema: Vec<_> = schema.iter().collect();
    schema.sort_by_key(|element| *element.key_type() != KeyType::Hash);
    schema.into_iter().map(KeySchemaElement::attribute_name).collect()
}
