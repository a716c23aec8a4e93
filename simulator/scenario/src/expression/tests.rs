//! What statements mean.

use std::cell::RefCell;
use std::collections::BTreeMap;

use engine::VirtualTime;

use super::{Call, Evaluation, Quantities, Scope, Use, Window, build};
use crate::diagnostic::Code;
use crate::names::{Group, Names};
use crate::plan::ChainSet;

fn names() -> Names {
    let mut names = Names::default();
    names.validators = 4;
    names.workers = vec![2; 4];
    names.faults = vec!["cut".to_owned()];
    for (name, first, count) in [("A", 0, 1), ("user", 1, 10)] {
        let group = Group {
            name: name.to_owned(),
            first,
            count,
            numbered: count > 1,
            genesis: true,
        };
        assert!(names.add_group(group));
    }
    names.owner("ana");
    names
}

fn read(text: &str, use_of: Use) -> Result<super::Expression, Vec<Code>> {
    let names = names();
    let scope = Scope {
        names: &names,
        use_of,
        window: Window {
            from: VirtualTime::from_secs(1),
            until: VirtualTime::from_secs(9),
        },
        all_chains: ChainSet::range(0..11),
        genesis_chains: ChainSet::range(0..11),
        windows: RefCell::new(Vec::new()),
    };
    build(&scope, text).map_err(|errors| errors.iter().map(|error| error.code).collect())
}

