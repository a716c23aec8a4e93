//! One validator against everything that anybody may send it: well-formed, mangled, stale and
//! repeated messages in any order, passing time, and crashes between any two outputs. What it
//! answers, signs and keeps is compared with a small reference (`model.rs`) after every message,
//! and all that it has ever signed with the invariants (`history.rs`).

mod actions;
mod coverage;
mod history;
mod letters;
mod model;
mod world;

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::RngSeed};

use crate::{
    TimeDelta, Timestamp,
    certificate::{CertificateKind, VotePayload},
    chain::ChainState,
    error::NodeError,
    ids::BlockHeight,
    machine::{Output, Outputs},
    manager::LockingBlock,
    observe::Observation,
    round::Round,
    rpc::{ChainInfoQuery, ChainInfoResponse, Packet, Reply, RequestId, Response},
    worker::Worker,
};

use actions::{Action, Flaw, Retry, RoundPick, Step};
use history::History;
use letters::{Letter, Said, Writer};
use model::{Model, Verdict};
use world::{Setting, Signers, World};

/// The validator, the reference and the world around them.
struct Run {
    world: World,
    worker: Worker,
    model: Model,
    history: History,
    now: Timestamp,
    /// Everything sent so far, to be sent again.
    sent: Vec<Letter>,
    timers: Vec<(Timestamp, u64)>,
    /// How often each rule and each reason was met.
    tally: BTreeMap<String, u64>,
}

/// What the outputs tell about one request: votes and refusals, and then the answer.
#[derive(Default)]
struct Told {
    votes: Vec<(BlockHeight, VotePayload)>,
    refusals: Vec<NodeError>,
    reply: Option<Reply>,
}

impl Run {
    fn new(setting: Setting) -> Self {
        let world = World::new(setting);
        let mut run = Self {
            worker: Worker::new(world.worker_config()),
            model: Model::new(&world),
            world,
            history: History::default(),
            now: Timestamp::default(),
            sent: Vec::new(),
            timers: Vec::new(),
            tally: BTreeMap::new(),
        };
        // Both chains are touched before anything happens: their timers start now.
        for to in [run.world.chain, run.world.other] {
            let said = Said::Query(ChainInfoQuery::default());
            let packet = Letter { to, said }.packet(&run.world, RequestId(0));
            let mut out = Outputs::default();
            run.worker
                .handle(run.now, packet, &run.world.store, &mut out);
        }
        run.check_state();
        run
    }

    fn chain(&self) -> &ChainState {
        &self.worker.chains()[&self.world.chain]
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    fn step(&mut self, step: &Step) {
        self.count("steps");
        match &step.action {
            Action::Pass(millis) => self.pass(TimeDelta::from_millis(*millis)),
            Action::Crash => {
                self.worker.crash();
                self.restart();
            }
            Action::Again(index) if !self.sent.is_empty() => {
                let letter = index.get(&self.sent).clone();
                self.send(letter, step.stop);
            }
            action => {
                let mut writer = Writer {
                    state: self.worker.chains()[&self.world.chain].execution.clone(),
                    world: &mut self.world,
                    model: &self.model,
                    now: self.now,
                };
                if let Some(letter) = writer.write(action) {
                    let flaw = coverage::flaw_of(action);
                    flaw.into_iter().for_each(|flaw| self.count(flaw));
                    self.send(letter, step.stop);
                }
            }
        }
        self.check_state();
    }

    /// What a crash takes beyond the machine itself.
    fn restart(&mut self) {
        self.model.crash();
        self.timers.clear();
        self.count("crashes");
    }

    fn pass(&mut self, span: TimeDelta) {
        self.now = self.now.saturating_add(span);
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.timers)
            .into_iter()
            .partition(|(at, _)| *at <= self.now);
        self.timers = waiting;
        let mut out = Outputs::default();
        for (_, token) in due {
            self.worker
                .on_timer(self.now, token, &self.world.store, &mut out);
        }
        let answers = self.model.wake(self.now);
        self.take_outputs(&answers, &out.list);
    }

    /// Sends one message. If `stop` is given, the validator stops after so many outputs.
    fn send(&mut self, letter: Letter, stop: Option<usize>) {
        let id = RequestId(u64::try_from(self.sent.len()).expect("small"));
        let packet = letter.packet(&self.world, id);
        let (before, known) = (self.worker.clone(), self.model.clone());
        let mut out = Outputs::default();
        self.worker
            .handle(self.now, packet, &self.world.store, &mut out);
        let verdict = self.model.receive(&letter, self.now);
        self.sent.push(letter.clone());
        self.check_saved(&before, &known, &letter, &verdict, &out.list);
        match stop.filter(|stop| *stop < out.list.len()) {
            Some(stop) => self.stop(&before, known, (&letter, &verdict), &out.list[..stop]),
            None => {
                let answered = verdict != Verdict::Silence;
                let answers = answered.then_some((letter, verdict));
                self.take_outputs(answers.as_slice(), &out.list);
            }
        }
    }

