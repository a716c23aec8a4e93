//! What everybody knows before the first block: the committee, and how the first chains begin.

use std::{collections::BTreeSet, sync::Arc};

use protocol::{
    Timestamp,
    blob::{Blob, BlobContent},
    committee::{Committee, ValidatorState},
    description::{ChainDescription, ChainOrigin, InitialChainConfig},
    genesis::Genesis,
    ids::{AccountOwner, ApplicationId, ChainId, Epoch, ValidatorIndex},
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    policy::ResourceControlPolicy,
    signature::{PublicKey, SigningKey},
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
    ownership.timeout_config.fallback_duration = plan.fallback;
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

/// The committee of these validators, with these prices and limits.
pub(super) fn committee(
    members: &[(plan::ValidatorIndex, u64)],
    policy: ResourceControlPolicy,
    keys: &[PublicKey],
) -> Committee {
    let member = |(validator, votes): &(plan::ValidatorIndex, u64)| {
        let index = ValidatorIndex(validator.get());
        let votes = *votes;
        (keys[validator.position()], ValidatorState { index, votes })
    };
    Committee::new(members.iter().map(member).collect()).with_policy(policy)
}

/// The first committee and the first chains, and the id of each planned chain that is there.
pub(super) fn genesis(
    plan: &Plan,
    validator_keys: &[SigningKey],
    ownerships: &[Arc<ChainOwnership>],
) -> (Arc<Genesis>, Vec<Option<ChainId>>) {
    let keys: Vec<_> = validator_keys.iter().map(SigningKey::public).collect();
    let weights = (0..).map(plan::ValidatorIndex::new).zip(&plan.validators);
    let weights = weights.map(|(index, validator)| (index, validator.weight));
    let members: Vec<_> = weights.filter(|(_, weight)| *weight > 0).collect();
    let committee = committee(&members, plan.network.policy, &keys);
    let mut descriptions = Vec::new();
    let mut ids = Vec::new();
    for (index, (chain, ownership)) in (1..).zip(plan.chains.iter().zip(ownerships)) {
        if chain.origin != plan::ChainOrigin::Genesis {
            ids.push(None);
            continue;
        }
        let description = ChainDescription {
            origin: if chain.admin {
                ChainOrigin::ADMIN
            } else {
                ChainOrigin::Root(index)
            },
            timestamp: Timestamp::default(),
            config: InitialChainConfig {
                ownership: ownership.clone(),
                epoch: Epoch(0),
                balance: chain.balance,
                permissions: chain.permissions.as_ref().map(permissions),
            },
        };
        ids.push(Some(description.id()));
        descriptions.push(description);
    }
    let genesis = Genesis::new(committee, descriptions);
    let keys = (0..).map(ValidatorIndex).zip(keys).collect();
    (Arc::new(genesis.with_candidates(keys)), ids)
}

/// The permissions of a plan, with what stands for each application.
pub(super) fn permissions(plan: &plan::PermissionsPlan) -> Arc<ApplicationPermissions> {
    let ids = |names: &BTreeSet<String>| -> BTreeSet<ApplicationId> {
        let id = |name: &String| ApplicationId::placeholder(name);
        names.iter().map(id).collect()
    };
    Arc::new(ApplicationPermissions {
        execute_operations: plan.execute_operations.as_ref().map(ids),
        mandatory_applications: ids(&plan.mandatory_applications),
        manage_chain: ids(&plan.manage_chain),
        call_service_as_oracle: plan.call_service_as_oracle.as_ref().map(ids),
        make_http_requests: plan.make_http_requests.as_ref().map(ids),
        ..ApplicationPermissions::default()
    })
}

/// A blob of a plan: its name again and again, up to its size.
pub(super) fn blob(plan: &plan::BlobPlan) -> Arc<Blob> {
    let size = usize::try_from(plan.size).expect("the checker bounds sizes");
    let name = plan.name.bytes().chain(std::iter::once(b' '));
    Blob::new(BlobContent::data(name.cycle().take(size).collect()))
}
