//! Contents of packets in 64 bits, for the chain hash of a run.

use super::{CrossChainRequest, Reply, Request, Response};
use crate::{hash::CryptoHash, round::Round};

pub(super) fn request_fingerprint(request: &Request) -> u64 {
    match request {
        Request::Proposal(proposal) => proposal.block_hash().fingerprint(),
        Request::LiteValidated(lite) | Request::LiteConfirmed(lite) => {
            lite.payload.value_hash.fingerprint().rotate_left(1)
        }
        Request::Validated(certificate) | Request::Confirmed(certificate, _) => {
            certificate.hash().fingerprint().rotate_left(2)
        }
        Request::Timeout(certificate) => {
            let payload = &certificate.lite().payload;
            payload.value_hash.fingerprint() ^ round_fingerprint(payload.round)
        }
        Request::ChainInfo(query) => {
            let timeout = query.leader_timeout.map_or(0, |(height, round)| {
                height.0.rotate_left(7) ^ round_fingerprint(round)
            });
            let fallback = query.fallback.map_or(0, |height| !height.0);
            (11 + query.received_log_from.unwrap_or(u64::MAX / 2)) ^ timeout ^ fallback
        }
        Request::DownloadCertificates(heights) => heights
            .iter()
            .fold(12, |sum: u64, height| sum.wrapping_mul(31) ^ height.0),
        Request::Subscribe { blocks } => 13 + u64::from(*blocks),
        Request::PendingBlob(blob) => blob.id().hash.fingerprint().rotate_left(3),
        Request::UploadBlob(blob) => blob.id().hash.fingerprint().rotate_left(4),
        Request::DownloadBlob(id) => id.hash.fingerprint().rotate_left(5),
        Request::DownloadEvents(wanted) => 19 ^ u64::from(wanted.1).rotate_left(9),
    }
}

pub(super) fn round_fingerprint(round: Round) -> u64 {
    match round {
        Round::Fast => 1,
        Round::MultiLeader(number) => 1 << 33 | u64::from(number),
        Round::SingleLeader(number) => 1 << 34 | u64::from(number),
        Round::Validator(number) => 1 << 35 | u64::from(number),
    }
}

pub(super) fn reply_fingerprint(reply: &Reply) -> u64 {
    match reply {
        Ok(Response::Info(response)) => {
            let info = &response.info;
            let vote = info
                .vote
                .as_ref()
                .map_or(0, |vote| vote.payload.value_hash.fingerprint());
            let log = u64::try_from(info.received_log.len()).expect("a log fits memory");
            let timeout = info.timeout_vote.as_ref();
            let timeout = timeout.map_or(0, |vote| round_fingerprint(vote.payload.round));
            info.state_hash.fingerprint()
                ^ info.next_block_height.0.rotate_left(32)
                ^ vote
                ^ log
                ^ timeout.rotate_left(11)
        }
        Ok(Response::Certificates(certificates)) => {
            certificates.iter().fold(14, |sum: u64, certificate| {
                sum.rotate_left(7) ^ certificate.hash().fingerprint()
            })
        }
        Ok(Response::Blob(proof)) => proof.as_ref().map_or(17, |certificate| {
            certificate.hash().fingerprint().rotate_left(6)
        }),
        Ok(Response::Done) => 15,
        Err(error) => {
            let bytes = bcs::to_bytes(error).expect("errors encode");
            CryptoHash::of_bytes("NodeError", &bytes).fingerprint()
        }
    }
}

pub(super) fn cross_chain_fingerprint(request: &CrossChainRequest) -> u64 {
    match request {
        CrossChainRequest::UpdateRecipient {
            recipient, bundles, ..
        } => bundles
            .iter()
            .fold(recipient.0.fingerprint(), |sum, (_, bundle)| {
                let at =
                    bundle.certificate_hash.fingerprint() ^ u64::from(bundle.transaction_index);
                sum.rotate_left(9) ^ at
            }),
        CrossChainRequest::ConfirmUpdatedRecipient {
            sender,
            recipient,
            latest_height,
        } => sender.0.fingerprint().rotate_left(3) ^ recipient.0.fingerprint() ^ latest_height.0,
        CrossChainRequest::RevertConfirm {
            sender,
            recipient,
            retransmit_from,
        } => {
            let pair = sender.0.fingerprint().rotate_left(13) ^ recipient.0.fingerprint();
            pair ^ retransmit_from.0
        }
        CrossChainRequest::StoreDescription(description) => {
            description.id().0.fingerprint().rotate_left(5)
        }
        CrossChainRequest::StoreEpochs(epochs) => {
            16 ^ u64::from(epochs.newest().0).rotate_left(32) ^ u64::from(epochs.first_trusted().0)
        }
        CrossChainRequest::StoreBlobs(stored) => stored.iter().fold(18, |sum: u64, (id, _)| {
            sum.rotate_left(7) ^ id.hash.fingerprint()
        }),
        CrossChainRequest::StoreEvents(runs) => runs.iter().fold(20, |sum: u64, run| {
            sum.rotate_left(7) ^ run.block.fingerprint()
        }),
    }
}