    /// Compares what is told with what must be told.
    fn take_outputs(&mut self, answers: &[(Letter, Verdict)], outputs: &[Output]) {
        for rule in self.model.take_applied() {
            self.count(rule);
        }
        for output in outputs {
            if let Output::Timer(delay, token) = output {
                self.timers.push((self.now.saturating_add(*delay), *token));
            }
        }
        let told = told(outputs);
        assert_eq!(told.len(), answers.len(), "each request is answered once");
        for (told, (letter, verdict)) in told.iter().zip(answers) {
            self.check_answer(told, letter, verdict);
        }
        if let ([told], [(letter, _)]) = (&told[..], answers)
            && letter.to == self.world.chain
            && let Some(Ok(Response::Info(response))) = &told.reply
        {
            self.check_info(response);
        }
    }

    fn check_answer(&mut self, told: &Told, letter: &Letter, verdict: &Verdict) {
        let votes: Vec<_> = told.votes.iter().map(|(_, payload)| *payload).collect();
        let reply = told.reply.as_ref().expect("what is told ends with it");
        match verdict {
            Verdict::Vote(payload) => {
                assert_eq!(votes, [*payload], "the vote");
                assert_eq!(told.refusals, []);
                let Ok(Response::Info(response)) = reply else {
                    panic!("a vote is answered: {reply:?}");
                };
                let info = &response.info;
                let vote = match payload.kind {
                    CertificateKind::Timeout => info.timeout_vote.as_deref().copied(),
                    CertificateKind::Validated | CertificateKind::Confirmed => info.vote,
                };
                let vote = vote.expect("the answer tells of the vote");
                assert_eq!(vote.payload, *payload, "the vote that is told of");
                assert!(vote.check(&self.world.store), "votes are signed");
                self.world.own_votes.push(vote);
                let height = told.votes[0].0;
                self.add_vote(height, *payload, letter, info.current_round);
            }
            Verdict::Again(payload) => {
                let Ok(Response::Info(response)) = reply else {
                    panic!("a vote is answered: {reply:?}");
                };
                let vote = response.info.timeout_vote.as_deref();
                assert_eq!(vote.map(|vote| vote.payload), Some(*payload));
                assert_eq!((votes, &told.refusals), (vec![], &vec![]));
            }
            Verdict::Done => {
                assert!(reply.is_ok(), "{reply:?}");
                assert_eq!((votes, &told.refusals), (vec![], &vec![]));
                self.count("done");
            }
            Verdict::Refused(error) => {
                assert_eq!(reply, &Err(error.clone()), "the reason that is answered");
                assert_eq!(
                    told.refusals,
                    std::slice::from_ref(error),
                    "the reason that is recorded"
                );
                assert_eq!(votes, []);
                self.count(coverage::reason(error));
            }
            Verdict::Silence => panic!("silence is no answer"),
        }
    }

    fn add_vote(
        &mut self,
        height: BlockHeight,
        payload: VotePayload,
        letter: &Letter,
        current: Round,
    ) {
        if let Said::Offer(offer) = &letter.said {
            let proposal = &offer.proposal;
            let (owner, acts_for) = (proposal.owner(), proposal.block.authenticated_owner);
            assert!(
                self.model.may_propose(owner, proposal.round),
                "I-18: rights"
            );
            let fresh = proposal.original_proposal.is_none();
            let for_self = acts_for.is_none_or(|acts_for| acts_for == owner);
            assert!(!fresh || for_self, "I-18: on whose behalf");
        }
        self.count("votes");
        self.history.add(height, payload, letter, current);
    }

    /// An answer about the chain tells how things are.
    fn check_info(&self, response: &ChainInfoResponse) {
        let info = &response.info;
        assert_eq!(info.chain_id, self.world.chain);
        assert_eq!(info.next_block_height, self.model.height);
        assert_eq!(info.current_round, self.model.round);
        assert_eq!(info.vote.map(|vote| vote.payload), self.model.pending());
    }

    /// What was not asked for is as it was; what has changed is saved before anything is sent.
    fn check_saved(
        &self,
        before: &Worker,
        known: &Model,
        letter: &Letter,
        verdict: &Verdict,
        outputs: &[Output],
    ) {
        let (ours, other) = (self.world.chain, self.world.other);
        let (chains, old) = (self.worker.chains(), before.chains());
        assert!(chains.keys().eq(old.keys()), "no chain comes from nowhere");
        assert_eq!(chains[&other], old[&other], "the other chain");
        let changed = chains[&ours] != old[&ours];
        if let Verdict::Refused(error) = verdict {
            assert!(!changed || coverage::is_recorded(error), "refused: {error}");
            let rest = |chain: &ChainState| {
                let mut rest = chain.clone();
                rest.manager = old[&ours].manager.clone();
                rest.pending_blobs.clone_from(&old[&ours].pending_blobs);
                rest
            };
            assert_eq!(rest(&chains[&ours]), *old[&ours], "refused: {error}");
        }
        let between_shards = matches!(
            letter.said,
            Said::Bundle { .. } | Said::Delivered | Said::NextEpoch(_)
        );
        if between_shards {
            assert_eq!(chains[&ours].manager, old[&ours].manager);
        } else if self.model.clone().durable() == known.clone().durable() {
            assert!(!changed, "nothing of the kind was asked");
        }
        if changed {
            let is_persist = |output: &Output| matches!(output, Output::Persist(_));
            let persist = outputs.iter().position(is_persist);
            let persist = persist.expect("I-16: what has changed is saved");
            // A query first sends what was saved before and still waits for its recipient.
            let is_query = matches!(letter.said, Said::Query(_));
            let tells = |output: &Output| match output {
                Output::Send(_, Packet::CrossChain(_)) => !is_query,
                Output::Send(..) => true,
                _ => false,
            };
            let told = outputs.iter().position(tells);
            assert!(
                told.is_none_or(|told| persist < told),
                "I-16: before it is told"
            );
        }
    }

