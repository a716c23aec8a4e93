//! Parties that break the rules, one file each: what a Byzantine validator or owner does instead of
//! what it should.
//!
//! They sign with their own keys and nobody else's, so everything they send could come from a real
//! one. Honest code never calls this; a run arms it with a fault. Each says whether it misbehaved, so
//! that a fault that never did anything shows.

mod amnesiac;
mod blob_stuffer;
mod bundle_forger;
mod certificate_forger;
mod certificate_withholder;
mod dragging_owner;
mod early_timeout_signer;
mod equivocator;
mod jumper;
mod liar_about_log;
mod round_burner;
mod round_ender;
mod rushing_owner;
mod stale_answerer;
mod two_faced_owner;
mod vote_withholder;
mod wrong_executor;

use std::sync::Arc;

use crate::{
    block::ProposedBlock,
    client::Client,
    ids::Address,
    machine::{Output, Outputs},
    proposal::BlockProposal,
    rpc::{ChainInfoResponse, Packet, Request, RequestId, Response},
    store::ContentStore,
    time::{TimeDelta, Timestamp},
    worker::Worker,
};

/// How a validator misbehaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ValidatorBehaviour {
    /// Never answers a wallet.
    Silent,
    /// Answers, and keeps its votes to itself.
    WithholdsVotes,
    /// Votes for whatever it is asked to, also twice in one round.
    Equivocates,
    /// Forgets its lock and its votes to confirm.
    Amnesiac,
    /// Votes for outcomes that no execution gave.
    ExecutesWrongly,
    /// Votes to end rounds that have time left.
    SignsTimeoutsEarly,
    /// Withholds half of its received log and makes up an entry.
    LiesAboutLog,
    /// Tells nothing of locks, proposals and timeouts.
    AnswersStale,
}

impl ValidatorBehaviour {
    /// All of them, with their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("silent", Self::Silent),
        ("withholds-votes", Self::WithholdsVotes),
        ("equivocates", Self::Equivocates),
        ("amnesiac", Self::Amnesiac),
        ("executes-wrongly", Self::ExecutesWrongly),
        ("signs-timeouts-early", Self::SignsTimeoutsEarly),
        ("lies-about-log", Self::LiesAboutLog),
        ("answers-stale", Self::AnswersStale),
    ];
}

/// How an owner misbehaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OwnerBehaviour {
    /// Proposes one block to one half of the validators and another block to the rest.
    TwoFaced,
    /// Proposes also in rounds that are not its turn.
    Rushes,
    /// Proposes also in rounds that are over.
    Drags,
    /// Proposes in all multi-leader rounds at once.
    BurnsRounds,
    /// Asks validators to end rounds that are not over.
    EndsRounds,
    /// Keeps certificates of validated blocks to itself.
    WithholdsCertificates,
    /// Takes in other messages than were sent.
    ForgesBundles,
    /// Takes in later messages before earlier ones that may not be jumped over.
    JumpsOver,
    /// Sends certificates that no quorum has signed.
    ForgesCertificates,
    /// Uploads blobs that nobody waits for.
    StuffsBlobs,
}

impl OwnerBehaviour {
    /// All of them, with their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("two-faced", Self::TwoFaced),
        ("rushes", Self::Rushes),
        ("drags", Self::Drags),
        ("burns-rounds", Self::BurnsRounds),
        ("ends-rounds", Self::EndsRounds),
        ("withholds-certificates", Self::WithholdsCertificates),
        ("forges-bundles", Self::ForgesBundles),
        ("jumps-over", Self::JumpsOver),
        ("forges-certificates", Self::ForgesCertificates),
        ("stuffs-blobs", Self::StuffsBlobs),
    ];
}

/// Handles a packet as a misbehaving worker does. Returns whether it misbehaved.
pub fn handle_as_worker(
    behaviour: ValidatorBehaviour,
    worker: &mut Worker,
    now: Timestamp,
    packet: Packet,
    store: &dyn ContentStore,
    out: &mut Outputs,
) -> bool {
    match behaviour {
        ValidatorBehaviour::Silent => {
            let asked = matches!(packet, Packet::Forward { .. });
            if !asked {
                worker.handle(now, packet, store, out);
            }
            asked
        }
        ValidatorBehaviour::WithholdsVotes => {
            worker.handle(now, packet, store, out);
            vote_withholder::distort(out)
        }
        ValidatorBehaviour::Equivocates => {
            let misbehaved = equivocator::prepare(worker, now, &packet);
            worker.handle(now, packet, store, out);
            misbehaved
        }
        ValidatorBehaviour::Amnesiac => {
            let misbehaved = amnesiac::prepare(worker, &packet);
            worker.handle(now, packet, store, out);
            misbehaved
        }
        ValidatorBehaviour::ExecutesWrongly => {
            worker.handle(now, packet, store, out);
            wrong_executor::distort(worker, out)
        }
        ValidatorBehaviour::SignsTimeoutsEarly => {
            let chain = chain_of(&packet);
            let round = early_timeout_signer::wanted(&packet);
            worker.handle(now, packet, store, out);
            chain.zip(round).is_some_and(|(chain, asked)| {
                early_timeout_signer::distort(worker, chain, asked, out)
            })
        }
        ValidatorBehaviour::LiesAboutLog => {
            worker.handle(now, packet, store, out);
            liar_about_log::distort(out)
        }
        ValidatorBehaviour::AnswersStale => {
            worker.handle(now, packet, store, out);
            stale_answerer::distort(out)
        }
    }
}

