//! The reader of fail2ban's files: whatever they say, it answers, and its problems can be shown.

#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use stockade_filter::conf::{ConfFiles, Reader, Which};

/// Three files of one text, parted by NUL: the jails, a filter, an action.
#[derive(Debug)]
struct Files<'t>(Vec<&'t [u8]>);

impl ConfFiles for Files<'_> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let at = ["jail.conf", "filter.d/door.conf", "action.d/act.conf"].iter().position(|name| *name == path);
        Ok(at.and_then(|at| self.0.get(at)).map(|text| text.to_vec()))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        Ok(match dir {
            "filter.d" => vec!["door.conf".to_owned()],
            "action.d" => vec!["act.conf".to_owned()],
            _ => Vec::new(),
        })
    }

    fn display(&self, path: &str) -> String {
        path.to_owned()
    }
}

fuzz_target!(|data: &[u8]| {
    let files = Files(data.splitn(3, |&byte| byte == 0).collect());
    let reader = Reader::new(&files);
    let jails = reader.jails(Which::All);
    for problem in jails.problems.iter() {
        let _ = problem.to_string();
    }
    let _ = reader.filter("door[mode=x]", "auto").into_result();
});
