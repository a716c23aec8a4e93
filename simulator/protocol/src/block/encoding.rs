//! How a block is written down: its proposal, its outcome, and what applications left behind if the
//! proposal calls any. So a block without applications is as long as if there were none.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
    ser::SerializeTuple,
};

use super::{Block, BlockExecutionOutcome, ProposedBlock};

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let applications = self.outcome.applications.as_deref();
        let parts = 2 + usize::from(applications.is_some());
        let mut tuple = serializer.serialize_tuple(parts)?;
        tuple.serialize_element(&self.proposed)?;
        tuple.serialize_element(&self.outcome)?;
        if let Some(applications) = applications {
            tuple.serialize_element(applications)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(3, Parts)
    }
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Block;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a proposal, its outcome, and what applications left behind if it calls any")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Block, A::Error> {
        let missing = |part| A::Error::invalid_length(part, &self);
        let proposed: Option<ProposedBlock> = parts.next_element()?;
        let proposed = proposed.ok_or_else(|| missing(0))?;
        let outcome: Option<BlockExecutionOutcome> = parts.next_element()?;
        let mut outcome = outcome.ok_or_else(|| missing(1))?;
        if proposed.calls_applications() {
            let applications = parts.next_element()?;
            outcome.applications = Some(applications.ok_or_else(|| missing(2))?);
        }
        Ok(Block::new(proposed, outcome))
    }
}
