//! What the environment does: steps of scripts, arrivals of open workloads, users of closed ones.

use std::{collections::BTreeMap, sync::Arc};

use engine::{Input, Purpose, Resident, Scripted, Seed, VirtualTime};
use protocol::{
    TimeDelta,
    ids::{Address, ClientIndex},
    rpc::{Command, Packet, Trigger},
};
use scenario::{
    Plan,
    plan::{self, ApplicationIndex},
};

use super::{Acting, Names, table};
use crate::{
    closed_loop::{ClosedLoop, ClosedWorkload},
    node::{Envelope, SimNode, to_protocol},
    topology::Topology,
};

/// All commands of the environment, in the order of the plan; users of closed workloads are put
/// into their wallets.
pub(super) fn script(
    plan: &Arc<Plan>,
    names: &Arc<Names>,
    topology: &Topology,
    residents: &mut [Resident<SimNode>],
) -> Vec<Scripted<Envelope>> {
    let mut writer = Writer {
        plan,
        names,
        topology,
        script: Vec::new(),
        next_number: 0,
        users: 0,
    };
    writer.applications();
    for (number, workload) in (0..).zip(&plan.workloads) {
        match &workload.kind {
            plan::WorkloadKind::Script(steps) => writer.steps(number, steps),
            plan::WorkloadKind::Open(open, action) => writer.arrivals(number, open, action),
            plan::WorkloadKind::Closed(closed, action) => {
                writer.users(number, closed, action, residents);
            }
        }
    }
    writer.script
}

struct Writer<'a> {
    plan: &'a Arc<Plan>,
    names: &'a Arc<Names>,
    topology: &'a Topology,
    script: Vec<Scripted<Envelope>>,
    next_number: u64,
    users: u64,
}

