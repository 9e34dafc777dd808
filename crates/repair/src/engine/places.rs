//! Which accounts and regions are looked after.

use serde_json::json;

use super::{Engine, EngineError, Scope};
use crate::json::{list, text};
use crate::playbook::Trouble;
use crate::run::Run;
use crate::{ApiCall, Place};

impl Engine {
    /// The accounts that are looked after.
    pub(super) fn accounts(&mut self) -> Result<Vec<String>, EngineError> {
        let mut accounts = self.settings.accounts.clone();
        if accounts.is_empty() || self.settings.own_account {
            let own = self.us()?.account.clone();
            if !accounts.contains(&own) {
                accounts.insert(0, own);
            }
        }
        Ok(accounts)
    }

    /// Whether a region is one, and looked after.
    pub(super) fn looks_after(&self, place: &Place) -> bool {
        place.is_valid()
            && (self.settings.regions.is_empty() || self.settings.regions.contains(&place.region))
    }

    /// The region in which things are looked at that an account has once: our own, if it is looked after.
    pub(super) fn global_region(&self) -> String {
        let regions = &self.settings.regions;
        let home = regions.is_empty() || regions.contains(&self.home);
        regions.first().filter(|_| !home).unwrap_or(&self.home).clone()
    }

    /// The regions of an account that are looked after. What cannot be asked is a trouble of the run.
    pub(super) fn regions_of(&mut self, account: &str, run: &mut Run) -> Result<Vec<String>, EngineError> {
        if !self.settings.regions.is_empty() {
            return Ok(self.settings.regions.clone());
        }
        if let Some(regions) = self.regions.get(account) {
            return Ok(regions.clone());
        }
        let place = Place::new(account, &self.home);
        let call = ApiCall::new(&place, "ec2", "DescribeRegions", json!({"AllRegions": false}));
        let answer = match self.api.call(&call) {
            Ok(answer) => answer.body,
            Err(fault) => {
                // Better the one region that is known than none.
                run.troubles.push(Trouble { place, what: "its regions".to_owned(), fault });
                return Ok(vec![self.home.clone()]);
            }
        };
        let partition = place.partition();
        let regions: Vec<String> = list(&answer, "regionInfo")
            .iter()
            .filter(|region| text(region, "optInStatus") != "not-opted-in")
            .map(|region| Place::new(account, text(region, "regionName")))
            .filter(|place| place.is_valid() && place.partition() == partition)
            .map(|place| place.region)
            .collect();
        self.regions.insert(account.to_owned(), regions.clone());
        Ok(regions)
    }

    /// All places of a scope.
    pub(super) fn places(&mut self, scope: &Scope, run: &mut Run) -> Result<Vec<Place>, EngineError> {
        let mut places = Vec::new();
        for account in self.accounts()? {
            if !scope.accounts.is_empty() && !scope.accounts.contains(&account) {
                continue;
            }
            for region in self.regions_of(&account, run)? {
                if scope.regions.is_empty() || scope.regions.contains(&region) {
                    places.push(Place::new(&account, &region));
                }
            }
        }
        Ok(places)
    }
}