/// A run of which some quantities are known, by the text of the call.
struct Known(BTreeMap<&'static str, i128>);

impl Quantities for Known {
    fn value(&self, call: &Call) -> Option<i128> {
        self.0.get(call.text.as_str()).copied()
    }
}

const TOKEN: i128 = 1_000_000_000_000_000_000;

fn evaluate(text: &str) -> Evaluation {
    let expression = read(text, Use::Whole).expect("the statement is good");
    let known = Known(BTreeMap::from([
        ("balance(\"A\")", 90 * TOKEN + TOKEN / 2),
        ("balance(\"ana@A\")", TOKEN),
        ("in_flight()", 0),
        ("blocks(\"A\")", 3),
        ("inbox_total()", 2),
        ("rate(confirmed_blocks, 1s..2s)", 5_812_500_000),
        ("p99(confirm_latency)", 402_000),
        ("jain(worker_busy)", 912_345),
        ("supply()", i128::MAX),
    ]));
    expression.evaluate(&known)
}

#[track_caller]
fn holds(text: &str, verdict: bool) {
    assert_eq!(evaluate(text).verdict, Some(verdict), "{text}");
}

#[track_caller]
fn wrong(text: &str, code: Code) {
    assert_eq!(read(text, Use::Whole), Err(vec![code]), "{text}");
}

#[test]
fn quantities_are_compared_exactly() {
    holds("balance(\"A\") == 90.5", true);
    holds("balance(\"A\") == 90.500000000000000001", false);
    holds("balance(\"A\") - 0.5 == 2 * 45", true);
    holds("balance(\"A\") == 0.5 * 181", true);
    holds("balance(\"ana@A\") * blocks(\"A\") == 3", true);
    holds("rate(confirmed_blocks, 1s..2s) >= 5800/s", true);
    holds("rate(confirmed_blocks, 1s..2s) == 5812.5/s", true);
    holds("p99(confirm_latency) < 500ms", true);
    holds("p99(confirm_latency) < 400ms + 2ms", false);
    holds("jain(worker_busy) > 0.9 && jain(worker_busy) < 92%", true);
    holds("-blocks(\"A\") == -3", true);
    holds("- 1 < in_flight()", true);
}

#[test]
fn precedence_is_the_usual_one() {
    holds("true || true && false", true);
    holds("(true || true) && false", false);
    holds("!false == true", true);
    holds("(in_flight() == 0) == (blocks(\"A\") == 3)", true);
    holds("(in_flight() == 0) != (blocks(\"A\") == 3)", false);
    holds("1 + 2 * blocks(\"A\") == 7", true);
    holds("10 - 2 - 3 == 5", true);
}

#[test]
fn what_is_unknown_spreads_only_as_far_as_it_matters() {
    let unknown = "blocks(\"user/1\") == 1";
    assert_eq!(evaluate(unknown).verdict, None);
    assert_eq!(evaluate(&format!("!({unknown})")).verdict, None);
    holds(&format!("false && {unknown}"), false);
    holds(&format!("{unknown} || true"), true);
    assert_eq!(evaluate(&format!("true && {unknown}")).verdict, None);
    // So does an overflow.
    assert_eq!(evaluate("2 * supply() > 1").verdict, None);
}

#[test]
fn readings_are_those_that_decided() {
    let texts = |text: &str| -> Vec<String> {
        evaluate(text)
            .readings
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(
        texts("balance(\"A\") == 90 && in_flight() == 0"),
        ["balance(\"A\") = 90.5"],
    );
    assert_eq!(
        texts("balance(\"A\") == 90.5 && in_flight() == 0 && in_flight() < 4"),
        ["balance(\"A\") = 90.5", "in_flight() = 0"],
    );
    assert_eq!(
        texts("p99(confirm_latency) < 1s"),
        ["p99(confirm_latency) = 402ms"]
    );
    assert_eq!(
        texts("jain(worker_busy) < 1"),
        ["jain(worker_busy) = 91.2345%"]
    );
    assert_eq!(
        texts("rate(confirmed_blocks, 1s..2s) > 1/s"),
        ["rate(confirmed_blocks, 1s..2s) = 5812.5/s"],
    );
    assert_eq!(
        texts("blocks(\"user/1\") == 1"),
        ["blocks(\"user/1\") = unknown"]
    );
}

#[test]
fn mistakes_have_their_code() {
    wrong("", Code::BadExpression);
    wrong("balance(\"A\")", Code::Dimension);
    wrong("balance(\"A\") == in_flight()", Code::Dimension);
    wrong("balance(\"A\") * balance(\"A\") == 1", Code::Dimension);
    wrong("p99(confirm_latency) < 500", Code::Dimension);
    wrong("blocks(\"A\") == 0.5", Code::Dimension);
    wrong("(in_flight() == 0) < (in_flight() == 1)", Code::Dimension);
    wrong("(in_flight() == 0) == 1", Code::Dimension);
    wrong("balance(A) == 1", Code::WrongArgument);
    wrong("jain(confirm_latency) < 1", Code::WrongArgument);
    wrong("rate(confirmed_blocks, 1s) < 1/s", Code::WrongArgument);
    wrong("rate(confirmed_blocks, 2s..1s) < 1/s", Code::BadValue);
    wrong("p100000(confirm_latency) < 1s", Code::UnknownFunction);
    wrong("lag(\"v5\") == 0", Code::UnknownValidator);
    wrong("fault_hits(\"cat\") == 0", Code::UnknownFault);
    wrong("in_flight == 0", Code::UnknownFunction);
    wrong("\"A\" == 0", Code::BadExpression);
    wrong("in_flight() == 5parsecs", Code::BadValue);
    wrong("1 < 2 < 3", Code::BadExpression);
    assert_eq!(
        read("balanc(\"A\") == 1 && inbox(\"B\") == 0", Use::Whole),
        Err(vec![Code::UnknownFunction, Code::UnknownChain])
    );
    assert_eq!(
        read("rate(arrivals) > 1/s", Use::Moment),
        Err(vec![Code::WrongArgument])
    );
}

#[test]
fn calls_are_listed_with_their_windows() {
    let expression = read(
        "p99(confirm_latency, 2s..) < 1s && in_flight() == 0",
        Use::Whole,
    )
    .expect("the statement is good");
    let texts: Vec<&str> = expression
        .calls()
        .iter()
        .map(|call| call.text.as_str())
        .collect();
    assert_eq!(texts, ["p99(confirm_latency, 2s..)", "in_flight()"]);
    let window = match &expression.calls()[0].function {
        super::Function::Statistic(super::Statistic::Quantile(9_900), _, window) => *window,
        other => panic!("{other:?}"),
    };
    assert_eq!(window.from, VirtualTime::from_secs(2));
    assert_eq!(window.until, VirtualTime::from_secs(9));
}
