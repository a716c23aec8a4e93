//! What a good scenario becomes.

use engine::{ClockSkew, Distribution, Ratio, VirtualDuration, VirtualTime};
use protocol::Amount;

use super::{BASE, changed, good};
use crate::plan::{
    Account, Action, ChainIndex, ChainOrigin, ChainSet, Chooser, CrashPoint, ExpectationKind,
    FaultKind, LinkPlan, OwnerIndex, Plan, Signatures, Targets, TraceMode, Trigger, ValidatorIndex,
    Visit, WorkerIndex, WorkloadKind,
};
use crate::{Options, Severity, bundled, check};

const MS: fn(u64) -> VirtualDuration = VirtualDuration::from_millis;

#[track_caller]
fn plan_of(text: &str, options: &Options) -> Plan {
    match check(text, "plan.toml", options) {
        Ok(checked) => checked.plan,
        Err(all) => panic!("{}", crate::render(&all, crate::Style::Plain)),
    }
}

#[test]
fn bundled_scenarios_are_clean_in_every_variant() {
    for one in bundled() {
        let options = Options::default();
        let base = check(one.source, one.name, &options)
            .unwrap_or_else(|all| panic!("{}", crate::render(&all, crate::Style::Plain)));
        let said = base.warnings.iter();
        let said: Vec<_> = said
            .filter(|one| one.severity() != Severity::Note)
            .collect();
        assert!(said.is_empty(), "{}: {said:?}", one.name);
        assert_eq!(base.plan.name, one.name);
        assert!(!base.plan.claim.is_empty());
        assert!(one.source.starts_with("# Claim: "), "{}", one.name);
        assert!(!base.plan.expectations.is_empty());
        if !one.source.contains("name = \"super\"") {
            continue;
        }
        let options = Options {
            variant: Some("super".to_owned()),
            ..options
        };
        let fast = check(one.source, one.name, &options).expect("the variant is good");
        assert_eq!(fast.warnings, [], "{}", one.name);
        let owners = |plan: &Plan| {
            plan.chains
                .iter()
                .filter(|one| one.owners[0].is_super)
                .count()
        };
        assert_eq!(owners(&base.plan), 0);
        assert_eq!(owners(&fast.plan), fast.plan.chains.len());
    }
}

#[test]
fn lanes_is_the_plan_that_its_text_says() {
    let lanes = crate::bundled_scenario("lanes").expect("it is bundled");
    let plan = plan_of(lanes.source, &Options::default());
    assert_eq!(
        (plan.seed, plan.duration, plan.warmup),
        (42, MS(2_000), MS(0))
    );
    assert_eq!(plan.signatures, Signatures::Ed25519);
    assert_eq!(plan.regions, ["local"]);
    assert_eq!(
        plan.network.client_latencies,
        [[Distribution::Constant(MS(20))]]
    );
    assert_eq!(plan.network.floor, MS(1));
    assert_eq!((plan.total_weight(), plan.quorum_weight()), (4, 3));
    assert_eq!(plan.validators[3].name, "v4");
    let names: Vec<&str> = plan
        .chains
        .iter()
        .map(|chain| chain.name.as_str())
        .collect();
    assert_eq!(names, ["A", "B", "C"]);
    assert_eq!(plan.chains[0].balance, Amount::from_tokens(100));
    assert_eq!(plan.owner_name(plan.chains[1].owners[0].owner), "B");
    let WorkloadKind::Script(steps) = &plan.workloads[0].kind else {
        panic!("a script")
    };
    assert_eq!(steps[0].trigger, Trigger::At(VirtualTime::from_millis(100)));
    assert_eq!(steps[1].trigger, Trigger::InboxNotEmpty);
    let transfer = Action::Transfer {
        from: Account::Chain,
        to: Chooser::One(ChainIndex::new(2)),
        account: Account::Chain,
        amount: Amount::from_tokens(4),
    };
    assert_eq!(steps[1].action, transfer);
    assert_eq!(steps[2].action, Action::ProcessInbox);
    assert_eq!(plan.output.trace, TraceMode::Full);
}

#[test]
fn a_hundred_thousand_chains_are_expanded() {
    let payments = crate::bundled_scenario("payments-100k").expect("it is bundled");
    let plan = plan_of(payments.source, &Options::default());
    assert_eq!(plan.chains.len(), 100_000);
    assert_eq!(plan.chains[99_999].name, "user/99999");
    assert_eq!(plan.signatures, Signatures::Modeled);
    let WorkloadKind::Open(open, _) = &plan.workloads[0].kind else {
        panic!("arrivals")
    };
    assert_eq!(open.visit(), Visit::Once);
    // Every chain gets its turn before the run ends.
    assert_eq!(open.expected(), 100_000);
}