    /// The validator stops when it has performed `performed`, and starts again.
    fn stop(
        &mut self,
        before: &Worker,
        known: Model,
        (letter, verdict): (&Letter, &Verdict),
        performed: &[Output],
    ) {
        let saved = performed.iter().filter_map(|output| match output {
            Output::Persist(chain) => Some(*chain),
            _ => None,
        });
        let saved: Vec<_> = saved.collect();
        self.worker = self.worker.clone().crashed(before, &saved);
        let answered = told(performed).iter().any(|told| told.reply.is_some());
        if !saved.contains(&self.world.chain) {
            let released = answered && matches!(verdict, Verdict::Vote(_));
            assert!(!released, "I-16: a vote is saved before it is sent");
            // What is known of epochs is saved apart from chains.
            let next_epoch = self.model.next_epoch;
            self.model = known;
            self.model.next_epoch = next_epoch;
        } else if let Verdict::Vote(payload) = verdict {
            let (height, current) = (self.model.height, self.model.round);
            self.add_vote(height, *payload, letter, current);
            self.count("votes saved in a crash");
        }
        self.model.take_applied();
        self.restart();
    }

    /// The machine and the reference agree on everything that both know.
    fn check_state(&mut self) {
        let (chain, model) = (self.chain(), &self.model);
        let manager = &chain.manager;
        assert_eq!(chain.next_height(), model.height);
        assert_eq!(manager.current_round(), model.round, "the round");
        assert_eq!(manager.round_timeout(), model.until, "the round's end");
        let lock = manager.locking_block().map(|lock| match lock {
            LockingBlock::Fast(proposal) => (lock.round(), proposal.block_hash()),
            LockingBlock::Regular(certificate) => {
                (lock.round(), certificate.block().proposed_hash())
            }
        });
        assert_eq!(lock, model.lock, "the lock");
        let pending = manager.pending_vote().map(|vote| vote.payload);
        assert_eq!(pending, model.pending(), "the vote at hand");
        let newest = manager.newest_proposal().map(|proposal| proposal.round);
        assert_eq!(newest, model.newest(), "the newest proposal");
        let ended = manager.timeout().map(|certificate| certificate.round());
        assert_eq!(ended, model.ended, "the last timeout");
        let peers = [self.world.chain, self.world.other];
        assert_eq!(chain.check_shape(peers), Ok(()), "I-27, I-28");
        let (height, round) = (chain.next_height(), manager.current_round());
        self.history
            .stands_at(height, round, lock.map(|(round, _)| round));
    }
}

/// What is told, request by request.
fn told(outputs: &[Output]) -> Vec<Told> {
    let (mut all, mut told) = (Vec::new(), Told::default());
    for output in outputs {
        match output {
            Output::Observe(observation) => match &**observation {
                Observation::VoteCast {
                    height, payload, ..
                } => told.votes.push((*height, *payload)),
                Observation::RequestRefused { error, .. } => told.refusals.push(error.clone()),
                _ => {}
            },
            Output::Send(_, Packet::ForwardReply { reply, .. }) => {
                told.reply = Some((**reply).clone());
                all.push(std::mem::take(&mut told));
            }
            _ => {}
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 6_000,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_is_sent_a_validator_does_what_the_rules_say((setting, steps) in actions::run()) {
        let mut run = Run::new(setting);
        for step in &steps {
            run.step(step);
        }
    }
}

#[test]
fn a_retry_whose_certificate_is_of_something_else_changes_nothing() {
    for flaw in [
        // The block is not the one that was validated,
        Flaw::Original,
        // or has another outcome,
        Flaw::Outcome,
        // or the certificate says that it is of another chain: then there would be a vote without
        // the lock that justifies it.
        Flaw::OtherChainsCertificate,
    ] {
        let certified = RoundPick::This(Round::MultiLeader(0));
        let mut run = Run::new(Setting::Fast);
        let fresh = run.chain().clone();
        let action = Action::Propose {
            who: Some(world::SUPER),
            block: 0,
            round: RoundPick::This(Round::MultiLeader(1)),
            retry: Retry::Regular(certified, Signers::Others),
            flaw: Some(flaw),
        };
        run.step(&Step { action, stop: None });
        assert_eq!(run.tally.get("refused: OtherBlock"), Some(&1));
        assert_eq!(*run.chain(), fresh, "{flaw:?}");
    }
}
