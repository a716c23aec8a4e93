//! What counts as pending: what somebody has proposed and still wants.

use protocol::{block::Block, observe::Observation};

use super::tests::run;
use crate::testing::{A, B, Network, plan, wallet};

/// A wallet gives up what it has under way.
fn give_up(network: &mut Network, block: &Block, wallet: engine::ActorId) {
    let (chain, height) = (block.chain_id(), block.height());
    network.tell(wallet, Observation::BlockGivenUp { chain, height });
}

#[test]
fn a_height_that_all_have_given_up_is_not_pending() {
    let plan = plan("");
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    let pending = |network: &Network| run(&plan, network).counters.pending_blocks;
    network.propose(&block, None);
    // Who has proposed nothing gives up nothing.
    give_up(&mut network, &block, wallet(B));
    assert_eq!(pending(&network), 1);
    give_up(&mut network, &block, wallet(A));
    assert_eq!(pending(&network), 0);
    // Whoever proposes there again wants it again, and once it is confirmed nobody asks any more.
    network.propose(&block, None);
    network.propose(&block, None);
    assert_eq!(pending(&network), 1);
    network.votes(&block);
    network.confirm(&block);
    give_up(&mut network, &block, wallet(A));
    assert_eq!(pending(&network), 0);
}
