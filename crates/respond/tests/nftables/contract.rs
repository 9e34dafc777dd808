use stockade_core::ports::Responder;
use stockade_respond::Nftables;
use stockade_testkit::responder::Contract;

use crate::support::namespace::Namespace;

#[test]
fn nftables_keeps_the_contract_also_over_restarts() {
    let Some(namespace) = Namespace::new() else { return };
    namespace.run(|| {
        let fresh = || {
            let mut nftables = Nftables::open().unwrap();
            nftables.flush().unwrap();
            nftables
        };
        let reopen = |nftables| {
            drop(nftables);
            Nftables::open().unwrap()
        };
        Contract::new(fresh).reopening(reopen).run();
    });
}
