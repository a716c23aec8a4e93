//! Asking an application's service about a chain, outside of any block.
//!
//! Nothing is changed and nothing is recorded. What the service schedules is given to whoever asks,
//! who may put it into a block.

use super::{
    Content, Execution, ExecutionState, applications::Made, metering::ORACLE_FUEL, runtime,
};
use crate::{
    application::{action::ActionError, outcome::UserOperation, query},
    block::ProposedBlock,
    ids::ApplicationId,
    oracle::Oracles,
    outside::Outside,
    sabotage::Sabotage,
    time::Timestamp,
};

/// What a service answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queried {
    /// The answer, in the application's encoding: JSON by convention.
    pub response: Vec<u8>,
    /// The operations that it schedules, in order.
    pub operations: Vec<UserOperation>,
}

/// Asks the service of `application` about the chain whose state this is, at the time `now`.
///
/// # Errors
/// If the application is not known, or its service fails.
pub fn query(
    state: &ExecutionState,
    content: &dyn Content,
    application: ApplicationId,
    request: Vec<u8>,
    now: Timestamp,
    outside: &dyn Outside,
) -> Result<Queried, ActionError> {
    // A service sees the block that comes next, which nobody has proposed yet.
    let block = ProposedBlock {
        chain_id: state.chain_id,
        epoch: state.epoch,
        transactions: Vec::new(),
        height: state.next_height,
        timestamp: now.max(state.timestamp),
        authenticated_owner: None,
        previous_block_hash: state.tip_hash,
    };
    let mut execution = Execution {
        sabotage: Sabotage::None,
        meter: None,
        was_closed: state.closed,
        state: state.clone(),
        block: &block,
        changes: Vec::new(),
        messages: vec![Vec::new()],
        opened: vec![Vec::new()],
        opened_count: 0,
        oracles: Oracles::Ask,
        oracle_responses: vec![Vec::new()],
        content: Some(content),
        outside,
        made: Some(Box::new(Made::scheduling())),
    };
    let mut runtime = runtime::Runtime::new(&mut execution);
    let outcome = query::perform(application, request, ORACLE_FUEL, &mut runtime);
    let response = outcome.result?;
    let scheduled = execution.made().scheduled.take();
    Ok(Queried {
        response,
        operations: scheduled.unwrap_or_default(),
    })
}
