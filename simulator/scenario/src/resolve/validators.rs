//! Validators, their services and clocks, regions, and the network between them.

use std::collections::BTreeMap;

use engine::{ClockSkew, Distribution, Ratio, VirtualDuration};
use protocol::policy::ResourceControlPolicy;

use super::{Resolver, in_file_order};
use crate::diagnostic::Code;
use crate::distribution::distribution;
use crate::document::At;
use crate::names::{is_name, suggest};
use crate::plan::{NetworkPlan, RegionIndex, ServicePlan, ValidatorIndex, ValidatorPlan};
use crate::spec::{LinkRatioSpec, ServiceSpec, Spec, ValidatorsSpec};
use crate::units;

/// More validators than any committee in sight.
const VALIDATORS_MAX: u64 = 1_000;
/// More workers than one machine of a validator could hold.
pub(super) const WORKERS_MAX: u64 = 1_000;
/// So that the sum of all weights stays far from the end of 64 bits.
const WEIGHT_MAX: u64 = 1_000_000_000;
/// The name of the only region where none is given.
const ONLY_REGION: &str = "local";

/// Virtual time of one worker for each kind of request, by the figures of the reference
/// implementation: about two milliseconds of a validator's time for a block in two round trips.
const SERVICE_PROPOSE: &str = "900us";
const SERVICE_VALIDATED: &str = "250us";
const SERVICE_CONFIRMED: &str = "400us";
const SERVICE_CROSS_CHAIN: &str = "250us";
const SERVICE_QUERY: &str = "100us";
const SERVICE_LOAD: &str = "500us";

const LATENCY_CLIENT: &str = "20ms";
const LATENCY_WORKER: &str = "1ms";
/// Nothing costs.
const FEES: &str = "no-fees";
const FLOOR: &str = "1ms";
const NO_SHARE: &str = "0%";

