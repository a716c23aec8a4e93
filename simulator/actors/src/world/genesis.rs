//! What everybody knows before the first block: the committee, and how the first chains begin.

use std::sync::Arc;

use protocol::{
    Timestamp,
    committee::{Committee, ValidatorState},
    description::{ChainDescription, ChainOrigin, InitialChainConfig},
    genesis::Genesis,
    ids::{AccountOwner, ChainId, Epoch, ValidatorIndex},
    ownership::ChainOwnership,
    signature::SigningKey,
};
use scenario::{Plan, plan};

/// The ownership record of a plan; a public chain has no owners.
pub(super) fn ownership(
    plan: &plan::OwnershipPlan,
    public: bool,
    owners: &[AccountOwner],
) -> ChainOwnership {
    let first_leader = plan.first_leader;
    let mut ownership = ChainOwnership {
        multi_leader_rounds: plan.multi_leader_rounds,
        open_multi_leader_rounds: plan.open_rounds,
        first_leader: first_leader.map(|owner| owners[owner.position()]),
        ..ChainOwnership::default()
    };
    ownership.timeout_config.base_timeout = plan.round_timeout;
    ownership.timeout_config.fast_round_duration = plan.fast_round;
    if public {
        return ChainOwnership::public(ownership.timeout_config);
    }
    for owner in &plan.owners {
        let account = owners[owner.owner.position()];
        if owner.is_super {
            ownership.super_owners.insert(account);
        } else {
            ownership.owners.insert(account, owner.weight);
        }
    }
    ownership
}

/// The first committee and the first chains, and the id of each planned chain that is there.
pub(super) fn genesis(
    plan: &Plan,
    validator_keys: &[SigningKey],
    ownerships: &[Arc<ChainOwnership>],
) -> (Arc<Genesis>, Vec<Option<ChainId>>) {
    let members = (0..).zip(validator_keys).zip(&plan.validators);
    let committee = Committee::new(
        members
            .map(|((index, key), validator)| {
                let index = ValidatorIndex(index);
                (
                    key.public(),
                    ValidatorState {
                        index,
                        votes: validator.weight,
                    },
                )
            })
            .collect(),
    );
    let mut descriptions = Vec::new();
    let mut ids = Vec::new();
    // Root 0 is the admin chain, which no scenario of this version uses.
    for (index, (chain, ownership)) in (1..).zip(plan.chains.iter().zip(ownerships)) {
        if chain.origin != plan::ChainOrigin::Genesis {
            ids.push(None);
            continue;
        }
        let description = ChainDescription {
            origin: ChainOrigin::Root(index),
            timestamp: Timestamp::default(),
            config: InitialChainConfig {
                ownership: ownership.clone(),
                epoch: Epoch(0),
                balance: chain.balance,
            },
        };
        ids.push(Some(description.id()));
        descriptions.push(description);
    }
    (Arc::new(Genesis::new(committee, descriptions)), ids)
}
