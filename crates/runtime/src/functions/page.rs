//! The pages that answer a link: plain HTML without scripts, styles or anything from elsewhere.

use std::fmt::Write as _;

use stockade_repair::{Actor, Approval, Engine, Link, Run, Verb};

/// A page with its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) html: String,
}

/// How long one text of others may be, in characters.
const MAX_TEXT: usize = 500;
/// How many things are listed.
const MAX_LINES: usize = 30;

/// What a person is asked: what will be done, to what, until when, and one button.
pub(super) fn asked(engine: &Engine, link: &Link, approval: &Approval) -> Page {
    let (verb, heading, will) = match link.verb {
        Verb::Approve => ("Approve", "Approve this repair?", "What will be done"),
        Verb::Refuse => ("Refuse", "Refuse this repair?", "What will not be done"),
    };
    let finding = &approval.finding;
    let title = engine.playbook(&approval.playbook).map_or("", |playbook| playbook.about().docs.title());
    let mut html = String::new();
    push(&mut html, "p", &sentence(approval));
    html.push_str("<dl>");
    let who = approval.actor.as_ref().map_or("nobody knows", Actor::name);
    let place = &finding.subject.place;
    for (name, text) in [
        ("Repair", format!("{} {title}", approval.playbook)),
        ("Thing", finding.subject.id.clone()),
        ("Account and region", place.to_string()),
        ("Who did it", who.to_owned()),
        ("Why you are asked", approval.why.clone()),
        ("Id", approval.id.clone()),
    ] {
        push(&mut html, "dt", name);
        push(&mut html, "dd", &text);
    }
    html.push_str("</dl>");
    push(&mut html, "h2", will);
    html.push_str("<ol>");
    for change in approval.plan.changes.iter().take(MAX_LINES) {
        push(&mut html, "li", &format!("{} ({}:{})", change.says, change.service, change.operation));
    }
    html.push_str("</ol>");
    if approval.plan.changes.len() > MAX_LINES {
        push(&mut html, "p", &format!("and {} more", approval.plan.changes.len() - MAX_LINES));
    }
    for note in approval.plan.notes.iter().take(MAX_LINES) {
        push(&mut html, "p", note);
    }
    // To this very address: whoever came here has the link.
    let _ = write!(html, "<form method=\"post\"><button type=\"submit\">{verb}</button></form>");
    let until = crate::show_time(approval.until);
    push(
        &mut html,
        "p",
        &format!(
            "Nothing has happened yet. The button works once, until {until}. The thing is looked at again first."
        ),
    );
    page(200, heading, &html)
}

/// What came of the answer.
pub(super) fn done(run: &Run) -> Page {
    let mut html = String::new();
    for item in run.items.iter().take(MAX_LINES) {
        push(&mut html, "p", &item.sentence());
        if !item.done.is_empty() {
            html.push_str("<ol>");
            for done in item.done.iter().take(MAX_LINES) {
                push(&mut html, "li", &format!("{} ({})", done.says, done.call.name()));
            }
            html.push_str("</ol>");
        }
    }
    for trouble in run.troubles.iter().take(MAX_LINES) {
        push(&mut html, "p", &format!("{}: {}", trouble.place, trouble.fault));
    }
    page(200, if run.failed() { "It did not work" } else { "Done" }, &html)
}

/// Why there is nothing to answer; our own words.
pub(super) fn refused(status: u16, why: &str) -> Page {
    let mut html = String::new();
    push(&mut html, "p", why);
    page(status, "Stockade", &html)
}

fn sentence(approval: &Approval) -> String {
    use stockade_repair::playbook::Verdict;

    match &approval.finding.verdict {
        Verdict::Bad(says) | Verdict::Tell(says) | Verdict::NotOurs(says) => says.clone(),
        Verdict::Good => approval.finding.name.clone(),
    }
}

fn page(status: u16, heading: &str, body: &str) -> Page {
    let heading = escaped(heading);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex, nofollow\"><title>Stockade: {heading}</title></head>\
         <body><main><h1>{heading}</h1>{body}</main></body></html>\n"
    );
    Page { status, html }
}

fn push(html: &mut String, element: &str, text: &str) {
    let _ = write!(html, "<{element}>{}</{element}>", escaped(text));
}

/// A text in HTML: bounded, without what is not shown, and with nothing left that HTML would read.
fn escaped(text: &str) -> String {
    let mut html = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(MAX_TEXT) {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // What turns the direction of writing makes one name look like another.
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                html.push('\u{fffd}');
            }
            c if c.is_control() => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
    if chars.next().is_some() {
        html.push('…');
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_wrote_is_read_as_html() {
        let hostile = "</p><script>alert(1)</script><img src=x onerror=\"a\" '&\u{202e}\u{0}";
        let shown = escaped(hostile);
        assert!(!shown.contains(['<', '>', '"', '\'']) && !shown.contains("&\u{fffd}"), "{shown}");
        assert!(
            shown.starts_with("&lt;/p&gt;&lt;script&gt;") && shown.ends_with("&#39;&amp;\u{fffd}\u{fffd}")
        );
        assert_eq!(escaped(&"a".repeat(10_000)).chars().count(), MAX_TEXT + 1);
    }
}
