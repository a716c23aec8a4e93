//! What is sent to the validator: real packets, and what their writer knows of them, so that the
//! reference need not look at signatures.

use std::sync::Arc;

use super::{
    actions::{Action, BlobPick, Flaw, Retry, RoundPick},
    model::Model,
    world::{PEOPLE, Signers, Vouched, World, blob, bundle, person},
};
use crate::{
    TimeDelta, Timestamp,
    block::{Block, ProposedBlock},
    certificate::{
        BlockCertificate, CertificateKind, LiteCertificate, Timeout, TimeoutCertificate,
        VotePayload,
    },
    error::{BlockError, CertificateError},
    execution::ExecutionState,
    hash::CryptoHash,
    ids::{AccountOwner, BlockHeight, ChainId, ClientIndex, Epoch},
    proposal::{BlockProposal, OriginalProposal},
    round::Round,
    rpc::{ChainInfoQuery, CrossChainRequest, Delivery, Packet, Request, RequestId},
};

/// What makes a proposal a retry, and whether it is good.
#[derive(Clone, Debug)]
pub(super) enum Original {
    Fresh,
    Fast {
        owner: AccountOwner,
        signed: bool,
    },
    Regular {
        payload: VotePayload,
        valid: Result<(), CertificateError>,
        /// Whether the certificate is over just this block with this outcome.
        fits: bool,
    },
}

/// A proposal and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) proposal: Arc<BlockProposal>,
    /// Whether the proposer's signature is right.
    pub(super) signed: bool,
    pub(super) original: Original,
    /// The block that is voted for, or why it cannot be executed.
    pub(super) value: Result<CryptoHash, BlockError>,
}

impl PartialEq for Offer {
    fn eq(&self, other: &Self) -> bool {
        self.proposal == other.proposal
    }
}

impl Eq for Offer {}

impl Offer {
    /// What makes two proposals the same (rule V0).
    pub(super) fn content(&self) -> (CryptoHash, Round, Option<CryptoHash>) {
        let outcome = self.proposal.outcome.as_deref().map(CryptoHash::of);
        (self.proposal.block_hash(), self.proposal.round, outcome)
    }
}

/// What a letter says.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Offer(Arc<Offer>),
    Validated(Vouched),
    LiteValidated(Vouched),
    Confirmed(Vouched),
    LiteConfirmed(Vouched),
    Timeout(Arc<TimeoutCertificate>, Result<(), CertificateError>),
    Query(ChainInfoQuery),
    Download,
    /// A bundle of the other chain, and the height before it that sent here.
    Bundle {
        number: u64,
        after: Option<u64>,
    },
    /// The other chain has everything.
    Delivered,
    /// The next epoch is since this instant.
    NextEpoch(Timestamp),
    Blob(BlobPick),
    Upload,
    /// Nobody sends this to a worker.
    Stray,
}

/// A message to the validator, as its proxy hands it on.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// The chain that the sender says it is about.
    pub(super) to: ChainId,
    pub(super) said: Said,
}

/// Every certificate with an outcome that no execution gives has this state hash.
fn altered_state() -> CryptoHash {
    CryptoHash::of_bytes("AlteredState", &[])
}

pub(super) fn has_altered_outcome(block: &Block) -> bool {
    block.outcome().state_hash == altered_state()
}

fn alter_outcome(block: &Block) -> Arc<Block> {
    let mut outcome = block.outcome().clone();
    outcome.state_hash = altered_state();
    Arc::new(Block::new(block.proposed().clone(), outcome))
}

fn full(vouched: &Vouched) -> Arc<BlockCertificate> {
    let certificate = BlockCertificate::new(vouched.block.clone(), vouched.lite.clone());
    Arc::new(certificate.expect("only lite ones are sent with another block"))
}

