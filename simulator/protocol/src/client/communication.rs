//! Talking to all validators at once: one lane each, with what must be sent first to help it.
//!
//! Owns requests on their way, repeats and the grace period for stragglers. Knows nothing of what
//! the answers mean.

use std::collections::VecDeque;

use crate::{
    ids::{Address, ChainId, ValidatorIndex},
    machine::Outputs,
    rpc::{Packet, Reply, Request, RequestId},
    time::Timestamp,
};

/// Where one validator stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LaneStatus {
    /// A request is on its way.
    Busy,
    /// It has answered.
    Answered,
    /// It has refused for good, or does not answer.
    Failed,
}

/// The conversation with one validator.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) validator: ValidatorIndex,
    pub(super) status: LaneStatus,
    /// How often it was helped.
    pub(super) helped: u32,
    goal: (ChainId, Request),
    helpers: VecDeque<(ChainId, Request)>,
    in_flight: Option<RequestId>,
    sent_at: Timestamp,
    repeats: u32,
}

/// The conversations of one step.
#[derive(Clone, Debug)]
pub(super) struct Communication {
    /// Number of the step; timers carry it.
    pub(super) phase: u64,
    pub(super) started: Timestamp,
    pub(super) lanes: Vec<Lane>,
    /// Until when stragglers may still answer, once there is a quorum.
    pub(super) grace_until: Option<Timestamp>,
}

impl Communication {
    /// Sends each validator its goal; request ids follow `next_request`.
    pub(super) fn start(
        phase: u64,
        now: Timestamp,
        goals: Vec<(ValidatorIndex, ChainId, Request)>,
        next_request: &mut u64,
        out: &mut Outputs,
    ) -> Self {
        let lane = |(validator, chain, request)| Lane {
            validator,
            status: LaneStatus::Busy,
            helped: 0,
            goal: (chain, request),
            helpers: VecDeque::new(),
            in_flight: None,
            sent_at: now,
            repeats: 0,
        };
        let lanes = goals.into_iter().map(lane).collect();
        let mut this = Self {
            phase,
            started: now,
            lanes,
            grace_until: None,
        };
        for lane in &mut this.lanes {
            lane.send(now, next_request, out);
        }
        this
    }

    /// Takes an answer. Returns the lane and the answer if it answers the lane's goal.
    pub(super) fn on_reply(
        &mut self,
        now: Timestamp,
        id: RequestId,
        reply: Reply,
        next_request: &mut u64,
        out: &mut Outputs,
    ) -> Result<(usize, Reply), NotMine> {
        let position = self
            .lanes
            .iter()
            .position(|lane| lane.in_flight == Some(id));
        let index = position.ok_or(NotMine::Stale)?;
        let lane = &mut self.lanes[index];
        lane.in_flight = None;
        lane.repeats = 0;
        if lane.helpers.pop_front().is_some() {
            // Whether the help was of use shows when the goal is asked again.
            lane.send(now, next_request, out);
            return Err(NotMine::Help);
        }
        Ok((index, reply))
    }

    /// Repeats what is overdue; gives up on validators that never answer. Returns those asked again.
    pub(super) fn repeat_overdue(
        &mut self,
        now: Timestamp,
        overdue_since: Timestamp,
        retries: u32,
        next_request: &mut u64,
        out: &mut Outputs,
    ) -> Vec<ValidatorIndex> {
        let mut repeated = Vec::new();
        for lane in &mut self.lanes {
            if lane.status != LaneStatus::Busy || lane.sent_at > overdue_since {
                continue;
            }
            if lane.repeats >= retries {
                lane.status = LaneStatus::Failed;
                lane.in_flight = None;
            } else {
                lane.repeats += 1;
                lane.send(now, next_request, out);
                repeated.push(lane.validator);
            }
        }
        repeated
    }

    /// The validators that have not answered yet.
    pub(super) fn busy(&self) -> impl Iterator<Item = ValidatorIndex> {
        self.lanes
            .iter()
            .filter(|lane| lane.status == LaneStatus::Busy)
            .map(|lane| lane.validator)
    }

    /// Those of them that have not let two requests pass.
    pub(super) fn prompt(&self) -> impl Iterator<Item = ValidatorIndex> {
        self.lanes
            .iter()
            .filter(|lane| lane.status == LaneStatus::Busy && lane.repeats < 2)
            .map(|lane| lane.validator)
    }

    /// Whether no lane has anything on its way.
    pub(super) fn all_settled(&self) -> bool {
        self.lanes
            .iter()
            .all(|lane| lane.status != LaneStatus::Busy)
    }
}

impl Lane {
    /// The chain that the goal is about.
    pub(super) const fn chain(&self) -> ChainId {
        self.goal.0
    }

    /// Asks again, after these requests that are to help.
    pub(super) fn help(
        &mut self,
        now: Timestamp,
        helpers: Vec<(ChainId, Request)>,
        next_request: &mut u64,
        out: &mut Outputs,
    ) {
        self.helped += 1;
        self.helpers = helpers.into();
        self.send(now, next_request, out);
    }

    /// Asks for something else instead.
    pub(super) fn replace_goal(
        &mut self,
        now: Timestamp,
        validator: ValidatorIndex,
        request: Request,
        next_request: &mut u64,
        out: &mut Outputs,
    ) {
        self.validator = validator;
        self.goal.1 = request;
        self.send(now, next_request, out);
    }

    fn send(&mut self, now: Timestamp, next_request: &mut u64, out: &mut Outputs) {
        *next_request += 1;
        let id = RequestId(*next_request);
        let (chain, request) = self.helpers.front().unwrap_or(&self.goal).clone();
        self.in_flight = Some(id);
        self.sent_at = now;
        self.status = LaneStatus::Busy;
        out.send(
            Address::Proxy(self.validator),
            Packet::Request { id, chain, request },
        );
    }
}

/// Why an answer says nothing about a goal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NotMine {
    /// Nobody waits for it any more.
    Stale,
    /// It answers a request that was to help.
    Help,
}
