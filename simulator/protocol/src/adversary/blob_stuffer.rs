//! The blob stuffer: with each block it uploads blobs that no block refers to, to fill the validators'
//! disks.

use super::extra_requests;
use crate::{
    blob::{Blob, BlobContent, BlobLimits},
    machine::Outputs,
    rpc::Request,
};

pub(super) fn distort(out: &mut Outputs) -> bool {
    let unwanted = Blob::new(BlobContent::data(b"nobody has asked for this".to_vec()));
    let most = usize::try_from(BlobLimits::DEFAULT.maximum_blob_size).expect("fits memory");
    let huge = Blob::new(BlobContent::data(vec![0; most + 1]));
    extra_requests(out, |request| match request {
        Request::Proposal(_) => vec![
            Request::PendingBlob(unwanted.clone()),
            Request::UploadBlob(unwanted.clone()),
            Request::PendingBlob(huge.clone()),
        ],
        _ => Vec::new(),
    })
}