impl Writer<'_> {
    fn command(&mut self, at: VirtualTime, wallet: ClientIndex, command: Command) {
        let to = self.topology.actor(Address::Client(wallet));
        let body = Envelope(Packet::Command(Arc::new(command)));
        let input = Input::Message {
            from: engine::ActorId::ENVIRONMENT,
            body,
        };
        self.script.push(Scripted { at, to, input });
    }

    /// Applications are created before anything else is numbered.
    fn applications(&mut self) {
        for (index, application) in (0..)
            .map(ApplicationIndex::new)
            .zip(&self.plan.applications)
        {
            let (publish, create) = self.names.creation(self.plan, index);
            let creator = self.names.wallet(application.creator);
            let at = application.at;
            let scheduled_us = Some(at.as_micros());
            let mut trigger = Trigger::Now;
            if let (Some(action), Some(publisher)) = (publish, application.publisher) {
                let command = Command {
                    number: self.next_number,
                    trigger,
                    action,
                    scheduled_us,
                    then: Some(creator),
                };
                trigger = Trigger::After(command.number, TimeDelta::default());
                self.next_number += 1;
                self.command(at, self.names.wallet(publisher), command);
            }
            let command = Command {
                number: self.next_number,
                trigger,
                action: create,
                scheduled_us: scheduled_us.filter(|_| trigger == Trigger::Now),
                then: None,
            };
            self.next_number += 1;
            self.command(at, creator, command);
        }
    }

    fn steps(&mut self, workload: u64, steps: &[plan::StepPlan]) {
        let first = self.next_number;
        self.next_number += u64::try_from(steps.len()).expect("a script fits memory");
        // The wallet that waits for each step, by the step's number.
        let mut waiting = BTreeMap::new();
        for (number, step) in (first..).zip(steps) {
            if let plan::Trigger::AfterPrevious(_) = step.trigger {
                waiting.insert(number - 1, self.names.wallet((step.chain, step.owner)));
            }
        }
        for (number, step) in (first..).zip(steps) {
            let (at, trigger, scheduled_us) = match step.trigger {
                plan::Trigger::At(at) => (at, Trigger::Now, Some(at.as_micros())),
                plan::Trigger::InboxNotEmpty => (VirtualTime::ZERO, Trigger::Inbox, None),
                plan::Trigger::AfterPrevious(delay) => (
                    VirtualTime::ZERO,
                    Trigger::After(number - 1, to_protocol(delay)),
                    None,
                ),
            };
            let who = (step.chain, step.owner);
            let n = self.draw_number(&step.action, step.chain, number - first);
            let draw = Seed(self.plan.seed).workload_draw(Purpose::Target, workload, n);
            let acting = acting(who, number - first);
            let action = self.names.action(self.plan, acting, &step.action, draw);
            let then = waiting.get(&number).copied();
            let wallet = self.names.wallet(who);
            self.command(
                at,
                wallet,
                Command {
                    number,
                    trigger,
                    action,
                    scheduled_us,
                    then,
                },
            );
        }
    }

    /// A choice that sticks to the sender is numbered by it.
    fn draw_number(&self, action: &plan::Action, sender: plan::ChainIndex, n: u64) -> u64 {
        match action {
            plan::Action::Transfer { to, .. }
            | plan::Action::TransferFrom { to, .. }
            | plan::Action::Submit { to, .. }
                if to.draws_by_sender() =>
            {
                u64::from(sender.get())
            }
            plan::Action::SendBundle(bundle) if bundle.to.draws_by_sender() => {
                u64::from(sender.get())
            }
            plan::Action::Transfer { .. }
            | plan::Action::TransferFrom { .. }
            | plan::Action::Approve { .. }
            | plan::Action::SendBundle(_)
            | plan::Action::Submit { .. }
            | plan::Action::Claim { .. }
            | plan::Action::OpenChain(_)
            | plan::Action::ProcessInbox
            | plan::Action::TakeNewest
            | plan::Action::Airdrop { .. }
            | plan::Action::ChangeOwnership(_)
            | plan::Action::CloseChain
            | plan::Action::NewCommittee(..)
            | plan::Action::RevokeEpoch(_)
            | plan::Action::PublishBlobs(_)
            | plan::Action::VerifyBlob(_)
            | plan::Action::ChangePermissions { .. } => n,
            plan::Action::Call(call) if call.draws_by_sender() => u64::from(sender.get()),
            plan::Action::Call(_) => n,
        }
    }

    fn arrivals(&mut self, workload: u64, open: &plan::OpenPlan, action: &plan::Action) {
        let seed = Seed(self.plan.seed);
        let mut cursor = plan::ArrivalCursor::default();
        loop {
            let n = cursor.count();
            let gap = seed.workload_draw(Purpose::Arrival, workload, n);
            let Some(at) = open.next_arrival(&mut cursor, gap) else {
                return;
            };
            let chain = open.source(n, seed.workload_draw(Purpose::Source, workload, n));
            let who = (chain, self.plan.chain(chain).owners[0].owner);
            let target = self.draw_number(action, chain, n);
            let draw = seed.workload_draw(Purpose::Target, workload, target);
            let command = Command {
                number: self.next_number,
                trigger: Trigger::Now,
                action: self.names.action(self.plan, acting(who, n), action, draw),
                scheduled_us: Some(at.as_micros()),
                then: None,
            };
            self.next_number += 1;
            self.command(at, self.names.wallet(who), command);
        }
    }

    fn users(
        &mut self,
        workload: u64,
        closed: &plan::ClosedPlan,
        action: &plan::Action,
        residents: &mut [Resident<SimNode>],
    ) {
        let shared = Arc::new(ClosedWorkload {
            number: workload,
            think: table(&closed.think),
            from: closed.from,
            until: closed.until,
            action: action.clone(),
        });
        for user in &closed.users {
            let wallet = self.names.wallet((user.chain, user.owner));
            let actor = self.topology.actor(Address::Client(wallet));
            let looping = ClosedLoop::new(
                shared.clone(),
                self.names.clone(),
                self.plan.clone(),
                *user,
                self.users,
            );
            self.users += 1;
            let index = usize::try_from(actor.0 - 1).expect("an index fits memory");
            residents[index].node.closed_loop = Some(Box::new(looping));
            let input = Input::Timer {
                token: crate::node::THOUGHT,
            };
            self.script.push(Scripted {
                at: closed.from,
                to: actor,
                input,
            });
        }
    }
}

const fn acting((chain, owner): (plan::ChainIndex, plan::OwnerIndex), number: u64) -> Acting {
    Acting {
        chain,
        owner,
        number,
    }
}
