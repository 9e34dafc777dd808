//! What a lookup finds: lists of what a value means for questions.

use super::Span;

/// What a value that was found means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Posting {
    /// It answers a question.
    Answer(u32),
    /// It is among what an `anything-but` excludes.
    Exclude(u32),
    /// It may fit a wildcard, which is to be tried.
    Try(u32),
}

/// A list of postings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListId(pub(super) u32);

/// Lists while they grow.
#[derive(Debug, Default)]
pub(super) struct PostingsBuilder {
    lists: Vec<Vec<Posting>>,
}

/// All lists, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Postings {
    spans: Vec<Span>,
    postings: Vec<Posting>,
}

impl PostingsBuilder {
    pub(super) fn list(&mut self) -> ListId {
        self.lists.push(Vec::new());
        ListId(u32::try_from(self.lists.len() - 1).unwrap_or(u32::MAX))
    }

    pub(super) fn push(&mut self, list: ListId, posting: Posting) {
        if let Some(list) = self.lists.get_mut(list.0 as usize)
            && list.last() != Some(&posting)
        {
            list.push(posting);
        }
    }

    pub(super) fn finish(self) -> Postings {
        let mut all = Postings::default();
        for list in self.lists {
            let start = u32::try_from(all.postings.len()).unwrap_or(u32::MAX);
            all.spans.push(Span { start, length: u32::try_from(list.len()).unwrap_or(u32::MAX) });
            all.postings.extend(list);
        }
        all
    }
}

impl Postings {
    #[inline]
    pub(super) fn of(&self, list: ListId) -> &[Posting] {
        self.spans.get(list.0 as usize).copied().unwrap_or_default().of(&self.postings)
    }
}
