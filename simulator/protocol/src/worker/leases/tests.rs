//! Two workers of one validator and the database that they share, without time: who holds a chain,
//! what waits for it, and what is not forgotten when a worker stops.

use std::sync::Arc;

use super::*;
use crate::{
    certificate::ConfirmedBlockCertificate,
    database::{Placement, ShardMap},
    ids::{ClientIndex, ValidatorIndex},
    machine::Output,
    ownership::ChainOwnership,
    rpc::{Delivery, Request, RequestId},
    testing::{Net, key},
    worker::{DeliveryOptions, WorkerConfig},
};

const W1: usize = 0;
const W2: usize = 1;

/// A validator of two workers, of which the first has all chains until [`Validator::grow`].
struct Validator {
    net: Net,
    now: Timestamp,
    database: Database,
    workers: Vec<Worker>,
}

impl Validator {
    fn new(delivery: DeliveryOptions) -> Self {
        let net = Net::new(&[100; 8], ChainOwnership::single);
        let map = ShardMap::first(1, Placement::Remainder);
        let worker = |shard| {
            Worker::new(WorkerConfig {
                web: Arc::default(),
                genesis: net.genesis.clone(),
                validator: ValidatorIndex(0),
                shard: ShardIndex(shard),
                map: map.clone(),
                key: key(1, 0),
                block_time_grace_period: WorkerConfig::BLOCK_TIME_GRACE_PERIOD,
                delivery,
                sabotage: Sabotage::None,
            })
        };
        Self {
            workers: (0..2).map(worker).collect(),
            database: Database::new(map),
            now: Timestamp::from_micros(1),
            net,
        }
    }

    /// Both workers share the chains from now on; nobody is told.
    fn grow(&mut self) {
        self.database.resize(2);
    }

    /// A chain that `worker` owns once there are two.
    fn chain_of(&self, worker: usize) -> usize {
        let map = ShardMap::first(2, Placement::Remainder);
        let owned = |chain: &ChainId| map.shard_of(&key(1, 0).public(), chain).0 as usize == worker;
        let found = self.net.chains.iter().position(owned);
        found.expect("both have some of eight")
    }

    /// The confirmed block in which a chain pays another, which this validator has not seen.
    fn payment(&mut self, from: usize, to: usize) -> Arc<ConfirmedBlockCertificate> {
        self.net.transfer(from, to, 1);
        let chain = self.net.chains[from];
        let confirmed = self
            .net
            .facts
            .iter()
            .rev()
            .find_map(|(_, fact)| match fact {
                Observation::BlockConfirmed { certificate } => Some(certificate.clone()),
                _ => None,
            });
        let certificate = confirmed.expect("the payment is made");
        assert_eq!(certificate.block().chain_id(), chain);
        self.net.store.put_certificate(&certificate);
        certificate
    }

    /// A worker gets a packet a moment later. Returns what it wants.
    fn deliver(&mut self, worker: usize, packet: Packet) -> Vec<Output> {
        self.now = self.now.saturating_add(TimeDelta::from_millis(1));
        let mut out = Outputs::default();
        let (one, database) = (&mut self.workers[worker], &mut self.database);
        let store = &self.net.store;
        for packet in one.let_in(self.now, packet, database, store, &mut out) {
            one.handle(self.now, packet, store, &mut out);
        }
        one.tell(database);
        out.list
    }

    /// A timer of a worker fires.
    fn fire(&mut self, worker: usize, (delay, token): (TimeDelta, u64)) -> Vec<Output> {
        self.now = self.now.saturating_add(delay);
        let mut out = Outputs::default();
        let (one, database) = (&mut self.workers[worker], &mut self.database);
        let store = &self.net.store;
        for packet in one.on_shared_timer(self.now, token, database, store, &mut out) {
            one.handle(self.now, packet, store, &mut out);
        }
        out.list
    }

    fn stop(&mut self, worker: usize) {
        self.workers[worker].stop(self.now, &mut self.database);
    }

    fn start(&mut self, worker: usize) -> Vec<Output> {
        let mut out = Outputs::default();
        self.workers[worker].start(self.now, &mut self.database, &mut out);
        out.list
    }

    fn has(&self, worker: usize, chain: usize) -> bool {
        self.workers[worker]
            .chains()
            .contains_key(&self.net.chains[chain])
    }

    fn ask(&self, chain: usize, request: Request) -> Packet {
        Packet::Forward {
            client: ClientIndex(0),
            id: RequestId(1),
            chain: self.net.chains[chain],
            request,
        }
    }

    fn query(&self, chain: usize) -> Packet {
        self.ask(chain, Request::ChainInfo(Box::default()))
    }
}

fn sent(outputs: &[Output]) -> Vec<(Address, Packet)> {
    let sends = outputs.iter().filter_map(|output| match output {
        Output::Send(to, packet) => Some((*to, packet.clone())),
        Output::Persist(_) | Output::Timer(..) | Output::Observe(_) => None,
    });
    sends.collect()
}

fn to_worker(outputs: &[Output], worker: usize) -> Vec<Packet> {
    let to_it =
        |to: &Address| matches!(to, Address::Worker(_, shard) if shard.0 as usize == worker);
    let packets = sent(outputs).into_iter().filter(|(to, _)| to_it(to));
    packets.map(|(_, packet)| packet).collect()
}

fn replies(outputs: &[Output]) -> usize {
    let is_reply = |(_, packet): &&(Address, Packet)| matches!(packet, Packet::ForwardReply { .. });
    sent(outputs).iter().filter(is_reply).count()
}

fn timers(outputs: &[Output]) -> Vec<(TimeDelta, u64)> {
    let timers = outputs.iter().filter_map(|output| match output {
        Output::Timer(delay, token) => Some((*delay, *token)),
        Output::Persist(_) | Output::Send(..) | Output::Observe(_) => None,
    });
    timers.collect()
}

