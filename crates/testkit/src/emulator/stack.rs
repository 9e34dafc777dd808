//! A stack of CloudFormation.

use std::collections::BTreeMap;
use std::time::Duration;

use stockade_aws::{Aws, Call};

use super::{unique, wait};

/// How long a stack may take; the emulator needs a second.
const PATIENCE: Duration = Duration::from_secs(60);

const VERSION: &str = "2010-05-15";

/// The largest template that goes with the request; a larger one lies in a bucket.
const MAX_BODY_BYTES: usize = 51_200;

/// What a template made.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Its name.
    pub name: String,
    outputs: BTreeMap<String, String>,
    /// Name, capabilities, template.
    form: Vec<(String, String)>,
    parameters: BTreeMap<String, String>,
}

impl Stack {
    /// Puts the package into a new bucket and makes a stack of the template, whose parameters `CodeBucket` and `CodeKey`
    /// say where it lies.
    ///
    /// # Panics
    /// If it cannot be made, with what CloudFormation says of each resource.
    pub fn deploy(aws: &Aws, template: &str, package: Vec<u8>, parameters: &[(&str, &str)]) -> Self {
        let (name, bucket) = (unique("stockade"), unique("code"));
        let code = [("CodeBucket", bucket.as_str()), ("CodeKey", "package.zip")];
        make_bucket(aws, &bucket);
        put(aws, &bucket, "package.zip", "application/zip", package);
        let mut form = vec![
            ("StackName".to_owned(), name.clone()),
            ("Capabilities.member.1".to_owned(), "CAPABILITY_NAMED_IAM".to_owned()),
            ("Capabilities.member.2".to_owned(), "CAPABILITY_AUTO_EXPAND".to_owned()),
        ];
        if template.len() > MAX_BODY_BYTES {
            put(aws, &bucket, "template.yaml", "application/yaml", template.as_bytes().to_vec());
            let endpoint = aws.config().endpoint_url().unwrap_or_default();
            form.push(("TemplateURL".to_owned(), format!("{endpoint}/{bucket}/template.yaml")));
        } else {
            form.push(("TemplateBody".to_owned(), template.to_owned()));
        }
        // Parameters that a template does not have are refused.
        let has = |name: &str| template.contains(&format!("\n  {name}:\n"));
        let code = code.iter().filter(|(key, _)| has(key));
        let parameters = code.chain(parameters).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut stack = Self { name, outputs: BTreeMap::new(), form, parameters: parameters.collect() };
        stack.ask_for(aws, "CreateStack", "CREATE_COMPLETE");
        stack
    }

    /// Changes parameters; the others stay.
    ///
    /// # Panics
    /// As [`Stack::deploy`].
    pub fn change(&mut self, aws: &Aws, parameters: &[(&str, &str)]) {
        self.parameters
            .extend(parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        self.ask_for(aws, "UpdateStack", "UPDATE_COMPLETE");
    }

    fn ask_for(&mut self, aws: &Aws, action: &str, wanted: &str) {
        let mut form = self.form.clone();
        for (n, (key, value)) in self.parameters.iter().enumerate() {
            let member = format!("Parameters.member.{}", n + 1);
            form.push((format!("{member}.ParameterKey"), key.clone()));
            form.push((format!("{member}.ParameterValue"), value.clone()));
        }
        ask(aws, action, &form);
        let named = [("StackName".to_owned(), self.name.clone())];
        let (status, answer) = wait("the stack", PATIENCE, || {
            let answer = ask(aws, "DescribeStacks", &named);
            let status = texts(&answer, "StackStatus").into_iter().next()?;
            (!status.ends_with("_IN_PROGRESS")).then_some((status, answer))
        });
        if status != wanted {
            let events = ask(aws, "DescribeStackEvents", &named);
            panic!("{status}: {}", texts(&events, "ResourceStatusReason").join("\n"));
        }
        self.outputs = texts(&answer, "OutputKey").into_iter().zip(texts(&answer, "OutputValue")).collect();
    }

    /// One of the template's outputs.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("no output `{name}` in {:?}", self.outputs))
    }
}

fn make_bucket(aws: &Aws, bucket: &str) {
    // The first region knows no name of itself here.
    let constraint = match aws.region() {
        "us-east-1" => String::new(),
        region => format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        ),
    };
    let make = Call::rest("make a bucket".to_owned(), "s3", "PUT", format!("/{bucket}"));
    let call = make.with_body("application/xml", constraint.into_bytes());
    aws.block_on(aws.call(&call)).unwrap_or_else(|fault| panic!("{fault}"));
}

fn put(aws: &Aws, bucket: &str, key: &str, kind: &'static str, body: Vec<u8>) {
    let call =
        Call::rest(format!("put `{key}`"), "s3", "PUT", format!("/{bucket}/{key}")).with_body(kind, body);
    aws.block_on(aws.call(&call)).unwrap_or_else(|fault| panic!("{fault}"));
}

fn ask(aws: &Aws, action: &str, form: &[(String, String)]) -> String {
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let call = Call::query(action.to_owned(), "cloudformation", action, VERSION, &form);
    let reply = aws.block_on(aws.call(&call)).unwrap_or_else(|fault| panic!("{action}: {fault}"));
    String::from_utf8(reply.body).unwrap_or_default()
}

/// The texts of all elements of this name. Enough for CloudFormation's flat answers.
fn texts(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let parts = xml.split(&open).skip(1);
    let text = |part: &str| part.split(&close).next().unwrap_or_default().to_owned();
    let plain = |text: String| {
        [("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&amp;", "&")]
            .iter()
            .fold(text, |text, (escaped, plain)| text.replace(escaped, plain))
    };
    parts.map(text).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::texts;

    #[test]
    fn texts_of_elements_in_their_order() {
        let xml = "<a><k>one</k><v>1 &amp;lt; 2</v></a><a><k>two</k><v></v></a>";
        assert_eq!(texts(xml, "k"), ["one", "two"]);
        assert_eq!(texts(xml, "v"), ["1 &lt; 2", ""]);
        assert!(texts(xml, "x").is_empty());
    }
}
