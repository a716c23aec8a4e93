//! The functions that services may call.

use protocol::application::guest::Role;
use serde_json::{Value, json};

use super::{covered, hex, world};
use crate::chain::{hash, owner};

/// Functions, the query, and its answer.
type Row = (&'static [&'static str], Value, Value);

fn base_rows() -> Vec<Row> {
    let base = |call: Value| json!({ "Base": call });
    let bytes = |text: &str| json!(text.as_bytes());
    let chain = hex(hash(0xc1));
    let user = owner(0xaa).to_string();
    vec![
        (
            &["get-chain-id"],
            base(json!("GetChainId")),
            json!({ "Chain": chain }),
        ),
        (
            &["get-block-height"],
            base(json!("GetBlockHeight")),
            json!({ "Height": 7 }),
        ),
        (
            &["get-application-creator-chain-id"],
            base(json!("GetApplicationCreatorChainId")),
            json!({ "Chain": chain }),
        ),
        (
            &["application-parameters"],
            base(json!("ApplicationParameters")),
            json!({ "Json": "{\"n\":1}" }),
        ),
        (
            &["read-system-timestamp"],
            base(json!("ReadSystemTimestamp")),
            json!({ "Time": 1_000_000 }),
        ),
        (
            &["read-chain-balance"],
            base(json!("ReadChainBalance")),
            json!({ "Tokens": "100." }),
        ),
        (
            &["read-owner-balance"],
            base(json!({ "ReadOwnerBalance": user })),
            json!({ "Tokens": "8." }),
        ),
        (
            &["read-owner-balances"],
            base(json!("ReadOwnerBalances")),
            json!({ "Balances": [[owner(1).to_string(), "5000."], [user, "8."]] }),
        ),
        (
            &["read-balance-owners"],
            base(json!("ReadBalanceOwners")),
            json!({ "Owners": [owner(1).to_string(), user] }),
        ),
        (
            &["assert-before"],
            base(json!({ "AssertBefore": 1_000_001 })),
            json!("Done"),
        ),
        (
            &["read-data-blob"],
            base(json!({ "ReadDataBlob": hex(hash(0xb1)) })),
            json!({ "Bytes": b"data" }),
        ),
        (
            &["assert-data-blob-exists"],
            base(json!({ "AssertDataBlobExists": hex(hash(0xb1)) })),
            json!("Done"),
        ),
        (
            &["log"],
            base(json!({ "Log": ["Info", "hello"] })),
            json!("Done"),
        ),
        (
            &["contains-key-new", "contains-key-wait"],
            base(json!({ "ContainsKey": bytes("none") })),
            json!({ "Flag": false }),
        ),
        (
            &["contains-keys-new", "contains-keys-wait"],
            base(json!({ "ContainsKeys": [bytes("ab"), bytes("none")] })),
            json!({ "Flags": [true, false] }),
        ),
        (
            &[
                "read-multi-values-bytes-new",
                "read-multi-values-bytes-wait",
            ],
            base(json!({ "ReadMultiValuesBytes": [bytes("ab"), bytes("none")] })),
            json!({ "Values": [bytes("1"), null] }),
        ),
        (
            &["read-value-bytes-new", "read-value-bytes-wait"],
            base(json!({ "ReadValueBytes": bytes("ab") })),
            json!({ "Value": bytes("1") }),
        ),
        (
            &["find-keys-new", "find-keys-wait"],
            base(json!({ "FindKeys": bytes("a") })),
            json!({ "Keys": [bytes("b"), bytes("c")] }),
        ),
        (
            &["find-key-values-new", "find-key-values-wait"],
            base(json!({ "FindKeyValues": bytes("a") })),
            json!({ "KeyValues": [[bytes("b"), bytes("1")], [bytes("c"), []]] }),
        ),
    ]
}

fn rows(me: &str, other: &str) -> Vec<Row> {
    let mut rows = base_rows();
    rows.extend([
        (
            &["get-application-id"] as &[_],
            json!({ "Base": "GetApplicationId" }),
            json!({ "Application": me }),
        ),
        (
            &["schedule-operation"],
            json!({ "ScheduleOperation": "CloseChain" }),
            json!("Done"),
        ),
        (
            &["schedule-operation"],
            json!({ "ScheduleRawOperation": [1, 2] }),
            json!("Done"),
        ),
        (
            &["try-query-application"],
            json!({ "TryQueryApplication": {
                "application": other, "query": "{\"Base\":\"ApplicationParameters\"}",
            } }),
            json!({ "Json": "{\"Json\":\"{\\\"n\\\":2}\"}" }),
        ),
        (
            &["check-execution-time"],
            json!({ "CheckExecutionTime": 1_000 }),
            json!("Done"),
        ),
    ]);
    rows
}

/// Answers that are large; what matters of them is a part.
fn parts(other: &str) -> Vec<(&'static [&'static str], Value, &'static str, Value)> {
    vec![
        (
            &["read-application-description"],
            json!({ "Base": { "ReadApplicationDescription": other } }),
            "/Description/application_index",
            json!(1),
        ),
        (
            &["get-chain-ownership"],
            json!({ "Base": "GetChainOwnership" }),
            "/Ownership/multi_leader_rounds",
            json!(5),
        ),
        (
            &["get-application-permissions"],
            json!({ "Base": "GetApplicationPermissions" }),
            "/Permissions/close_chain",
            json!([]),
        ),
        (
            &["perform-http-request"],
            json!({ "Base": { "PerformHttpRequest": {
                "method": "Get", "url": "https://example.org", "headers": [], "body": [],
            } } }),
            "/Http/status",
            json!(404),
        ),
    ]
}

#[test]
fn every_function_answers_a_service() {
    let (mut chain, [me, other]) = world();
    let (me_hex, other_hex) = (me.to_string(), other.to_string());
    let mut ask = |query: &Value| -> Value {
        let response = chain.query(me, &query.to_string());
        let response = response.unwrap_or_else(|error| panic!("{query}: {error}"));
        serde_json::from_str(&response).expect("an answer is JSON")
    };
    let rows = rows(&me_hex, &other_hex);
    for (names, query, expected) in &rows {
        assert_eq!(ask(query), *expected, "{names:?}");
    }
    let parts = parts(&other_hex);
    for (names, query, pointer, expected) in &parts {
        let answer = ask(query);
        assert_eq!(
            answer.pointer(pointer),
            Some(expected),
            "{names:?}: {answer}"
        );
    }
    let names = rows.iter().flat_map(|row| row.0);
    let names = names.chain(parts.iter().flat_map(|row| row.0)).copied();
    covered(names, Role::Service, "");
    assert_eq!(chain.scheduled, [(me, vec![9]), (me, vec![1, 2])]);
}

#[test]
fn a_service_that_fails_says_why() {
    let (mut chain, [me, _]) = world();
    let mut fails = |query: &str| chain.query(me, query).expect_err("it fails").to_string();
    assert!(fails("{\"Panic\":\"not today\"}").contains("not today"));
    assert!(fails("not json").contains("could not be deserialized"));
    let itself =
        format!("{{\"TryQueryApplication\":{{\"application\":\"{me}\",\"query\":\"null\"}}}}");
    let reentrant = fails(&itself);
    assert!(reentrant.ends_with("which has not returned"), "{reentrant}");
    assert!(fails("{\"CheckExecutionTime\":100000000000}").ends_with("out of fuel"));
}
