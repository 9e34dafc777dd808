//! The catalogue: one file a playbook, and a line for each here.
//!
//! A new playbook is a file with the headings of [`crate::playbook::HEADINGS`] in its module docs, a type that implements
//! [`Playbook`], and its two lines below. A test holds the headings, the permissions and the file names.

mod p01_trail_stopped;
mod p02_trail_deleted;
mod p03_trail_weakened;
mod p04_self_protection;
mod p05_guardduty_off;
mod p09_account_block_off;
mod p10_bucket_block_off;
mod p12_snapshot_shared;
mod p16_security_group_open;
mod p17_key_disabled;
mod p19_key_leaked;

use crate::Playbook;

/// All playbooks, in the order of their numbers. In this order they look at a place.
pub const CATALOGUE: &[&dyn Playbook] = &[
    &p01_trail_stopped::TrailStopped,
    &p02_trail_deleted::TrailDeleted,
    &p03_trail_weakened::TrailWeakened,
    &p04_self_protection::SelfProtection,
    &p05_guardduty_off::GuardDutyOff,
    &p09_account_block_off::AccountBlockOff,
    &p10_bucket_block_off::BucketBlockOff,
    &p12_snapshot_shared::SnapshotShared,
    &p16_security_group_open::SecurityGroupOpen,
    &p17_key_disabled::KeyDisabled,
    &p19_key_leaked::KeyLeaked,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::HEADINGS;
    use crate::{Event, Mode};

    #[test]
    fn every_page_has_the_headings_and_says_something_under_each() {
        for playbook in CATALOGUE {
            let about = playbook.about();
            assert!(!about.docs.title().is_empty(), "{}", about.id);
            let headings: Vec<&str> = about.docs.sections().map(|(heading, _)| heading).collect();
            assert_eq!(headings, HEADINGS, "{}", about.id);
            for (heading, body) in about.docs.sections() {
                assert!(body.len() > 10, "{} {heading}", about.id);
            }
            assert!(!about.docs.text().contains("use crate"), "{}", about.id);
        }
    }

    #[test]
    fn every_example_is_an_event_that_leads_somewhere() {
        for playbook in CATALOGUE {
            let about = playbook.about();
            let event = Event::read(about.docs.example().as_bytes()).unwrap();
            assert_eq!((event.account(), event.error_code()), ("111122223333", ""), "{}", about.id);
            assert!(!playbook.locate(&event).is_empty(), "{}", about.id);
            assert!(event.actor().is_some(), "{}", about.id);
        }
    }

    #[test]
    fn every_file_is_in_the_catalogue_under_its_number_and_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/playbooks");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with('p') || name.starts_with('x'))
            .collect();
        files.sort();
        let names: Vec<String> = CATALOGUE
            .iter()
            .map(|playbook| {
                let about = playbook.about();
                format!("{}_{}.rs", about.id.to_ascii_lowercase(), about.name.replace('-', "_"))
            })
            .collect();
        assert_eq!(files, names);
        for playbook in CATALOGUE {
            for next in playbook.about().then {
                assert!(CATALOGUE.iter().any(|other| other.about().id == *next), "{next}");
            }
            assert!(playbook.about().mode > Mode::Off);
        }
    }

    #[test]
    fn permissions_name_calls_that_can_be_made() {
        for playbook in CATALOGUE {
            for permission in playbook.about().permissions {
                assert!(permission.action.contains(':'), "{permission:?}");
                for call in permission.needed_by() {
                    let (service, operation) = call.split_once(':').unwrap();
                    let made = crate::ApiCall::new(
                        &crate::Place::new("111122223333", "eu-west-1"),
                        service,
                        operation,
                        serde_json::json!({"Bucket": "b", "FunctionName": "f", "UUID": "u", "detectorId": "d", "filterName": "x"}),
                    );
                    assert!(crate::wire::request(&made).is_ok(), "{call}");
                }
            }
        }
    }
}
