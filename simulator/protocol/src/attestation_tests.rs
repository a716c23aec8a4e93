//! What the signers of a confirmed block say about its round (I-17): a validator that executes the
//! block knows which round was the first, and believes nobody who says otherwise.

use std::sync::Arc;

use crate::{
    certificate::{ConfirmedBlockCertificate, LiteCertificate, Vote, VotePayload},
    error::{CertificateError, NodeError},
    ids::{Address, ClientIndex, ValidatorIndex},
    observe::Observation,
    ownership::ChainOwnership,
    rpc::{Delivery, Packet, Request, RequestId},
    testing::{Net, key},
};

/// The certificate of a payment, as a quorum has signed it.
fn certificate() -> Arc<ConfirmedBlockCertificate> {
    let mut net = Net::new(&[100, 0], ChainOwnership::single);
    net.transfer(0, 1, 10);
    net.run();
    let confirmed = net.facts.iter().find_map(|(_, fact)| match fact {
        Observation::BlockConfirmed { certificate } => Some(certificate.clone()),
        _ => None,
    });
    confirmed.expect("the payment is confirmed")
}

/// The same block, signed in other words by all validators.
fn resigned(
    certificate: &ConfirmedBlockCertificate,
    payload: VotePayload,
) -> Arc<ConfirmedBlockCertificate> {
    let votes = (0..4).map(|index| Vote::new(payload, &key(1, index)));
    let mut signatures: Vec<_> = votes.map(|vote| (vote.key, vote.signature)).collect();
    signatures.sort_unstable_by_key(|(key, _)| *key);
    let lite = LiteCertificate {
        chain_id: certificate.block().chain_id(),
        payload,
        signatures,
    };
    let block = certificate.block().clone();
    Arc::new(ConfirmedBlockCertificate::new(block, lite).expect("over this block"))
}

#[test]
fn a_quorum_that_is_wrong_about_the_first_round_is_not_believed() {
    let sound = certificate();
    let payload = sound.lite().payload;
    assert!(payload.first_round, "nobody disputes the first round");
    let mut net = Net::new(&[100, 0], ChainOwnership::single);
    let send = |net: &mut Net, certificate: Arc<ConfirmedBlockCertificate>| {
        let packet = Packet::Request {
            id: RequestId(99),
            chain: certificate.block().chain_id(),
            request: Request::Confirmed(certificate, Delivery::NonBlocking),
        };
        let wallet = Address::Client(ClientIndex(0));
        net.inject(wallet, Address::Proxy(ValidatorIndex(0)), packet);
    };
    let lying = VotePayload {
        first_round: false,
        ..payload
    };
    send(&mut net, resigned(&sound, lying));
    let wrong = NodeError::Certificate(CertificateError::FirstRoundViolation);
    let refused = |net: &Net| {
        net.count(
            |fact| matches!(fact, Observation::RequestRefused { error, .. } if *error == wrong),
        )
    };
    assert_eq!(refused(&net), 1);
    assert_eq!(net.heights(0), [0; 4], "and nothing changes");
    send(&mut net, resigned(&sound, payload));
    assert_eq!(refused(&net), 1);
    assert_eq!(net.heights(0), [1, 0, 0, 0]);
}