impl Letter {
    pub(super) fn packet(&self, world: &World, id: RequestId) -> Packet {
        let request = match &self.said {
            Said::Offer(offer) => Request::Proposal(offer.proposal.clone()),
            Said::Validated(vouched) => Request::Validated(full(vouched)),
            Said::LiteValidated(vouched) => Request::LiteValidated(Arc::new(vouched.lite.clone())),
            Said::Confirmed(vouched) => Request::Confirmed(full(vouched), Delivery::NonBlocking),
            Said::LiteConfirmed(vouched) => Request::LiteConfirmed(Arc::new(vouched.lite.clone())),
            Said::Timeout(certificate, _) => Request::Timeout(certificate.clone()),
            Said::Query(query) => Request::ChainInfo(Box::new(query.clone())),
            Said::Blob(pick) => Request::PendingBlob(blob(*pick)),
            Said::Upload => Request::UploadBlob(blob(BlobPick::Published)),
            Said::Download => Request::DownloadCertificates(vec![BlockHeight(0), BlockHeight(9)]),
            Said::Bundle { number, after } => {
                let update = CrossChainRequest::UpdateRecipient {
                    sender: world.other,
                    recipient: world.chain,
                    bundles: vec![(crate::ids::Epoch(0), bundle(*number))],
                    previous_height: after.map(BlockHeight),
                };
                return Packet::CrossChain(Box::new(update));
            }
            Said::Delivered => {
                let confirm = CrossChainRequest::ConfirmUpdatedRecipient {
                    sender: world.chain,
                    recipient: world.other,
                    latest_height: BlockHeight(1),
                };
                return Packet::CrossChain(Box::new(confirm));
            }
            Said::NextEpoch(since) => {
                let epochs = CrossChainRequest::StoreEpochs(world.next_epoch(*since));
                return Packet::CrossChain(Box::new(epochs));
            }
            Said::Stray => return Packet::CommandDone(1),
        };
        Packet::Forward {
            client: ClientIndex(0),
            id,
            chain: self.to,
            request,
        }
    }
}

/// Whoever writes letters: sees the chain as it stands.
pub(super) struct Writer<'a> {
    pub(super) world: &'a mut World,
    pub(super) model: &'a Model,
    pub(super) state: Arc<ExecutionState>,
    pub(super) now: Timestamp,
}

