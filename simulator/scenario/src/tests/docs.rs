//! The reference of the format: its examples are good, and it leaves nothing out.

use super::good;
use crate::{Code, FIGURES, Severity};

const REFERENCE: &str = include_str!("../../../../docs/scenario-format.md");

/// The blocks of TOML, without their fences.
fn blocks() -> Vec<&'static str> {
    REFERENCE
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("a split has a first part"))
        .collect()
}

#[test]
fn the_examples_of_the_reference_are_good() {
    let blocks = blocks();
    assert!(blocks.len() > 8);
    for block in &blocks {
        let text = if block.starts_with("format") {
            (*block).to_owned()
        } else {
            format!("{}\n{block}", blocks[0])
        };
        let warnings = good(&text).warnings;
        assert_eq!(warnings, [], "{block}");
    }
}

#[test]
fn the_reference_leaves_nothing_out() {
    let mut missing: Vec<String> = Vec::new();
    let mut expect = |word: &str| {
        if !REFERENCE.contains(word) {
            missing.push(word.to_owned());
        }
    };
    for code in Code::ALL {
        expect(&format!("`{}`", code.as_str()));
    }
    for (name, _) in FIGURES {
        expect(name);
    }
    for name in crate::expression::function_names() {
        expect(name);
    }
    let mut keys = Vec::new();
    collect_keys(crate::shape::schema(), &mut keys);
    assert!(keys.len() > 100);
    for key in keys {
        expect(key);
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// The names of all keys of a schema.
fn collect_keys<'s>(schema: &'s serde_json::Value, keys: &mut Vec<&'s str>) {
    let properties = schema.get("properties").and_then(|all| all.as_object());
    for (key, inner) in properties.into_iter().flatten() {
        keys.push(key);
        collect_keys(inner, keys);
    }
    if let Some(items) = schema.get("items") {
        collect_keys(items, keys);
    }
}

#[test]
fn codes_are_listed_once_and_by_severity() {
    let mut codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Code::ALL.len());
    let warnings = Code::ALL
        .iter()
        .filter(|code| code.severity() == Severity::Warning)
        .count();
    assert_eq!(warnings, 11);
}