#[test]
fn resolved_scenarios_are_stable_and_read_as_themselves() {
    for one in bundled() {
        let options = Options::default();
        let first = check(one.source, one.name, &options).expect("bundled scenarios are good");
        let again = check(one.source, one.name, &options).expect("bundled scenarios are good");
        assert_eq!(first.resolved_json, again.resolved_json);
        assert_eq!(first.plan, again.plan);
        let json: serde_json::Value =
            serde_json::from_str(&first.resolved_json).expect("it is JSON");
        let text = toml::to_string(&json).expect("JSON without null is TOML");
        let reread = check(&text, one.name, &options).expect("what was resolved is good");
        assert_eq!(reread.resolved_json, first.resolved_json, "{}", one.name);
        assert_eq!(reread.plan, first.plan, "{}", one.name);
    }
}

#[test]
fn the_resolved_scenario_has_every_default() {
    insta::assert_snapshot!("resolved", good(BASE).resolved_json);
}

#[test]
fn the_schema_is_the_one_that_was_reviewed() {
    let schema = crate::schema();
    assert!(!schema.contains("$ref"));
    insta::assert_snapshot!("schema", schema);
}

#[test]
fn values_beside_the_file_win() {
    let options = Options {
        set: vec![
            ("network.loss.client".to_owned(), "2%".to_owned()),
            ("chains.A.balance".to_owned(), "12".to_owned()),
            ("chains.user.count".to_owned(), "3".to_owned()),
            ("chains.*.inbox".to_owned(), "auto".to_owned()),
            (
                "workload.arrivals.open.rate".to_owned(),
                "\"7/s\"".to_owned(),
            ),
            (
                "validators.regions".to_owned(),
                "{ eu = 3, us = 1 }".to_owned(),
            ),
        ],
        seed: Some(u64::MAX),
        variant: Some("super".to_owned()),
    };
    let plan = plan_of(BASE, &options);
    assert_eq!(plan.seed, u64::MAX);
    assert_eq!(plan.variant.as_deref(), Some("super"));
    assert_eq!(Some(plan.network.client_loss), Ratio::new(1, 50));
    assert_eq!(plan.chains[0].balance, Amount::from_tokens(12));
    assert_eq!(plan.chains.len(), 5);
    assert!(plan.chains[1].owners[0].is_super);
    assert!(!plan.chains[0].owners[0].is_super);
    assert_eq!(plan.regions, ["eu", "us"]);
    assert_eq!(plan.regions[plan.validators[3].region.position()], "us");
}

#[test]
fn faults_name_their_targets() {
    let crash = "crash = { workers = \"v*/w*\", fraction = \"33%\", after_outputs = 2 }";
    let text = changed("partition = { between = [\"clients\", \"v3\"] }", crash);
    let plan = plan_of(&text, &Options::default());
    let fault = &plan.faults[0];
    assert_eq!(
        (fault.from, fault.until),
        (VirtualTime::from_secs(1), VirtualTime::from_secs(3))
    );
    let worker = |validator, worker| (ValidatorIndex::new(validator), WorkerIndex::new(worker));
    let kind = FaultKind::Crash {
        targets: Targets::Workers(vec![worker(0, 0), worker(0, 1)]),
        restarts: true,
        point: CrashPoint::AfterOutputs(2),
        loses_disk: false,
    };
    assert_eq!(fault.kind, kind);

    let clock = "clock = { validators = \"v2, v4\", skew = \"-300ms\" }";
    let text = changed("partition = { between = [\"clients\", \"v3\"] }", clock);
    let plan = plan_of(&text, &Options::default());
    let kind = FaultKind::Clock {
        targets: Targets::Validators(vec![ValidatorIndex::new(1), ValidatorIndex::new(3)]),
        skew: ClockSkew {
            offset_nanos: -300_000_000,
            drift_ppm: 0,
        },
    };
    assert_eq!(plan.faults[0].kind, kind);

    let plan = plan_of(BASE, &Options::default());
    let link = LinkPlan::Clients {
        chains: ChainSet::range(0..12),
        owner: None,
        validators: vec![ValidatorIndex::new(2)],
    };
    assert_eq!(plan.faults[0].kind, FaultKind::Partition(link));
}