impl Writer<'_> {
    fn round(&self, pick: RoundPick) -> Round {
        match pick {
            RoundPick::This(round) => round,
            RoundPick::Current => self.model.round,
            RoundPick::Next | RoundPick::Before => self.model.next_round(self.model.round),
            RoundPick::Lock => self.model.lock.map_or(Round::Fast, |(round, _)| round),
        }
    }

    /// Rounds in which correct validators sign validated blocks, or end.
    fn certified_round(&self, pick: RoundPick) -> Round {
        match self.round(pick) {
            Round::Fast => Round::MultiLeader(0),
            Round::Validator(_) => Round::SingleLeader(2),
            round => round,
        }
    }

    fn proposed(&self, kind: u8) -> ProposedBlock {
        self.world
            .proposed(kind, &self.state, self.model.taken_in, self.now)
    }

    fn executed(&self, block: &ProposedBlock) -> Result<Arc<Block>, BlockError> {
        let executed = self.world.execute(&self.state, block)?;
        Ok(executed.block)
    }

    /// The letter of `action`, if it makes sense here.
    pub(super) fn write(&mut self, action: &Action) -> Option<Letter> {
        let said = match action {
            Action::Propose { .. } => return Some(self.propose(action)),
            Action::Certify {
                kind,
                block,
                round,
                signers,
                lite,
                flaw,
            } => return self.certify(*kind, *block, (*round, *signers), *lite, *flaw),
            Action::EndRound {
                round,
                signers,
                flaw,
            } => return Some(self.end_round(*round, *signers, *flaw)),
            Action::AskToEnd { round, flaw } => {
                let height = altered_height(self.model.height, *flaw);
                Said::Query(ChainInfoQuery {
                    leader_timeout: Some((height, self.round(*round))),
                    ..ChainInfoQuery::default()
                })
            }
            Action::Query => Said::Query(ChainInfoQuery {
                manager_values: true,
                received_log_from: Some(0),
                ..ChainInfoQuery::default()
            }),
            Action::AskToTakeOver(flaw) => Said::Query(ChainInfoQuery {
                fallback: Some(altered_height(self.model.height, *flaw)),
                ..ChainInfoQuery::default()
            }),
            Action::NextEpoch(millis) => {
                let age = TimeDelta::from_millis(*millis).micros();
                let since = self.now.micros().saturating_sub(age);
                Said::NextEpoch(Timestamp::from_micros(since))
            }
            Action::Blob(pick) => Said::Blob(*pick),
            Action::Upload => Said::Upload,
            Action::Download => Said::Download,
            Action::Bundle(number) => Said::Bundle {
                number: *number,
                after: number.checked_sub(1),
            },
            Action::Delivered => Said::Delivered,
            Action::Stray => Said::Stray,
            Action::Pass(_) | Action::Crash | Action::Again(_) => return None,
        };
        let asks_unknown = matches!(
            action,
            Action::AskToEnd {
                flaw: Some(Flaw::Unknown),
                ..
            } | Action::AskToTakeOver(Some(Flaw::Unknown))
        );
        let to = if asks_unknown {
            World::unknown()
        } else {
            self.world.chain
        };
        Some(Letter { to, said })
    }

    fn addressee(&self, flaw: Option<Flaw>) -> ChainId {
        match flaw {
            Some(Flaw::Envelope) => self.world.other,
            Some(Flaw::Unknown) => World::unknown(),
            _ => self.world.chain,
        }
    }

    fn altered_block(&self, mut block: ProposedBlock, flaw: Option<Flaw>) -> ProposedBlock {
        match flaw {
            Some(Flaw::Chain) => block.chain_id = self.world.other,
            Some(Flaw::Epoch) => block.epoch = Epoch(1),
            Some(Flaw::Previous) => {
                block.previous_block_hash = Some(CryptoHash::of_bytes("Nowhere", &[]));
            }
            Some(Flaw::Above | Flaw::Below) => block.height = altered_height(block.height, flaw),
            _ => {}
        }
        block
    }

    /// One who may propose in `round` on behalf of `acts_for`; a stranger if there is nobody.
    fn somebody_who_may_propose(&self, round: Round, acts_for: Option<AccountOwner>) -> u32 {
        let may = |index: &u32| {
            let owner = person(*index).public().owner();
            self.model.may_propose(owner, round)
                && acts_for.is_none_or(|acts_for| acts_for == owner)
        };
        (0..PEOPLE).find(may).unwrap_or(PEOPLE - 1)
    }

    fn propose(&self, action: &Action) -> Letter {
        let Action::Propose {
            who,
            block,
            round,
            retry,
            flaw,
        } = action
        else {
            panic!("the caller has looked");
        };
        let (round, flaw) = (self.round(*round), *flaw);
        let block = Arc::new(self.altered_block(self.proposed(*block), flaw));
        let who = who.unwrap_or_else(|| {
            let acts_for = match retry {
                Retry::Fresh => block.authenticated_owner,
                Retry::Fast(_) | Retry::Regular(..) => None,
            };
            self.somebody_who_may_propose(round, acts_for)
        });
        let key = person(who);
        let executed = self.executed(&block);
        let mut value = executed.clone().map(|block| block.hash());
        let (mut proposal, mut original) = match (retry, executed) {
            (Retry::Fast(owner), _) => {
                let fast = BlockProposal::fresh(block.clone(), Round::Fast, &person(*owner));
                let original = Original::Fast {
                    owner: person(*owner).public().owner(),
                    signed: true,
                };
                (BlockProposal::retry_fast(&fast, round, &key), original)
            }
            (Retry::Regular(certified, signers), Ok(executed)) => {
                let altered = flaw == Some(Flaw::Outcome);
                let certified = match certified {
                    RoundPick::Before => round_before(round),
                    pick => self.certified_round(*pick),
                };
                let kind = if flaw == Some(Flaw::Kind) {
                    CertificateKind::Confirmed
                } else {
                    CertificateKind::Validated
                };
                let payload = self.world.payload(&executed, certified, kind);
                let vouched = self.world.vouch(executed.clone(), payload, *signers);
                let sent = if altered {
                    alter_outcome(&executed)
                } else {
                    executed
                };
                let mut proposal = retry_of(&sent, certified, round, &key);
                value = Ok(sent.hash());
                let original = Original::Regular {
                    payload: vouched.lite.payload,
                    valid: vouched.valid,
                    fits: !altered,
                };
                let certificate = vouched.lite;
                proposal.original_proposal = Some(OriginalProposal::Regular { certificate });
                (proposal, original)
            }
            _ => (
                BlockProposal::fresh(block.clone(), round, &key),
                Original::Fresh,
            ),
        };
        let mut signed = true;
        match flaw {
            Some(Flaw::Signature) => {
                let other = BlockProposal::fresh(block, round, &person((who + 1) % PEOPLE));
                proposal.signature = other.signature;
                signed = false;
            }
            Some(Flaw::RoundAfter) => {
                proposal.round = self.model.next_round(proposal.round);
                signed = false;
            }
            Some(Flaw::BlockAfter) => {
                let other = Arc::new(self.proposed(0));
                if CryptoHash::of(&*other) != proposal.block_hash() {
                    let signature = proposal.signature;
                    proposal = BlockProposal::fresh(other, round, &key);
                    proposal.signature = signature;
                    (signed, original) = (false, Original::Fresh);
                }
            }
            Some(Flaw::Original) => {
                swap_original(self, &mut proposal, &mut original);
            }
            Some(Flaw::NoOriginal) => {
                proposal.original_proposal = None;
                original = Original::Fresh;
            }
            Some(Flaw::OtherChainsCertificate) => {
                if let Some(OriginalProposal::Regular { certificate }) =
                    &mut proposal.original_proposal
                {
                    certificate.chain_id = self.world.other;
                }
                if let Original::Regular { fits, .. } = &mut original {
                    *fits = false;
                }
            }
            _ => {}
        }
        Letter {
            to: self.addressee(flaw),
            said: Said::Offer(Arc::new(Offer {
                proposal: Arc::new(proposal),
                signed,
                original,
                value,
            })),
        }
    }

    fn certify(
        &mut self,
        kind: CertificateKind,
        block: u8,
        (round, signers): (RoundPick, Signers),
        lite: bool,
        flaw: Option<Flaw>,
    ) -> Option<Letter> {
        let validated = kind == CertificateKind::Validated;
        let no_height = match flaw {
            Some(Flaw::Below) => self.model.height == BlockHeight(0),
            _ => self.model.height == BlockHeight::MAX,
        };
        if no_height || (self.world.leaps() && flaw == Some(Flaw::Above)) {
            // No correct validator signs for a height that must stay empty.
            return None;
        }
        let good_signers = matches!(signers, Signers::Others | Signers::WithOwn);
        let whole = flaw.is_none_or(|flaw| flaw.keeps_the_block());
        let taken_in = self.model.taken_in;
        let certified = if !validated && good_signers && whole {
            let tip = self.world.commit(block, &self.state, taken_in);
            if flaw == Some(Flaw::Above) {
                let taken_in = taken_in + taken_in_by(&tip.block);
                self.world.commit(block, &tip.state, taken_in).block
            } else {
                tip.block
            }
        } else {
            let proposed = self.altered_block(self.proposed(block), flaw);
            let block = self.executed(&proposed).expect("good blocks execute");
            if flaw == Some(Flaw::Outcome) {
                alter_outcome(&block)
            } else {
                block
            }
        };
        let round = if validated {
            self.certified_round(round)
        } else {
            self.round(round)
        };
        let said_kind = match (kind, flaw == Some(Flaw::Kind)) {
            (CertificateKind::Validated, true) => CertificateKind::Confirmed,
            (_, true) => CertificateKind::Validated,
            (kind, false) => kind,
        };
        let payload = self.world.payload(&certified, round, said_kind);
        let mut vouched = self.world.vouch(certified, payload, signers);
        let mut lite = lite;
        match flaw {
            Some(Flaw::RoundAfter) => {
                vouched.lite.payload.round = self.model.next_round(vouched.lite.payload.round);
                vouched.valid = vouched.valid.and(Err(CertificateError::InvalidSignature));
            }
            Some(Flaw::OtherChainsCertificate) => {
                vouched.lite.chain_id = self.world.other;
                lite = true;
            }
            _ => {}
        }
        Some(Letter {
            to: self.addressee(flaw),
            said: match (validated, lite) {
                (true, false) => Said::Validated(vouched),
                (true, true) => Said::LiteValidated(vouched),
                (false, false) => Said::Confirmed(vouched),
                (false, true) => Said::LiteConfirmed(vouched),
            },
        })
    }

    fn end_round(&self, round: RoundPick, signers: Signers, flaw: Option<Flaw>) -> Letter {
        let round = match self.round(round) {
            Round::Validator(_) => Round::SingleLeader(2),
            round => round,
        };
        let timeout = Timeout {
            chain_id: if flaw == Some(Flaw::Chain) {
                self.world.other
            } else {
                self.world.chain
            },
            height: altered_height(self.model.height, flaw),
            epoch: Epoch(u32::from(flaw == Some(Flaw::Epoch))),
        };
        let signed = self.world.sign(timeout.payload(round), signers);
        let mut lite = signed.lite(timeout.chain_id);
        let mut valid = signed.valid;
        if flaw == Some(Flaw::RoundAfter) {
            lite.payload = timeout.payload(self.model.next_round(round));
            valid = valid.and(Err(CertificateError::InvalidSignature));
        }
        let certificate = TimeoutCertificate::new(timeout, lite).expect("over this timeout");
        Letter {
            to: self.addressee(flaw),
            said: Said::Timeout(Arc::new(certificate), valid),
        }
    }
}

