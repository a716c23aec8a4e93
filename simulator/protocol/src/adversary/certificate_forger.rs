//! The certificate forger: before each certificate that it tells of, it tells of four that are none:
//! one signer counted twice, a signer from outside the committee, too few signers, and a signature
//! that its signer has not made.

use std::sync::Arc;

use crate::{
    certificate::LiteCertificate,
    client::Client,
    hash::CryptoHash,
    machine::{Output, Outputs},
    rpc::{Packet, Request, RequestId},
    signature::{PublicKey, Signature},
};

/// The signatures of a certificate, each with its signer.
type Signatures = Vec<(PublicKey, Signature)>;

pub(super) fn distort(client: &Client, out: &mut Outputs) -> bool {
    let before = out.list.len();
    let mut list = Vec::with_capacity(before);
    for output in out.list.drain(..) {
        if let Output::Send(to, Packet::Request { chain, request, .. }) = &output {
            for request in forged(client, request) {
                // Nobody waits for the answers.
                let id = RequestId(u64::MAX - u64::try_from(list.len()).unwrap_or(0));
                let chain = *chain;
                list.push(Output::Send(*to, Packet::Request { id, chain, request }));
            }
        }
        list.push(output);
    }
    out.list = list;
    out.list.len() > before
}

/// What looks like this request, and is none.
fn forged(client: &Client, request: &Request) -> Vec<Request> {
    let of = |lite: &Arc<LiteCertificate>, wrap: fn(Arc<LiteCertificate>) -> Request| {
        let all = forgeries(client, lite).into_iter();
        all.map(|forgery| wrap(Arc::new(forgery))).collect()
    };
    match request {
        Request::LiteValidated(lite) => of(lite, Request::LiteValidated),
        Request::LiteConfirmed(lite) => of(lite, Request::LiteConfirmed),
        _ => Vec::new(),
    }
}

/// The four forgeries of a certificate.
fn forgeries(client: &Client, lite: &LiteCertificate) -> Vec<LiteCertificate> {
    let own = client.key().sign(&CryptoHash::of(&lite.payload));
    let with = |change: &dyn Fn(&mut Signatures)| {
        let mut forgery = lite.clone();
        change(&mut forgery.signatures);
        forgery
    };
    let last = lite.signatures.len().saturating_sub(1);
    vec![
        with(&|signers| signers[last] = signers[0]),
        with(&|signers| signers[last] = (client.key().public(), own)),
        with(&|signers| signers.truncate(1)),
        with(&|signers| signers[last].1 = own),
    ]
}
