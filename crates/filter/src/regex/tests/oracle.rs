//! Python's `re`, asked case by case.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::generate::Case;

/// Where each group matched.
pub(super) type Spans = Vec<Option<(usize, usize)>>;

/// What Python says.
#[derive(Debug)]
pub(super) enum Answer {
    Match(Spans),
    NoMatch,
    NotARegex(String),
    TooSlow,
}

/// One Python process.
pub(super) struct Python {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

const SCRIPT: &str = r#"
import json, re, signal, sys, warnings
warnings.simplefilter("ignore")
def too_slow(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, too_slow)
for line in sys.stdin:
    case = json.loads(line)
    try:
        signal.setitimer(signal.ITIMER_REAL, 2)
        regex = re.compile(case["pattern"].encode(), re.M if case["multiline"] else 0)
        found = regex.search(case["text"].encode())
        spans = found and [found.span(n) for n in range(1, regex.groups + 1)]
        answer = {"spans": spans}
    except re.error as error:
        answer = {"error": str(error)}
    except TimeoutError:
        answer = {"slow": True}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps(answer), flush=True)
"#;

impl Python {
    /// `None`, with a line that says so, where there is no Python of 3.11 or later: earlier ones have no possessive
    /// repetitions and mend fewer captures.
    pub(super) fn start() -> Option<Self> {
        let version =
            Command::new("python3").args(["-c", "import sys; print(sys.version_info >= (3, 11))"]).output();
        if !version.is_ok_and(|output| output.stdout.starts_with(b"True")) {
            eprintln!("skipped: no python3 of version 3.11 or later to compare with");
            return None;
        }
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let ask = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, ask, answers })
    }

    pub(super) fn answer(&mut self, case: &Case) -> Answer {
        let question = serde_json::json!({
            "pattern": case.pattern, "multiline": case.multiline, "text": case.text,
        });
        writeln!(self.ask, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&line).unwrap();
        if let Some(error) = answer.get("error") {
            return Answer::NotARegex(error.to_string());
        }
        if answer.get("slow").is_some() {
            return Answer::TooSlow;
        }
        match answer["spans"].as_array() {
            None => Answer::NoMatch,
            Some(spans) => {
                let number = |value: &serde_json::Value| usize::try_from(value.as_i64().unwrap()).ok();
                let span = |span: &serde_json::Value| number(&span[0]).zip(number(&span[1]));
                Answer::Match(spans.iter().map(span).collect())
            }
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