#[test]
fn opened_chains_follow_those_of_the_genesis() {
    let text = changed(
        "  { when = \"inbox\", chain = \"shop\"",
        "  { after = \"prev\", chain = \"A\", open_chain = { name = \"room\", balance = \"1\" } },
  { when = \"inbox\", chain = \"shop\"",
    )
    .replace(
        "balance(\"A\") == 90",
        "balance(\"room\") == 1 && confirmed_blocks() >= 1",
    );
    let plan = plan_of(&text, &Options::default());
    let room = plan.chains.last().expect("there are chains");
    assert_eq!(room.name, "room");
    assert_eq!(
        room.origin,
        ChainOrigin::Opened {
            parent: ChainIndex::new(0)
        }
    );
    assert_eq!(plan.owner_name(room.owners[0].owner), "A");
    assert_eq!(plan.genesis_chains().count(), 12);
    assert_eq!(plan.groups[room.group.position()].name, "room");
}

#[test]
fn deadlines_count_from_the_end_of_a_fault() {
    let text = changed(
        "finally = 'balance(\"A\") == 90'",
        "eventually = { holds = \"pending_blocks() == 0\", after = \"cut\", within = \"5s\" }",
    );
    let plan = plan_of(&text, &Options::default());
    let kind = ExpectationKind::Eventually {
        after: VirtualTime::from_secs(3),
        deadline: VirtualTime::from_secs(8),
    };
    assert_eq!(plan.expectations[0].kind, kind);
}

#[test]
fn regions_have_their_own_latencies() {
    let text = changed(
        "latency = { client = \"20ms\", worker = \"1ms\" }",
        "latency = { client = \"regional\" }
regional = { same = \"8ms\", us-eu = \"42ms\" }",
    )
    .replace("workers = 2", "workers = 2\nregions = { eu = 3, us = 1 }")
    .replace("count   = 10", "count   = 10\nregions = { us = 1, eu = 1 }");
    let plan = plan_of(&text, &Options::default());
    assert_eq!(plan.regions, ["eu", "us"]);
    let latency = |chain: usize, validator: usize| {
        let (chain, validator) = (&plan.chains[chain], &plan.validators[validator]);
        plan.network
            .client_latency(chain.region, validator.region)
            .clone()
    };
    // The first chain of the group stands in `us`, the chain A in the first region.
    assert_eq!(latency(1, 0), Distribution::Constant(MS(42)));
    assert_eq!(latency(1, 3), Distribution::Constant(MS(8)));
    assert_eq!(latency(0, 0), Distribution::Constant(MS(8)));
}

#[test]
fn further_wallets_have_the_key_of_their_owner() {
    let text = changed(
        "owners  = { ana = 1, ben = 1 }",
        "owners  = { ana = 1, ben = 1 }\nwallets = { ben = 3 }",
    );
    let plan = plan_of(&text, &Options::default());
    let with_more = plan.chains.iter().find(|one| !one.later_owners.is_empty());
    let chain = with_more.expect("the shop has them");
    let names = |one: &OwnerIndex| (plan.owner_name(*one), plan.key_name(*one));
    let names: Vec<_> = chain.later_owners.iter().map(names).collect();
    assert_eq!(names, [("ben#2", "ben"), ("ben#3", "ben")]);
    assert_eq!(chain.owners.len(), 2, "they own nothing more");
}

#[test]
fn validators_may_have_workers_of_their_own() {
    let text = changed(
        "workers = 2",
        "workers = 2\nown_workers = { v1 = 6, v4 = 1 }",
    );
    let crash = "crash = { workers = \"v*/w3, v2/w*\" }";
    let text = text.replace("partition = { between = [\"clients\", \"v3\"] }", crash);
    let plan = plan_of(&text, &Options::default());
    let workers: Vec<u32> = plan.validators.iter().map(|one| one.workers).collect();
    assert_eq!(workers, [6, 2, 2, 1]);
    let FaultKind::Crash { targets, .. } = &plan.faults[0].kind else {
        panic!("a crash")
    };
    let worker = |validator, worker| (ValidatorIndex::new(validator), WorkerIndex::new(worker));
    // Only v1 has a third worker.
    let expected = vec![worker(0, 2), worker(1, 0), worker(1, 1)];
    assert_eq!(*targets, Targets::Workers(expected));
}

#[test]
fn validators_that_scale_themselves_lose_the_workers_that_they_have_then() {
    let scale = "workers = 2\nautoscale = { validators = \"v1, v2\", max = 9, boot = \"1s\" }";
    let text = changed("workers = 2", scale);
    let crash = "crash = { workers = \"v1/w*\", fraction = \"1/3\" }";
    let text = text.replace("partition = { between = [\"clients\", \"v3\"] }", crash);
    let plan = plan_of(&text, &Options::default());
    let kind = FaultKind::LoseWorkers {
        validators: vec![ValidatorIndex::new(0)],
        share: Ratio::new(1, 3).expect("not by zero"),
        restarts: true,
    };
    assert_eq!(plan.faults[0].kind, kind);
    let numbers = |validator| plan.workers_max(ValidatorIndex::new(validator));
    // Three of v1's may have to be replaced.
    assert_eq!([0, 1, 2].map(numbers), [12, 9, 2]);
    assert!(plan.is_elastic_online(ValidatorIndex::new(1)));
    assert!(!plan.is_elastic(ValidatorIndex::new(2)));
}

#[test]
fn a_sweep_is_every_point_with_every_seed() {
    let sweep = "[sweep]\nseeds = \"3..=5\"\nvariants = [\"super\"]\nof_bound = \"90%\"\n\
                 axes = { \"validators.workers\" = [1, 2], \"network.loss.client\" = [\"1%\"] }\n";
    let checked = good(&changed("[[variants]]", &format!("{sweep}[[variants]]")));
    let sweep = checked.sweep.expect("it is there");
    assert_eq!(sweep.seeds, [3, 4, 5]);
    assert_eq!(sweep.of_bound, Some(900_000));
    let names: Vec<&str> = sweep.points.iter().map(|one| one.name.as_str()).collect();
    let expected = [
        "super network.loss.client=1% validators.workers=1",
        "super network.loss.client=1% validators.workers=2",
    ];
    assert_eq!(names, expected);
    assert_eq!(sweep.points[1].set[1].1, "2");
}
