//! The parts of an ARN.

/// An ARN as its parts: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    /// With its type, where it has one: `security-group/sg-1`.
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// None for what is no ARN.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let ("arn", _) = (parts.next()?, parts.next()?) else { return None };
        let [service, region, account, resource] =
            [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        Some(Self { service, region, account, resource })
    }

    /// The last part of the resource's name: `sg-1`.
    pub(crate) fn last(&self) -> &'a str {
        self.resource.rsplit('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_six_parts() {
        let arn = Arn::parse("arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1").unwrap();
        assert_eq!((arn.service, arn.region, arn.account), ("ec2", "eu-west-1", "111122223333"));
        assert_eq!((arn.resource, arn.last()), ("security-group/sg-1", "sg-1"));
        assert_eq!(Arn::parse("arn:aws:s3:::a:b").unwrap().resource, "a:b");
        for text in ["", "sg-1", "arn:aws:ec2", "urn:aws:ec2:eu-west-1:1:x"] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }
}
