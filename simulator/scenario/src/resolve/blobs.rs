//! Actions on blobs.

use super::Resolver;
use crate::diagnostic::Code;
use crate::document::At;
use crate::names::is_name;
use crate::plan::{Action, BlobPlan};
use crate::spec::{BlobSpec, StepSpec};

/// Bytes of a blob whose size is not given.
const SIZE: u64 = 100;
/// So that a file cannot fill the memory; ten times what a validator takes in.
const SIZE_MAX: u64 = 10_000_000;
const COUNT_MAX: u64 = 100;

impl Resolver<'_> {
    /// The action of a step on blobs, if it has one.
    pub(super) fn blob_action(&mut self, at: &At, written: &StepSpec) -> Option<Action> {
        if let Some(spec) = &written.publish_blob {
            let at = at.key("publish_blob");
            let blob = self.blob(&at, spec)?;
            let Some(count) = spec.count else {
                return Some(Action::PublishBlobs(vec![blob]));
            };
            let count = self.bounded(&at.key("count"), Some(count), COUNT_MAX)?;
            let numbered = |number: u32| BlobPlan {
                name: format!("{}/{number}", blob.name),
                ..blob.clone()
            };
            return Some(Action::PublishBlobs((0..count).map(numbered).collect()));
        }
        let spec = written.verify_blob.as_ref()?;
        let at = at.key("verify_blob");
        if spec.count.is_some() {
            let message = "one step verifies one blob";
            let help = "remove `count`, and write the name with its number".to_owned();
            self.say_key(&at.key("count"), Code::BadValue, message, "", help);
        }
        Some(Action::VerifyBlob(self.blob(&at, spec)?))
    }

    fn blob(&mut self, at: &At, written: &BlobSpec) -> Option<BlobPlan> {
        let name = written.name.clone()?;
        let plain = name.split_once('/').map_or(name.as_str(), |(name, _)| name);
        if !is_name(plain) {
            let message = format!("`{name}` cannot be the name of a blob");
            let help = "use letters, digits, `-` and `_`, at most 64".to_owned();
            self.say(&at.key("name"), Code::BadValue, message, help);
            return None;
        }
        let size = written.size.unwrap_or(SIZE);
        self.bounded(&at.key("size"), Some(size), SIZE_MAX)?;
        Some(BlobPlan { name, size })
    }
}
