//! Keeps banned addresses out with nftables, by netlink alone: neither the program `nft` nor a library is needed.
//!
//! Everything is in one table of its own; nobody else's rules are read or changed:
//!
//! ```text
//! table inet stockade {
//!     set addr4-sshd { type ipv4_addr; flags timeout; }          one for addresses of each family,
//!     set net4-24-sshd { type ipv4_addr; flags timeout; }        one for the networks of each prefix length in use
//!     chain jail-sshd {
//!         ip saddr @addr4-sshd counter drop
//!         ip saddr & 255.255.255.0 @net4-24-sshd counter drop
//!     }
//!     chain prerouting {
//!         type filter hook prerouting priority raw; policy accept;
//!         tcp dport 22 jump jail-sshd
//!     }
//! }
//! ```
//!
//! `nft list table inet stockade` shows it, and the counters say how many packets each jail's bans have stopped.
//!
//! Three choices, and why:
//!
//! - **One chain at `prerouting`, priority `raw`.** It sees what is for this host and what is forwarded to containers
//!   or other hosts, before any destination NAT: the ports of a jail are those that the attacker addressed, also when
//!   a container publishes 8080 as its 80. It comes before connection tracking, so a banned flood costs no state, and
//!   it looks at every packet, so an established connection of a banned address is cut. `input` and `forward` chains
//!   would see translated ports, and only after the work is done.
//! - **Networks in hash sets, one for each prefix length**, looked up with the masked address, not in an `interval`
//!   set. An interval set refuses networks that overlap, so a ban of a /24 within a banned /16, each with its own
//!   end, could not be told; and a single change costs time that grows with the set (213 ms at 50,000).
//! - **The kernel counts the time.** Every element carries its timeout, so bans end also when nothing of Stockade
//!   runs, and stay in force over a restart.
//!
//! It needs Linux 4.15, the first that can be asked for single elements, and CAP_NET_ADMIN. A flow that a flowtable has
//! offloaded passes no chain at all, so it is not cut before it ends.

mod apply;
mod elements;
mod error;
mod ground;
mod jail;
mod names;
#[cfg(test)]
#[path = "../../tests/support/namespace.rs"]
mod namespace;
mod rule;
mod schema;
mod socket;
mod uapi;
mod watch;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;
use stockade_core::ports::{Plan, RespondError, Responder, Scope, Standing};
use stockade_core::{Outcome, Timestamp};

pub use error::NftError;
pub use watch::{Change, Watch};

use apply::Work;
use ground::Ground;
use jail::Jail;
use socket::Sockets;
use wire::Writer;

/// How often the ground is laid before we say that somebody keeps on digging.
const GROUND_TRIES: u32 = 4;

/// The responder `nftables`.
///
/// It works in the network namespace in which it was opened. It heals itself: whenever the rules' generation shows
/// that somebody else made a change, it looks whether its own table is still as it should be, and puts it back, before
/// it lists or changes anything. Elements that were lost with the table are not remembered here; they come back by
/// the next plan.
#[derive(Debug)]
pub struct Nftables {
    sockets: Sockets,
    jails: Vec<Jail>,
    /// Whether `prepare` was called, and `flush` not since.
    prepared: bool,
    /// The generation of the rules in which our table was as it should be.
    generation: Option<u32>,
}

impl Nftables {
    /// The name of this responder.
    pub const NAME: &'static str = "nftables";

    /// Opens a socket to the kernel and asks it one question, so that a missing right or module shows at once.
    ///
    /// # Errors
    /// Without CAP_NET_ADMIN, without nftables in the kernel, or where netlink sockets are forbidden.
    pub fn open() -> Result<Self, RespondError> {
        let mut sockets = Sockets::open()?;
        sockets.main.generation()?;
        Ok(Self { sockets, jails: Vec::new(), prepared: false, generation: None })
    }

    /// Starts to watch for changes that others make to the table.
    ///
    /// # Errors
    /// When no second socket can be opened.
    pub fn watch(&self) -> Result<Watch, RespondError> {
        Ok(Watch::open(self.sockets.main.port())?)
    }

    /// Makes sure that the table is as it should be, unless nobody changed any rule since the last time.
    fn ensure_ground(&mut self) -> Result<(), NftError> {
        if self.generation.is_some() && self.generation == Some(self.sockets.main.generation()?) {
            return Ok(());
        }
        self.lay_ground()
    }

    /// Compares the table with what it should be and changes it until there is no difference.
    fn lay_ground(&mut self) -> Result<(), NftError> {
        self.generation = None;
        let mut refused = None;
        for _ in 0..GROUND_TRIES {
            let generation = self.sockets.main.generation()?;
            let ground = Ground::read(&mut self.sockets.main)?;
            ground.adopt_sets(&mut self.jails);
            let mut change = ground.towards(&self.jails);
            if change.is_empty() {
                self.generation = Some(generation);
                return Ok(());
            }
            if refused.is_some() && ground.exists() {
                change = ground::replacement(&self.jails);
            }
            match self.sockets.main.transact(change) {
                Ok(_) => refused = None,
                Err(error) if refused.is_some() || error.is_permanent() => return Err(error),
                Err(error) => refused = Some(error),
            }
        }
        Err(NftError::GroundLost)
    }