/// Changes what a misbehaving wallet sends. Returns whether it misbehaved.
pub fn distort_as_owner(behaviour: OwnerBehaviour, client: &Client, out: &mut Outputs) -> bool {
    match behaviour {
        OwnerBehaviour::TwoFaced => two_faced_owner::distort(client, out),
        OwnerBehaviour::Rushes => rushing_owner::distort(client, out),
        OwnerBehaviour::Drags => dragging_owner::distort(client, out),
        OwnerBehaviour::BurnsRounds => round_burner::distort(client, out),
        OwnerBehaviour::EndsRounds => round_ender::distort(client, out),
        OwnerBehaviour::WithholdsCertificates => certificate_withholder::distort(out),
        OwnerBehaviour::ForgesBundles => bundle_forger::distort(client, out),
        OwnerBehaviour::JumpsOver => jumper::distort(client, out),
        OwnerBehaviour::ForgesCertificates => certificate_forger::distort(client, out),
        OwnerBehaviour::StuffsBlobs => blob_stuffer::distort(out),
    }
}

/// Sends more requests after each request of a wallet, to the same validator. Their answers are
/// nobody's. Returns whether there were any.
fn extra_requests(out: &mut Outputs, more: impl Fn(&Request) -> Vec<Request>) -> bool {
    let mut extra = Vec::new();
    for output in &out.list {
        if let Output::Send(to @ Address::Proxy(_), Packet::Request { chain, request, .. }) = output
        {
            let wanted = more(request).into_iter();
            extra.extend(wanted.map(|request| (*to, *chain, request)));
        }
    }
    let misbehaved = !extra.is_empty();
    for (number, (to, chain, request)) in (0..).zip(extra) {
        let id = RequestId(u64::MAX - number);
        out.list
            .push(Output::Send(to, Packet::Request { id, chain, request }));
    }
    misbehaved
}

/// Sends other blocks in place of the fresh ones that a wallet proposes. Returns whether there were
/// any.
fn replace_proposals(
    client: &Client,
    out: &mut Outputs,
    other: impl Fn(&ProposedBlock) -> Option<ProposedBlock>,
) -> bool {
    let mut misbehaved = false;
    for output in &mut out.list {
        if let Output::Send(Address::Proxy(_), Packet::Request { request, .. }) = output
            && let Request::Proposal(proposal) = request
            && proposal.original_proposal.is_none()
            && let Some(block) = other(&proposal.block)
        {
            let other = BlockProposal::fresh(Arc::new(block), proposal.round, client.key());
            *request = Request::Proposal(Arc::new(other));
            misbehaved = true;
        }
    }
    misbehaved
}

/// Another block than the one proposed, and as good.
fn other_block(block: &ProposedBlock) -> Arc<ProposedBlock> {
    let mut block = block.clone();
    block.timestamp = block.timestamp.saturating_add(TimeDelta::from_micros(1));
    Arc::new(block)
}

/// The chain that a wallet's request is about.
fn chain_of(packet: &Packet) -> Option<crate::ids::ChainId> {
    match packet {
        Packet::Forward { chain, .. } => Some(*chain),
        _ => None,
    }
}

/// The answers about chains among the outputs of a worker.
fn infos(out: &mut Outputs) -> impl Iterator<Item = &mut ChainInfoResponse> {
    out.list.iter_mut().filter_map(|output| match output {
        Output::Send(Address::Proxy(_), Packet::ForwardReply { reply, .. }) => match &mut **reply {
            Ok(Response::Info(response)) => Some(&mut **response),
            Ok(Response::Certificates(_) | Response::Blob(_) | Response::Done) | Err(_) => None,
        },
        _ => None,
    })
}

/// Whether a packet asks for a vote on a block.
fn asks_for_vote(packet: &Packet) -> bool {
    matches!(
        packet,
        Packet::Forward {
            request: Request::Proposal(_) | Request::Validated(_) | Request::LiteValidated(_),
            ..
        }
    )
}
