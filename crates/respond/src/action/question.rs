//! `ignorecommand`: a command that says whether somebody is to be left alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stockade_core::Match;
use stockade_core::action::{ActionSpec, Family};
use stockade_core::ports::Evidence;

use super::template::{Script, Template};
use super::values::Subject;
use crate::run::{Ended, Run};

/// How long an answer holds.
const HOLDS: Duration = Duration::from_secs(60);
/// How many answers are remembered.
const MAX_ANSWERS: usize = 1_000;

/// A command that is asked about a match, by the same rules as the commands of actions: what a log said reaches it in
/// variables of its environment.
///
/// An answer holds for a minute, so that an attack does not start a program for every line.
#[derive(Clone, Debug)]
pub struct Question {
    jail: Arc<str>,
    template: Template,
    answers: HashMap<String, (Instant, bool)>,
}

impl Question {
    /// The question of a jail.
    pub fn new(jail: Arc<str>, command: &str) -> Self {
        Self { jail, template: Template::parse(command), answers: HashMap::new() }
    }

    /// Whether the command says yes: it ended with status 0. With 1 it says no; anything else is told to `warn` and
    /// counts as no.
    pub fn ask(&mut self, found: &Match, warn: impl FnOnce(String)) -> bool {
        let evidence = Evidence {
            since: found.time,
            nth: 0,
            failures: found.count,
            matches: vec![found.clone()],
            ..Evidence::default()
        };
        let subject = Subject {
            jail: &self.jail,
            key: Some(&found.key),
            family: Family::of(&found.key),
            bantime: 0,
            evidence: &evidence,
            restored: false,
            timeout: ActionSpec::DEFAULT_TIMEOUT,
        };
        let script = self.template.script(&subject);
        let asked = format!("{script:?}");
        let now = Instant::now();
        if let Some((_, answer)) = self.answers.get(&asked).filter(|(until, _)| now < *until) {
            return *answer;
        }
        let answer = run(script).unwrap_or_else(|problem| {
            warn(format!("cannot ask `ignorecommand` of `{}`: {problem}", self.jail));
            false
        });
        if self.answers.len() >= MAX_ANSWERS {
            self.answers.retain(|_, (until, _)| now < *until);
        }
        if self.answers.len() < MAX_ANSWERS {
            self.answers.insert(asked, (now + HOLDS, answer));
        }
        answer
    }
}

fn run(script: Script) -> Result<bool, String> {
    let variables: Vec<(&str, String)> =
        script.variables.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let arguments = ["-c".into(), script.text.into()];
    let run = Run {
        program: super::shell::SHELL.as_ref(),
        arguments: &arguments,
        variables: &variables,
        inherit: true,
        output: true,
        timeout: ActionSpec::DEFAULT_TIMEOUT,
    };
    match run.to_end() {
        Ended::Well { .. } => Ok(true),
        Ended::Badly { status, .. } if status.code() == Some(1) => Ok(false),
        Ended::Badly { status, said } => Err(format!("it ended with {status}: {said}")),
        Ended::TimedOut => Err(format!("it took more than {} s", ActionSpec::DEFAULT_TIMEOUT.as_secs())),
        Ended::NotStarted(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use stockade_core::{Key, MatchId, Timestamp};

    use super::*;

    fn found(key: &str, user: &str) -> Match {
        Match {
            id: MatchId(0),
            jail: "door".into(),
            key: key.parse::<Key>().unwrap(),
            time: Timestamp::from_secs(0),
            count: 1,
            user: Some(user.into()),
            stream: "test".into(),
            line: "line".into(),
        }
    }

    #[test]
    fn yes_no_and_what_is_neither() {
        let mut question =
            Question::new("door".into(), "case <ip> in *.1) exit 0;; *.2) exit 1;; esac; exit 7");
        let mut problems = Vec::new();
        let mut ask = |key| question.ask(&found(key, "x"), |problem| problems.push(problem));
        assert_eq!((ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.3")), (true, false, false));
        assert_eq!(problems.len(), 1, "{problems:?}");
    }

    #[test]
    fn an_answer_holds_for_the_same_question_and_nothing_of_a_log_is_run() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let mut question = Question::new("door".into(), &format!("echo \"<F-USER>\" >> {at}/asked"));
        let hostile = format!("$(touch {at}/owned)");
        for user in [&*hostile, &hostile, "bob"] {
            assert!(question.ask(&found("192.0.2.1", user), |problem| panic!("{problem}")));
        }
        let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
        assert_eq!(asked, format!("{hostile}\nbob\n"));
        assert!(!folder.path().join("owned").exists());
    }
}
