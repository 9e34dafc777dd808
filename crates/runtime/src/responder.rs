//! Opening the responders that speak to AWS, and which responders this build has.

use stockade_config::{Program, ResponderConfig, ResponderKind};
use stockade_core::ports::{RespondError, Responder};

/// Says whether this build has such a responder at all.
///
/// # Errors
/// One that is permanent and names the feature.
pub fn supported(config: &ResponderConfig) -> Result<(), RespondError> {
    match &config.kind {
        ResponderKind::Sns { .. } if !cfg!(feature = "aws") => Err(missing("sns")),
        ResponderKind::Lambda { .. } if !cfg!(feature = "aws") => Err(missing("lambda")),
        ResponderKind::SnsNotice(_) if !cfg!(feature = "aws") => Err(missing("sns-notice")),
        ResponderKind::Webhook(_) if !cfg!(feature = "notify") => Err(without("webhook", "web", "notify")),
        ResponderKind::Slack(_) if !cfg!(feature = "notify") => Err(without("slack", "web", "notify")),
        ResponderKind::Email(_) if !cfg!(feature = "email") => Err(without("email", "e-mail", "email")),
        _ => Ok(()),
    }
}

fn missing(kind: &str) -> RespondError {
    without(kind, "AWS", "aws")
}

fn without(kind: &str, what: &str, feature: &str) -> RespondError {
    RespondError {
        message: format!("cannot use the responder `{kind}`: this build of Stockade is without {what}"),
        hint: Some(format!("install a build with the feature `{feature}`, or set another `kind`")),
        permanent: true,
    }
}

/// The same for all responders of a configuration: the first that this build has not.
pub(crate) fn all_supported(program: &Program) -> Result<(), RespondError> {
    program.responders.iter().try_for_each(supported)
}

/// Opens a responder that tells AWS. What it does not say of its place is as `[aws]` says.
#[cfg(feature = "aws")]
pub(crate) fn open(config: &ResponderConfig, program: &Program) -> Result<Box<dyn Responder>, RespondError> {
    use stockade_respond::aws::{Lambda, Sns};

    match &config.kind {
        ResponderKind::Sns { topic, place } => {
            let topic = either(topic, &program.aws.topic).unwrap_or_else(|| Sns::DEFAULT_TOPIC.to_owned());
            Ok(Box::new(Sns::new(&aws(place, program)?, &topic)))
        }
        ResponderKind::Lambda { function, unban, place } => {
            Ok(Box::new(Lambda::new(&aws(place, program)?, function).with_unbans(*unban)))
        }
        _ => Err(missing("aws")),
    }
}

/// AWS where a responder finds it.
#[cfg(feature = "aws")]
pub(crate) fn aws(
    place: &stockade_config::AwsPlace,
    program: &Program,
) -> Result<stockade_aws::Aws, RespondError> {
    Ok(stockade_aws::Aws::new(&stockade_aws::Access {
        region: either(&place.region, &program.aws.region),
        endpoint: either(&place.endpoint, &program.aws.endpoint),
    })?)
}

#[cfg(feature = "aws")]
fn either(own: &str, shared: &str) -> Option<String> {
    let text = if own.is_empty() { shared } else { own };
    (!text.is_empty()).then(|| text.to_owned())
}

/// Says that this build speaks to no AWS.
#[cfg(not(feature = "aws"))]
pub(crate) fn open(config: &ResponderConfig, _program: &Program) -> Result<Box<dyn Responder>, RespondError> {
    supported(config).and_then(|()| Err(missing("aws")))
}
