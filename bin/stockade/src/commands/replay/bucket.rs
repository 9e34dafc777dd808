//! Events from a bucket.

use super::from::Reading;
use crate::exit::Failure;

#[cfg(not(feature = "aws"))]
impl Reading<'_> {
    #[expect(clippy::needless_pass_by_ref_mut, reason = "the build with AWS changes what was read")]
    pub(super) fn bucket(&mut self, name: &str) -> Result<(), Failure> {
        let _ = self.global;
        Err(Failure::usage(format_args!("cannot read `{name}`: this Stockade was built without AWS"))
            .hint(Some("build it with `--features aws`, or copy the files and replay the folder")))
    }
}

#[cfg(feature = "aws")]
impl Reading<'_> {
    /// Reads all objects below a place, the next ones being fetched while one is read.
    pub(super) fn bucket(&mut self, name: &str) -> Result<(), Failure> {
        use crate::exit::Exit;
        use crate::output::text::count;
        use stockade_source::aws::s3::Place;

        let place: Place = name
            .parse()
            .map_err(|error| Failure::usage(error).hint(Some("expected `s3://BUCKET/PREFIX`")))?;
        let config = crate::config::load(self.global)?;
        let failed = |fault: stockade_runtime::replay::events::Fault| {
            Failure::new(Exit::Failed, fault.message).hint(fault.hint)
        };
        let objects = stockade_runtime::replay::events::objects(&config.program).map_err(failed)?;
        let listed = objects.list(&place, None, &mut |_| {}).map_err(failed)?;
        if self.global.verbose > 0 {
            for (kind, many) in &listed.no_events {
                self.left_out.push(format!("{} left out", count(*many, super::from::what(*kind))));
            }
        }
        if let Some(first) = listed.first_other {
            self.left_out
                .push(format!("{} that are no JSON left out, as `{first}`", count(listed.others, "object")));
        }
        if listed.cut {
            self.complain(format!("there are more objects below `{place}` than are replayed at once"), None);
        }
        if listed.objects.is_empty() {
            self.complain(format!("there is no object of events below `{place}`"), None);
        }
        let wanted = listed.objects.into_iter().map(|one| one.object).collect();
        for (object, fetched) in objects.fetch(wanted) {
            let name = object.to_string();
            self.replay.begin(&name);
            let size = object.bytes.unwrap_or(0);
            match fetched {
                Err(error) => self.complain(error.to_string(), error.hint().as_deref()),
                Ok(packed) => match self.reader.load(&name, packed) {
                    Ok(()) => self.read(size),
                    Err(problem) => self.complain(problem.to_string(), problem.hint().as_deref()),
                },
            }
            self.taken += size;
        }
        Ok(())
    }
}