impl Resolver<'_> {
    pub(super) fn validators(
        &mut self,
        spec: &Spec,
        filled: &mut Spec,
    ) -> Option<Vec<ValidatorPlan>> {
        let at = At::root().key("validators");
        let Some(written) = &spec.validators else {
            if self.document.has(&at) {
                self.names.validators_are_partial = true;
            } else {
                let message = "`validators` is missing";
                let help = "add [validators] with count = 4".to_owned();
                let label = "a network has validators";
                self.say_labelled(&At::root(), Code::MissingKey, message, label, help);
                self.names.validators_are_partial = true;
            }
            return None;
        };
        let empty = ValidatorsSpec::default();
        let target = filled.validators.get_or_insert(empty);
        let count = self.bounded(&at.key("count"), written.count, VALIDATORS_MAX);
        let workers = *target.workers.get_or_insert(1);
        let workers = self.bounded(&at.key("workers"), Some(workers), WORKERS_MAX);
        self.names.validators = count.unwrap_or(0);
        self.names.validators_are_partial = count.is_none() || workers.is_none();
        let own_workers = self.own_workers(&at.key("own_workers"), written.own_workers.as_ref());
        let workers_of = |number| own_workers.get(&number).copied().or(workers).unwrap_or(0);
        self.names.workers = (0..count.unwrap_or(0)).map(workers_of).collect();
        let autoscale = target.autoscale.as_mut();
        let autoscale = autoscale.and_then(|written| self.autoscale(&at.key("autoscale"), written));
        let scale_of = |number| {
            let (validators, scale) = autoscale.as_ref()?;
            let own = validators.contains(&ValidatorIndex::new(number));
            own.then(|| scale.clone())
        };
        self.workers_to_come(spec, autoscale.as_ref());

        let regions = self.validator_regions(&at.key("regions"), written, count);
        let service = self.service(&at.key("service"), target.service.get_or_insert_default());
        let weights = self.weights(&at.key("weights"), written.weights.as_ref());
        let skews = self.skews(&at.key("clock_skew"), written.clock_skew.as_ref());
        workers?;
        let (count, service) = (count?, service?);
        let plans = (0..count).map(|number| ValidatorPlan {
            name: format!("v{}", number + 1),
            weight: weights.get(&number).copied().unwrap_or(1),
            region: self.region_of(&regions, number),
            workers: workers_of(number),
            autoscale: scale_of(number),
            service: service.clone(),
            clock: skews.get(&number).copied().unwrap_or(ClockSkew::NONE),
        });
        Some(plans.collect())
    }

    fn region_of(&self, regions: &[(RegionIndex, u32)], number: u32) -> RegionIndex {
        let mut before = 0;
        for (region, count) in regions {
            before += count;
            if number < before {
                return *region;
            }
        }
        RegionIndex::new(0)
    }

    /// A number that fits 32 bits and is at most `most`.
    pub(super) fn bounded(&mut self, at: &At, number: Option<u64>, most: u64) -> Option<u32> {
        let number = number?;
        if number > most {
            self.say_labelled(
                at,
                Code::TooLarge,
                format!("at most {most}"),
                "too many",
                None,
            );
            return None;
        }
        u32::try_from(number).ok()
    }

    fn validator_regions(
        &mut self,
        at: &At,
        written: &ValidatorsSpec,
        count: Option<u32>,
    ) -> Vec<(RegionIndex, u32)> {
        let Some(map) = &written.regions else {
            return Vec::new();
        };
        let mut regions = Vec::new();
        let mut sum = 0_u64;
        for (name, number) in in_file_order(self.document, at, map) {
            let here = at.key(name);
            let Some(region) = self.add_region(&here, name) else {
                continue;
            };
            let Some(number) = self.bounded(&here, Some(*number), VALIDATORS_MAX) else {
                continue;
            };
            sum += u64::from(number);
            regions.push((region, number));
        }
        if let Some(count) = count
            && sum != u64::from(count)
            && !self.is_damaged_inside(at)
        {
            let message = format!("the regions have {sum} validators, and `count` is {count}");
            self.say(
                at,
                Code::BadValue,
                message,
                "make the two numbers equal".to_owned(),
            );
        }
        regions
    }

    /// The index of a region, new or known.
    pub(super) fn add_region(&mut self, at: &At, name: &str) -> Option<RegionIndex> {
        if let Some(known) = self.names.regions.iter().position(|one| one == name) {
            return Some(RegionIndex::at(known));
        }
        if !is_name(name) {
            let help = "use letters, digits, `-` and `_`".to_owned();
            self.say_key(
                at,
                Code::BadValue,
                format!("`{name}` is not a name"),
                "",
                help,
            );
            return None;
        }
        self.names.regions.push(name.to_owned());
        Some(RegionIndex::at(self.names.regions.len() - 1))
    }

    /// There is always a region, so that everything stands somewhere.
    pub(super) fn regions(&mut self, spec: &Spec) {
        if self.names.regions.is_empty() {
            self.names.regions.push(ONLY_REGION.to_owned());
        }
        let network = spec.network.as_ref();
        let regional = network.and_then(|network| network.regional.as_ref());
        let client = network.and_then(|one| one.latency.as_ref()?.client.as_deref());
        if regional.is_some() && client.is_some_and(|client| client != "regional") {
            let at = At::root().key("network").key("regional");
            let message = "`regional` is not used";
            let help = "write latency = { client = \"regional\" }".to_owned();
            let label = "the client latency says something else";
            self.say_key(&at, Code::NoEffect, message, label, help);
        }
    }

    fn service(&mut self, at: &At, service: &mut ServiceSpec) -> Option<ServicePlan> {
        let propose = self.service_time(at, "propose", &mut service.propose, SERVICE_PROPOSE);
        let validated =
            self.service_time(at, "validated", &mut service.validated, SERVICE_VALIDATED);
        let confirmed =
            self.service_time(at, "confirmed", &mut service.confirmed, SERVICE_CONFIRMED);
        let cross_chain = self.service_time(
            at,
            "cross_chain",
            &mut service.cross_chain,
            SERVICE_CROSS_CHAIN,
        );
        let query = self.service_time(at, "query", &mut service.query, SERVICE_QUERY);
        let load = self.service_time(at, "load", &mut service.load, SERVICE_LOAD);
        Some(ServicePlan {
            propose: propose?,
            validated: validated?,
            confirmed: confirmed?,
            cross_chain: cross_chain?,
            query: query?,
            load: load?,
        })
    }

    fn service_time(
        &mut self,
        at: &At,
        key: &str,
        written: &mut Option<String>,
        default: &str,
    ) -> Option<Distribution> {
        let text = written.get_or_insert_with(|| default.to_owned());
        self.read_text(&at.key(key), Some(text), |_, text| distribution(text))
    }

    fn weights(&mut self, at: &At, map: Option<&BTreeMap<String, u64>>) -> BTreeMap<u32, u64> {
        let mut weights = BTreeMap::new();
        for (name, weight) in map.into_iter().flatten() {
            let here = at.key(name);
            let Some(number) = self.validator_key(&here, name) else {
                continue;
            };
            if *weight > WEIGHT_MAX {
                let message = format!("a weight is between 0 and {WEIGHT_MAX}");
                self.say(&here, Code::BadValue, message, None);
            } else {
                weights.insert(number, *weight);
            }
        }
        weights
    }

    /// The numbers of workers of validators that have another than the rest.
    fn own_workers(&mut self, at: &At, map: Option<&BTreeMap<String, u64>>) -> BTreeMap<u32, u32> {
        let mut own = BTreeMap::new();
        for (name, workers) in map.into_iter().flatten() {
            let here = at.key(name);
            let Some(number) = self.validator_key(&here, name) else {
                continue;
            };
            if *workers == 0 {
                let message = "a validator has workers";
                self.say(&here, Code::BadValue, message, "at least 1".to_owned());
            } else if let Some(workers) = self.bounded(&here, Some(*workers), WORKERS_MAX) {
                own.insert(number, workers);
            }
        }
        own
    }

    /// Validators without weight wait for a later committee: somebody has to be in the first one,
    /// and something has to make a later one.
    pub(super) fn stand_by(&mut self, spec: &Spec, plans: Option<&[ValidatorPlan]>) {
        let at = At::root().key("validators").key("weights");
        if plans.is_some_and(|plans| plans.iter().all(|plan| plan.weight == 0)) {
            let message = "nobody has a weight in the first committee";
            let help = "give some validator a weight".to_owned();
            self.say(&at, Code::BadValue, message, help);
        }
        if self.has_admin {
            return;
        }
        let weights = spec
            .validators
            .as_ref()
            .and_then(|one| one.weights.as_ref());
        let mut weights = weights.into_iter().flatten();
        if let Some((name, _)) = weights.find(|(_, weight)| **weight == 0) {
            let message = format!("`{name}` never gets a weight");
            let help = "add admin = true to a chain, and a step new_committee".to_owned();
            self.say(&at.key(name), Code::NoEffect, message, help);
        }
    }

    /// The members of a later committee.
    pub(super) fn committee(
        &mut self,
        at: &At,
        map: &BTreeMap<String, u64>,
    ) -> Option<Vec<(ValidatorIndex, u64)>> {
        let mut members = Vec::new();
        let mut failed = false;
        for (name, weight) in in_file_order(self.document, at, map) {
            let here = at.key(name);
            if *weight == 0 || *weight > WEIGHT_MAX {
                let message = format!("a weight is between 1 and {WEIGHT_MAX}");
                let help = "leave out who is no member".to_owned();
                self.say(&here, Code::BadValue, message, help);
                failed = true;
            }
            match self.validator_key(&here, name) {
                Some(number) => members.push((ValidatorIndex::new(number), *weight)),
                None => failed = true,
            }
        }
        if members.is_empty() && !failed {
            let message = "a committee has members";
            let help = "name them with their weights, such as { v1 = 1, v2 = 1 }".to_owned();
            self.say(at, Code::BadValue, message, help);
            failed = true;
        }
        members.sort_unstable();
        (!failed).then_some(members)
    }

    fn skews(
        &mut self,
        at: &At,
        map: Option<&BTreeMap<String, String>>,
    ) -> BTreeMap<u32, ClockSkew> {
        let mut skews = BTreeMap::new();
        for (name, text) in map.into_iter().flatten() {
            let here = at.key(name);
            let number = self.validator_key(&here, name);
            let skew = self.skew(&here, Some(text));
            if let (Some(number), Some(skew)) = (number, skew) {
                skews.insert(number, skew);
            }
        }
        skews
    }

    /// A clock that is off by a span with a sign.
    pub(super) fn skew(&mut self, at: &At, text: Option<&String>) -> Option<ClockSkew> {
        let micros = self.read(at, text, units::signed_micros)?;
        match micros.checked_mul(1_000) {
            Some(offset_nanos) => Some(ClockSkew {
                offset_nanos,
                drift_ppm: 0,
            }),
            None => {
                self.say(
                    at,
                    Code::BadValue,
                    "a clock cannot be off by that much",
                    None,
                );
                None
            }
        }
    }

    fn validator_key(&mut self, at: &At, name: &str) -> Option<u32> {
        let piece = Self::whole(name);
        match self.names.find_validator(&piece) {
            Ok(validator) => Some(validator.get()),
            Err(_) if self.names.validators_are_partial => None,
            Err(error) => {
                self.say_key(at, error.code, error.message, &error.label, error.help);
                None
            }
        }
    }

    pub(super) fn network(&mut self, spec: &Spec, filled: &mut Spec) -> Option<NetworkPlan> {
        let at = At::root().key("network");
        let network = filled.network.get_or_insert_default();
        let latency = network.latency.get_or_insert_default();
        let client = latency
            .client
            .get_or_insert_with(|| LATENCY_CLIENT.to_owned())
            .clone();
        let worker = latency
            .worker
            .get_or_insert_with(|| LATENCY_WORKER.to_owned())
            .clone();
        let floor_text = network
            .floor
            .get_or_insert_with(|| FLOOR.to_owned())
            .clone();
        let loss = network.loss.get_or_insert_default();
        let (client_loss, worker_loss) = self.shares(&at.key("loss"), loss);
        let duplicate = network.duplicate.get_or_insert_default();
        let (client_duplicate, worker_duplicate) = self.shares(&at.key("duplicate"), duplicate);

        let floor = self.read(&at.key("floor"), Some(&floor_text), units::duration);
        if floor.is_some_and(VirtualDuration::is_zero) {
            let message = "the floor must be positive";
            self.say(&at.key("floor"), Code::BadValue, message, None);
        }
        let latency_at = at.key("latency");
        let worker_latency = self.read_text(&latency_at.key("worker"), Some(&worker), |_, text| {
            distribution(text)
        });
        if worker_latency == Some(Distribution::Constant(VirtualDuration::ZERO)) {
            let message = "messages between workers take time";
            let help = "the shortest is \"1us\"".to_owned();
            self.say(&latency_at.key("worker"), Code::BadValue, message, help);
        }
        let client_at = latency_at.key("client");
        let client_latencies = if client == "regional" {
            self.regional(spec, floor)
        } else {
            let one = self.read_text(&client_at, Some(&client), |_, text| distribution(text));
            if let (Some(one), Some(floor)) = (&one, floor) {
                self.lint_floor(&client_at, one, floor);
            }
            let count = self.names.regions.len();
            one.map(|one| vec![vec![one; count]; count])
        };
        let network = filled.network.get_or_insert_default();
        let preset = network.fees.get_or_insert_with(|| FEES.to_owned()).as_str();
        let own = spec.network.as_ref().and_then(|one| one.policy.as_ref());
        let policy = self.policy(&at, (Some(preset), own), ResourceControlPolicy::no_fees());
        self.policy = policy.unwrap_or_default();
        Some(NetworkPlan {
            policy: policy?,
            client_latencies: client_latencies?,
            worker_latency: worker_latency?,
            client_loss: client_loss?,
            worker_loss: worker_loss?,
            client_duplicate: client_duplicate?,
            worker_duplicate: worker_duplicate?,
            floor: floor?,
        })
    }

    fn shares(&mut self, at: &At, shares: &mut LinkRatioSpec) -> (Option<Ratio>, Option<Ratio>) {
        let client = shares.client.get_or_insert_with(|| NO_SHARE.to_owned());
        let client = self.read(&at.key("client"), Some(client), units::ratio);
        let worker = shares.worker.get_or_insert_with(|| NO_SHARE.to_owned());
        let worker = self.read(&at.key("worker"), Some(worker), units::ratio);
        if self.names.workers_max.iter().all(|most| *most == 1)
            && worker.is_some_and(|share| !share.is_zero())
        {
            let message = "there is only one worker, so no message goes between workers";
            let help = "give the validators more workers".to_owned();
            self.say(&at.key("worker"), Code::NoEffect, message, help);
        }
        (client, worker)
    }

    fn regional(
        &mut self,
        spec: &Spec,
        floor: Option<VirtualDuration>,
    ) -> Option<Vec<Vec<Distribution>>> {
        let root = At::root().key("network");
        let at = root.key("regional");
        let Some(map) = spec
            .network
            .as_ref()
            .and_then(|network| network.regional.as_ref())
        else {
            if !self.is_damaged_inside(&at) {
                let client = root.key("latency").key("client");
                let message = "there is no table of regional latencies";
                let help = "add [network.regional] with same = \"8ms\"".to_owned();
                self.say(&client, Code::MissingKey, message, help);
            }
            return None;
        };
        let names = self.names.regions.clone();
        let mut known: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (left, one) in names.iter().enumerate() {
            for (right, other) in names.iter().enumerate().skip(left + 1) {
                known.insert(format!("{one}-{other}"), (left, right));
                known.insert(format!("{other}-{one}"), (left, right));
            }
        }
        let mut same = None;
        let mut pairs: BTreeMap<(usize, usize), Distribution> = BTreeMap::new();
        for (key, text) in in_file_order(self.document, &at, map) {
            let here = at.key(key);
            let read = self.read_text(&here, Some(text), |_, text| distribution(text));
            if let (Some(one), Some(floor)) = (&read, floor) {
                self.lint_floor(&here, one, floor);
            }
            if key == "same" {
                same = read;
            } else if let Some(pair) = known.get(key) {
                if let Some(read) = read
                    && pairs.insert(*pair, read).is_some()
                {
                    let message = format!("`{key}` is there already, the other way round");
                    self.say_key(&here, Code::DuplicateName, message, "", None);
                }
            } else if !self.names.validators_are_partial && !self.names.chains_are_partial {
                let candidates = known.keys().map(String::as_str).chain(["same"]);
                let help = suggest(key, "pairs", candidates);
                let message = format!("`{key}` is no pair of regions");
                self.say_key(&here, Code::UnknownRegion, message, "unknown pair", help);
            }
        }
        let mut rows =
            vec![vec![Distribution::Constant(VirtualDuration::ZERO); names.len()]; names.len()];
        let mut missing = Vec::new();
        for left in 0..names.len() {
            for right in 0..names.len() {
                let found = if left == right {
                    same.as_ref()
                } else {
                    pairs.get(&(left.min(right), left.max(right)))
                };
                match found {
                    Some(one) => rows[left][right] = one.clone(),
                    None if left == right => missing.push("same".to_owned()),
                    None if left < right => {
                        missing.push(format!("{}-{}", names[left], names[right]))
                    }
                    None => {}
                }
            }
        }
        missing.dedup();
        let reported = map
            .keys()
            .any(|key| self.document.has(&at.key(key)) && missing.contains(key));
        if missing.is_empty() {
            return Some(rows);
        }
        if !reported && !self.is_damaged_inside(&at) {
            let message = format!("no latency for {}", missing.join(", "));
            let help = format!("add {} = \"40ms\"", missing[0]);
            self.say_key(&at, Code::MissingKey, message, "", help);
        }
        None
    }

    /// Says how much of a latency lies below the floor, if that is more than one in a hundred.
    fn lint_floor(&mut self, at: &At, latency: &Distribution, floor: VirtualDuration) {
        const ONE_PERCENT: u32 = 10_000;
        let Ok(table) = latency.table() else { return };
        let below = table.share_below(floor);
        if below > ONE_PERCENT {
            let floor = units::write_micros(floor.as_micros());
            let percent = below / ONE_PERCENT;
            let message =
                format!("about {percent}% of this latency is raised to the floor of {floor}");
            let help = "make it longer, or set network.floor (a lower floor makes runs slower)";
            self.say(at, Code::BelowFloor, message, help.to_owned());
        }
    }
}