fn updates(packets: &[Packet]) -> usize {
    let is_update = |packet: &&Packet| {
        matches!(packet, Packet::CrossChain(request)
            if matches!(**request, CrossChainRequest::UpdateRecipient { .. }))
    };
    packets.iter().filter(is_update).count()
}

#[test]
fn a_request_waits_until_the_holder_has_handed_the_chain_over() {
    let mut validator = Validator::new(DeliveryOptions::default());
    let chain = validator.chain_of(W2);
    let query = validator.query(chain);
    assert_eq!(replies(&validator.deliver(W1, query.clone())), 1);
    validator.grow();
    let claims = validator.deliver(W2, query);
    assert_eq!(replies(&claims), 0, "somebody else holds the chain");
    let [claim] = &to_worker(&claims, W1)[..] else {
        panic!("{claims:?}")
    };
    let hands_over = validator.deliver(W1, claim.clone());
    assert!(!validator.has(W1, chain));
    let [hand_over] = &to_worker(&hands_over, W2)[..] else {
        panic!("{hands_over:?}")
    };
    let answers = validator.deliver(W2, hand_over.clone());
    assert_eq!(replies(&answers), 1, "what waited is answered now");
    assert!(validator.has(W2, chain));
}

#[test]
fn a_request_for_the_chain_of_another_goes_there_and_takes_the_chain_along() {
    let mut validator = Validator::new(DeliveryOptions::default());
    let chain = validator.chain_of(W2);
    let query = validator.query(chain);
    validator.deliver(W1, query.clone());
    validator.grow();
    let forwarded = validator.deliver(W1, query);
    assert!(!validator.has(W1, chain), "given up on the way");
    let [packet] = &to_worker(&forwarded, W2)[..] else {
        panic!("{forwarded:?}")
    };
    assert_eq!(replies(&validator.deliver(W2, packet.clone())), 1);
}

#[test]
fn a_chain_of_a_stopped_worker_waits_for_the_end_of_its_session_and_keeps_its_state() {
    let mut validator = Validator::new(DeliveryOptions::default());
    let (payer, payee) = (validator.chain_of(W2), validator.chain_of(W1));
    let block = validator.payment(payer, payee);
    let confirmed = Request::Confirmed(block, Delivery::NonBlocking);
    let confirmed = validator.ask(payer, confirmed);
    validator.deliver(W1, confirmed);
    validator.stop(W1);
    validator.grow();
    let query = validator.query(payer);
    let waits = validator.deliver(W2, query);
    assert_eq!(replies(&waits), 0, "nobody can tell dead from slow yet");
    let [timer] = timers(&waits)[..] else {
        panic!("{waits:?}")
    };
    assert_eq!(replies(&validator.fire(W2, timer)), 1);
    let chain = validator.net.chains[payer];
    assert_eq!(validator.workers[W2].chains()[&chain].next_height().0, 1);
}

#[test]
fn what_waits_in_the_outboxes_of_a_worker_that_stopped_is_taken_up_when_it_is_back() {
    let mut validator = Validator::new(DeliveryOptions::default());
    let (payer, payee) = (validator.chain_of(W1), validator.chain_of(W2));
    let block = validator.payment(payer, payee);
    let confirmed = Request::Confirmed(block, Delivery::NonBlocking);
    let confirmed = validator.ask(payer, confirmed);
    assert_eq!(
        updates(&to_worker(&validator.deliver(W1, confirmed), W1)),
        1
    );
    validator.stop(W1);
    let started = validator.start(W1);
    let [timer] = timers(&started)[..] else {
        panic!("nobody will ever touch the chain again: {started:?}")
    };
    assert!(!validator.has(W1, payer));
    let taken_up = validator.fire(W1, timer);
    assert!(validator.has(W1, payer));
    assert_eq!(updates(&to_worker(&taken_up, W1)), 1);
}

#[test]
fn a_worker_that_is_back_tells_the_new_owner_of_what_it_held() {
    let mut validator = Validator::new(DeliveryOptions::default());
    let (payer, payee) = (validator.chain_of(W2), validator.chain_of(W1));
    let block = validator.payment(payer, payee);
    let confirmed = Request::Confirmed(block, Delivery::NonBlocking);
    let confirmed = validator.ask(payer, confirmed);
    validator.deliver(W1, confirmed);
    validator.stop(W1);
    validator.grow();
    let started = validator.start(W1);
    let mut told = to_worker(&started, W2);
    assert_eq!(told.len(), 1, "{started:?}");
    let taken = validator.deliver(W2, told.remove(0));
    assert!(validator.has(W2, payer));
    assert_eq!(updates(&to_worker(&taken, W1)), 1);
}

#[test]
fn a_batch_is_saved_by_its_timer() {
    let mut validator = Validator::new(DeliveryOptions {
        batch: Some(TimeDelta::from_millis(2)),
        ..DeliveryOptions::default()
    });
    let (payer, payee) = (validator.chain_of(W1), validator.chain_of(W2));
    let block = validator.payment(payer, payee);
    let confirmed = Request::Confirmed(block, Delivery::NonBlocking);
    let confirmed = validator.ask(payer, confirmed);
    let [update] = &to_worker(&validator.deliver(W1, confirmed), W1)[..] else {
        panic!("one update to the chain of the payee")
    };
    let together = validator.deliver(W1, update.clone());
    let [timer] = timers(&together)[..] else {
        panic!("{together:?}")
    };
    let saved = validator.fire(W1, timer);
    let recipient = validator.net.chains[payee];
    assert!(saved.contains(&Output::Persist(recipient)), "{saved:?}");
}