/// The highest round below `round` in which blocks are validated; the lowest if there is none.
fn round_before(round: Round) -> Round {
    match round {
        Round::Fast | Round::MultiLeader(0) => Round::MultiLeader(0),
        Round::MultiLeader(number) => Round::MultiLeader(number - 1),
        Round::SingleLeader(0) => Round::MultiLeader(1),
        Round::SingleLeader(number) => Round::SingleLeader(number - 1),
        Round::Validator(_) => Round::SingleLeader(2),
    }
}

fn taken_in_by(block: &Block) -> u64 {
    u64::try_from(block.proposed().incoming_bundles().count()).expect("small")
}

fn altered_height(height: BlockHeight, flaw: Option<Flaw>) -> BlockHeight {
    match flaw {
        Some(Flaw::Above) => height.next(),
        Some(Flaw::Below) => height.previous().unwrap_or(height),
        _ => height,
    }
}

/// A retry of `block` as its proposer signs it; the certificate is put in by the caller.
fn retry_of(
    block: &Arc<Block>,
    certified: Round,
    round: Round,
    key: &crate::signature::SigningKey,
) -> BlockProposal {
    let payload = VotePayload {
        value_hash: block.hash(),
        round: certified,
        kind: CertificateKind::Validated,
        unlocking_round: None,
        first_round: false,
        commitment: None,
    };
    let lite = LiteCertificate {
        chain_id: block.chain_id(),
        payload,
        signatures: Vec::new(),
    };
    let unsigned = BlockCertificate::new(block.clone(), lite).expect("over this block");
    BlockProposal::retry_validated(&unsigned, round, key)
}

/// Puts what makes another block a retry in the place of what makes this one.
fn swap_original(writer: &Writer<'_>, proposal: &mut BlockProposal, original: &mut Original) {
    let others = [0, 1].map(|kind| Arc::new(writer.proposed(kind)));
    let other = others
        .into_iter()
        .find(|other| CryptoHash::of(&**other) != proposal.block_hash())
        .expect("two blocks differ");
    match (&mut proposal.original_proposal, original) {
        (Some(OriginalProposal::Fast { signature, .. }), Original::Fast { owner, signed }) => {
            let signer = (0..PEOPLE)
                .map(person)
                .find(|key| key.public().owner() == *owner)
                .expect("one of the people");
            *signature = BlockProposal::fresh(other, Round::Fast, &signer).signature;
            *signed = false;
        }
        (
            Some(OriginalProposal::Regular { certificate }),
            Original::Regular {
                payload,
                valid,
                fits,
            },
        ) => {
            let block = writer.executed(&other).expect("good blocks execute");
            let said = writer.world.payload(&block, payload.round, payload.kind);
            let vouched = writer.world.vouch(block, said, Signers::Others);
            *certificate = vouched.lite;
            (*payload, *valid, *fits) = (said, Ok(()), false);
        }
        _ => {}
    }
}
