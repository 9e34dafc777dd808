//! The name that was meant.

/// Longer names are not compared, in bytes: it takes time in the square of the length.
const MAX_NAME_BYTES: usize = 64;

/// The candidate that is spelled most like `name`, if one is similar enough to be what was meant: one slip for each
/// three letters, at most three. Case is no slip.
///
/// ```
/// use stockade_core::nearest::nearest;
///
/// assert_eq!(nearest("maxrety", ["findtime", "maxretry"]).as_deref(), Some("maxretry"));
/// assert_eq!(nearest("colour", ["findtime", "maxretry"]), None);
/// ```
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    within((name.chars().count() / 3).clamp(1, 3), name, candidates)
}

/// The same with so many slips at most.
pub fn within<'c>(slips: usize, name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    if name.len() > MAX_NAME_BYTES {
        return None;
    }
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= MAX_NAME_BYTES)
        .map(|candidate| (strsim::osa_distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = ["durability", "store", "bans", "socket"];
        for (slip, meant) in
            [("durabilty", "durability"), ("STORE", "store"), ("ban", "bans"), ("scoket", "socket")]
        {
            assert_eq!(nearest(slip, names).as_deref(), Some(meant), "{slip}");
        }
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest(&"store".repeat(100), names), None);
    }
}
