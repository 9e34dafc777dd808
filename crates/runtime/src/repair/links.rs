//! The links by which a person approves or refuses a repair: what signs them, and where they lead.

use stockade_config::{Program, Secret};
use stockade_repair::LinkKey;

use super::error::RepairError;
use super::open::Account;

/// The key, and where links lead: empty where nobody knows. `None` where none is configured.
///
/// # Errors
/// If the key cannot be had, or is too short.
pub(super) fn links(
    program: &Program,
    aws: Option<&Account>,
) -> Result<Option<(LinkKey, String)>, RepairError> {
    let Some(key) = key(program, aws)? else { return Ok(None) };
    let base = match program.repair.link_url.as_str() {
        "" => own_address(program, aws),
        base => base.to_owned(),
    };
    Ok(Some((key, base)))
}

/// Says whether links could be signed here and now. What is in AWS is not asked for.
///
/// # Errors
/// If the key is not there, or is too short.
pub fn links_usable(program: &Program) -> Result<(), RepairError> {
    if matches!(program.repair.link_secret, Some(Secret::Parameter(_))) {
        return Ok(());
    }
    key(program, None).map(drop)
}

fn key(program: &Program, aws: Option<&Account>) -> Result<Option<LinkKey>, RepairError> {
    let _ = aws; // Not every build speaks to it.
    let Some(secret) = &program.repair.link_secret else { return Ok(None) };
    let place = secret.to_string();
    let revealed = match secret {
        #[cfg(feature = "aws")]
        Secret::Parameter(name) => in_aws::parameter(program, aws, name),
        secret => secret.reveal().map_err(|error| error.to_string()),
    };
    let revealed = revealed.map_err(|why| RepairError::LinkSecret { why })?;
    let key = LinkKey::new(revealed.as_bytes());
    Ok(Some(key.map_err(|short| RepairError::LinkKey { place, length: short.length })?))
}

#[cfg(not(feature = "aws"))]
fn own_address(_program: &Program, _aws: Option<&Account>) -> String {
    String::new()
}

/// The address of the function that this is, if it is one that has an address.
#[cfg(feature = "aws")]
fn own_address(program: &Program, aws: Option<&Account>) -> String {
    let Some(name) = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok().filter(|name| !name.is_empty()) else {
        return String::new();
    };
    in_aws::function_address(program, aws, &name).unwrap_or_else(|why| {
        tracing::warn!(why, "repairs: notices hold no links, because nobody knows where they would lead");
        String::new()
    })
}

#[cfg(feature = "aws")]
mod in_aws {
    use serde_json::{Value, json};
    use stockade_aws::Call;
    use stockade_config::Program;

    use super::super::open::{Account, aws};

    /// The value of a parameter of Systems Manager.
    pub(super) fn parameter(
        program: &Program,
        known: Option<&Account>,
        name: &str,
    ) -> Result<String, String> {
        let body = json!({"Name": name, "WithDecryption": true});
        let call = Call::json(format!("read `ssm:{name}`"), "ssm", "AmazonSSM.GetParameter", &body);
        let reply = ask(program, known, &call)?;
        let value = reply.pointer("/Parameter/Value").and_then(Value::as_str);
        value.map(str::to_owned).ok_or_else(|| format!("the answer about `ssm:{name}` holds no value"))
    }

    /// Where a function is called by its URL.
    pub(super) fn function_address(
        program: &Program,
        known: Option<&Account>,
        name: &str,
    ) -> Result<String, String> {
        let path = format!("/2021-10-31/functions/{name}/url");
        let call = Call::rest(format!("ask for the URL of the function `{name}`"), "lambda", "GET", path);
        let reply = ask(program, known, &call)?;
        let url = reply.get("FunctionUrl").and_then(Value::as_str);
        url.map(str::to_owned).ok_or_else(|| format!("the function `{name}` has no URL"))
    }

    fn ask(program: &Program, known: Option<&Account>, call: &Call) -> Result<Value, String> {
        let aws = aws(program, known).map_err(|error| error.to_string())?;
        let reply = aws.block_on(aws.call(call)).map_err(|fault| fault.message)?;
        serde_json::from_slice(&reply.body).map_err(|_| format!("cannot {}: no JSON came", call.tried))
    }
}