    /// Notes that the only changes since the ground was looked at are our own.
    fn own_transactions(&mut self, count: u32) -> Result<(), NftError> {
        let now = self.sockets.main.generation()?;
        self.generation = self.generation.filter(|before| before.wrapping_add(count) == now).map(|_| now);
        Ok(())
    }

    fn list(&mut self, now: Timestamp) -> Result<Vec<Standing>, NftError> {
        let started = Instant::now();
        self.ensure_ground()?;
        let mut standings = Vec::new();
        for jail in &self.jails {
            for kind in &jail.sets {
                let listed = elements::list(&mut self.sockets.main, &kind.name(&jail.slug), started)?;
                standings.extend(listed.into_iter().filter_map(|(address, lifetime)| {
                    let until = lifetime.end(now);
                    Some(Standing { jail: Arc::clone(&jail.name), key: kind.key(address)?, until })
                }));
            }
        }
        Ok(standings)
    }

    fn carry_out(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, NftError> {
        let work = Work::sort(plan, &self.jails, now);
        if self.prepared {
            self.ensure_ground()?;
        }
        let started = Instant::now();
        let mut transactions = work.write(&mut self.sockets.main, &mut self.jails)?;
        let (outcomes, more) = work.confirm(&mut self.sockets, &self.jails, started);
        transactions += more;
        self.own_transactions(transactions)?;
        Ok(outcomes)
    }
}

impl Responder for Nftables {
    fn name(&self) -> &str {
        Self::NAME
    }

    /// Bans that are in force stay so, and counters go on; sets, chains and rules of other jails go, and so does
    /// whatever else was put into our table.
    fn prepare(&mut self, scopes: &[Scope]) -> Result<(), RespondError> {
        self.jails = jail::jails(scopes)?;
        self.prepared = true;
        Ok(self.lay_ground()?)
    }

    /// Lists the bans of the prepared jails; none before `prepare`.
    fn current(&mut self, now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        if !self.prepared {
            return Ok(Some(Vec::new()));
        }
        Ok(Some(healed(self, |this| this.list(now))?))
    }

    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        Ok(healed(self, |this| this.carry_out(plan, now))?)
    }

    fn flush(&mut self) -> Result<(), RespondError> {
        self.jails.clear();
        self.prepared = false;
        self.generation = None;
        let mut w = Writer::default();
        schema::delete_table(&mut w);
        match self.sockets.main.transact(w) {
            Err(error) if error.kernel_errno() != Some(Errno::NOENT) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Tries, and once more if something went missing under our hands: the second try puts it back first.
fn healed<T>(
    responder: &mut Nftables,
    mut work: impl FnMut(&mut Nftables) -> Result<T, NftError>,
) -> Result<T, NftError> {
    match work(responder) {
        Err(error) if error.kernel_errno() == Some(Errno::NOENT) => {
            responder.generation = None;
            work(responder)
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::elements::Lifetime;
    use super::namespace::Namespace;
    use super::*;

    /// A listing of many takes seconds, in which they go on expiring.
    #[test]
    fn the_time_that_a_listing_takes_is_counted() {
        let Some(namespace) = Namespace::new() else { return };
        let mut nftables = namespace.run(|| Nftables::open().unwrap());
        nftables.prepare(&[Scope { jail: "a".into(), ports: vec![], protocols: vec![] }]).unwrap();
        let mut w = Writer::default();
        elements::add(&mut w, "addr4-a", &[([192, 0, 2, 1].into(), Lifetime::Millis(600_000))]);
        nftables.sockets.main.transact(w).unwrap();
        let started = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        let listed = elements::list(&mut nftables.sockets.main, "addr4-a", started).unwrap();
        let (address, lifetime) = listed[0];
        assert_eq!(address.to_string(), "192.0.2.1");
        assert!(matches!(lifetime, Lifetime::Millis(604_000..=606_000)), "{lifetime:?}");
    }

    #[test]
    fn a_foreign_change_beside_our_own_is_not_taken_for_ours() {
        let Some(namespace) = Namespace::new() else { return };
        let mut nftables = namespace.run(|| Nftables::open().unwrap());
        nftables.prepare(&[Scope { jail: "a".into(), ports: vec![], protocols: vec![] }]).unwrap();
        let damage = "flush chain inet stockade prerouting";

        // Between the look at the ground and the count of our own transactions, of which there was one.
        nftables.ensure_ground().unwrap();
        let mut w = Writer::default();
        elements::add(&mut w, "addr4-a", &[([192, 0, 2, 1].into(), Lifetime::Forever)]);
        nftables.sockets.main.transact(w).unwrap();
        namespace.nft(damage);
        nftables.own_transactions(1).unwrap();
        assert!(!namespace.nft_list("ruleset").contains("jump"));

        nftables.ensure_ground().unwrap();
        assert!(namespace.nft_list("ruleset").contains("jump jail-a"));
    }
}
