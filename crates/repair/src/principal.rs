//! Who can call AWS: users and roles, as their ARNs name them.

/// What sort of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    User,
    Role,
    Root,
}

/// A user, a role or the root user of an account. A role and its sessions are the same principal, and a path is no part
/// of it: IAM has each name once in an account, and a session's ARN leaves the path out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Principal {
    pub(crate) sort: Sort,
    /// The account's twelve digits.
    pub(crate) account: String,
    /// Its name; empty for root.
    pub(crate) name: String,
}

impl Principal {
    /// Of an ARN of IAM or of a session; `None` for anything else, such as services and federated users.
    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (Some("arn"), Some(_), Some(service), Some(_)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let (account, resource) = (parts.next()?, parts.next()?);
        let mut names = resource.split('/');
        let (sort, name) = match (service, names.next()?) {
            ("iam", "user") => (Sort::User, names.next_back()?),
            ("iam", "role") => (Sort::Role, names.next_back()?),
            ("sts", "assumed-role") => (Sort::Role, names.next()?),
            ("iam", "root") if resource == "root" => (Sort::Root, ""),
            _ => return None,
        };
        let known = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let named = sort == Sort::Root || is_name(name);
        (known && named).then(|| Self { sort, account: account.to_owned(), name: name.to_owned() })
    }
}

/// Whether a text can be the name of a user or a role. Source: IAM's reference, `UserName` and `RoleName`.
pub(crate) fn is_name(text: &str) -> bool {
    const MAX: usize = 64;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (1..=MAX).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_and_its_sessions_are_one_whatever_their_paths() {
        let role = Principal::of_arn("arn:aws:iam::111122223333:role/ci/deploy").unwrap();
        assert_eq!((role.sort, role.name.as_str()), (Sort::Role, "deploy"));
        for same in [
            "arn:aws:iam::111122223333:role/deploy",
            "arn:aws:sts::111122223333:assumed-role/deploy/run-7",
            "arn:aws:sts::111122223333:assumed-role/deploy/a/b",
        ] {
            assert_eq!(Principal::of_arn(same).as_ref(), Some(&role), "{same}");
        }
        for other in [
            "arn:aws:iam::111122223333:user/deploy",
            "arn:aws:iam::444455556666:role/deploy",
            "arn:aws:sts::111122223333:assumed-role/other/deploy",
        ] {
            assert_ne!(Principal::of_arn(other).as_ref(), Some(&role), "{other}");
        }
    }

    #[test]
    fn what_is_no_principal_is_none() {
        for text in [
            "",
            "AWS Internal",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:user",
            "arn:aws:iam::1111:user/a",
            "arn:aws:iam::111122223333:user/a b",
            "arn:aws:iam::111122223333:root/x",
            "arn:aws:sts::111122223333:federated-user/bob",
            "arn:aws:iam::111122223333:user/a&Action=DeleteUser",
        ] {
            assert_eq!(Principal::of_arn(text), None, "{text}");
        }
        assert_eq!(Principal::of_arn("arn:aws:iam::111122223333:root").map(|one| one.sort), Some(Sort::Root));
    }
}
