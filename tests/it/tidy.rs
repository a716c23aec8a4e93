//! The shape of the repository: which crate may know which, what may stand where, how long files
//! are. A rule that only a page states is broken within a week; these fail, and say what to do.
//!
//! Owns the tables in [`rules`]. Knows nothing of what the code does: it reads files as text. What
//! a compiler or clippy can say is left to them.

mod repository;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use repository::{Document, Repository, code_of};
use rules::{
    APPS, CRATES, EXTERNAL, FORBIDDEN, LINES_MAX, LONG_FILES, MACHINE_PATHS, PLACES, PURE,
    TOP_LEVEL,
};

/// Fails with everything that is wrong, not only the first.
#[track_caller]
fn report(rule: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{rule}\n  {}\n", problems.join("\n  "));
}

/// Names below `[dependencies]`, `[dev-dependencies]` and `[build-dependencies]`.
fn dependencies(manifest: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let table: toml::Table = manifest.parse().expect("cargo has read this manifest");
    let names = |section: &str| {
        let table = table.get(section).and_then(toml::Value::as_table);
        table
            .into_iter()
            .flat_map(|table| table.keys().cloned())
            .collect::<BTreeSet<_>>()
    };
    let mut normal = names("dependencies");
    normal.extend(names("build-dependencies"));
    (normal, names("dev-dependencies"))
}

/// What is wrong with the dependencies of one crate.
fn edges(name: &str, manifest: &str) -> Vec<String> {
    let path = format!("Cargo.toml of `{name}`");
    let Some(row) = CRATES.iter().find(|row| row.name == name) else {
        return vec![format!(
            "{path}: not in the table CRATES: say what it may import, and why"
        )];
    };
    let (normal, dev) = dependencies(manifest);
    let judge = |dependency: &String| {
        let ours = CRATES.iter().any(|row| row.name == dependency);
        let is_dev = !normal.contains(dependency);
        let users = EXTERNAL.iter().find(|(external, _)| external == dependency);
        let pure = PURE.iter().find(|(pure, _)| *pure == name);
        match users {
            _ if ours && row.imports.contains(&dependency.as_str()) => None,
            _ if ours => Some("is not below it".to_owned()),
            None => Some("is not in the table EXTERNAL".to_owned()),
            Some((_, users)) if is_dev && users.contains(&"dev") => None,
            Some((_, users)) if !users.contains(&name) && !users.contains(&"*") => {
                Some(format!("is for {users:?} only"))
            }
            Some(_)
                if !is_dev && pure.is_some_and(|(_, may)| !may.contains(&dependency.as_str())) =>
            {
                Some("is not in the table PURE".to_owned())
            }
            Some(_) => None,
        }
    };
    let all = normal.union(&dev);
    all.filter_map(|one| Some(format!("{path}: `{one}` {}", judge(one)?)))
        .collect()
}

#[test]
fn crates_import_only_what_lies_below_them() {
    let repository = Repository::read();
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for manifest in repository
        .files
        .iter()
        .filter(|file| file.name() == "Cargo.toml" && !file.path.starts_with(APPS))
    {
        let table: toml::Table = manifest.text.parse().expect("cargo has read this manifest");
        let Some(name) = table
            .get("package")
            .and_then(|package| package["name"].as_str())
        else {
            continue;
        };
        problems.extend(edges(name, &manifest.text));
        seen.insert(name.to_owned());
        let lints = table.get("lints").and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            problems.push(format!("{}: say `[lints] workspace = true`", manifest.path));
        }
    }
    let known: BTreeSet<_> = CRATES.iter().map(|row| row.name.to_owned()).collect();
    problems.extend(
        known
            .difference(&seen)
            .map(|name| format!("no crate is called `{name}`")),
    );
    report(
        "Arrows point downwards. Go through the layer between; or, if the picture is to change, \
         change tests/it/tidy/rules.rs and docs/ARCHITECTURE.md together and write a decision.",
        &problems,
    );
}

#[test]
fn the_picture_of_the_layers_is_the_table() {
    for (place, row) in CRATES.iter().enumerate() {
        for import in row.imports {
            let below = CRATES[..place].iter().any(|other| other.name == *import);
            assert!(
                below,
                "CRATES lists `{}` before `{import}`, which it imports",
                row.name
            );
        }
    }
    let (protocol, engine) = (&CRATES[0], &CRATES[1]);
    assert_eq!((protocol.name, engine.name), ("protocol", "engine"));
    assert!(
        protocol.imports.is_empty() && engine.imports.is_empty(),
        "they never meet"
    );
}

/// What stands in one source file although it belongs elsewhere.
fn misplaced(document: &Document) -> Vec<String> {
    let mut problems = Vec::new();
    for place in PLACES {
        let allowed = place
            .allowed
            .iter()
            .any(|prefix| document.path.starts_with(prefix));
        if allowed || (place.tests_too && document.is_test()) {
            continue;
        }
        let text = if place.tests_too {
            document.without_tests()
        } else {
            &document.text
        };
        for (number, line) in text.lines().enumerate() {
            if names(&code_of(line), place.word) {
                let (path, number) = (&document.path, number + 1);
                problems.push(format!(
                    "{path}:{number}: `{}`: {}",
                    place.word, place.instead
                ));
            }
        }
    }
    problems
}

/// Whether `code` names `word`, and not a longer one that holds it.
fn names(code: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let goes_on = word.ends_with(inside) && after.is_some_and(inside);
        !before.is_some_and(inside) && !goes_on
    })
}

#[test]
fn libraries_are_named_only_where_they_belong() {
    let repository = Repository::read();
    let problems: Vec<_> = repository.sources().flat_map(misplaced).collect();
    report("Things have one place each:", &problems);
}

#[test]
fn modules_say_what_they_own() {
    let repository = Repository::read();
    let silent = |file: &&Document| {
        // `foo/tests.rs` says it by its name.
        file.name() != "tests.rs" && !file.text.starts_with("//!")
    };
    let problems: Vec<_> = repository
        .sources()
        .filter(silent)
        .map(|f| f.path.clone())
        .collect();
    report(
        "Open these with `//!`: what the module owns, the invariant that it keeps, what it does \
         not know.",
        &problems,
    );
}

#[test]
fn files_fit_a_head() {
    let repository = Repository::read();
    let lengths: BTreeMap<_, _> = repository
        .sources()
        .map(|file| (file.path.as_str(), file.text.lines().count()))
        .collect();
    let mut problems = Vec::new();
    for (path, lines) in &lengths {
        let exception = LONG_FILES.iter().find(|long| long.path == *path);
        let limit = exception.map_or(LINES_MAX, |long| long.lines);
        if *lines > limit {
            problems.push(format!(
                "{path}: {lines} lines of {limit}: split it where a second noun begins"
            ));
        }
    }
    for long in LONG_FILES {
        match lengths.get(long.path) {
            Some(lines) if *lines > LINES_MAX => {}
            Some(_) => problems.push(format!("{}: short again: out of LONG_FILES", long.path)),
            None => problems.push(format!("{}: gone: out of LONG_FILES", long.path)),
        }
        assert!(!long.reason.is_empty(), "an exception has a reason");
    }
    report(
        "One noun a file; the list of exceptions only ever shrinks:",
        &problems,
    );
}

/// Leftovers and switched-off tests in one source file.
fn leftovers(document: &Document) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in document.text.lines().enumerate() {
        let code = code_of(line);
        for (pattern, instead) in FORBIDDEN {
            if code.contains(pattern) {
                problems.push(format!(
                    "{}:{}: `{pattern}`: {instead}",
                    document.path,
                    number + 1
                ));
            }
        }
    }
    problems
}

#[test]
fn nothing_is_left_for_later() {
    let repository = Repository::read();
    let problems: Vec<_> = repository.sources().flat_map(leftovers).collect();
    report("Finish it, or leave it out:", &problems);
}

#[test]
fn the_first_page_has_room_for_everything() {
    let repository = Repository::read();
    let entries: BTreeSet<_> = repository.files.iter().map(Document::top).collect();
    let unknown = entries.iter().filter(|entry| !TOP_LEVEL.contains(entry));
    let problems: Vec<_> = unknown.map(|entry| (*entry).to_owned()).collect();
    report(
        "These do not belong at the top. Put them where they are used, or into TOP_LEVEL:",
        &problems,
    );
}

#[test]
fn nothing_names_a_machine() {
    let repository = Repository::read();
    let root = repository.root.to_string_lossy().into_owned();
    let mut problems = Vec::new();
    for file in &repository.files {
        for (number, line) in file.text.lines().enumerate() {
            let fixed = MACHINE_PATHS
                .iter()
                .any(|parts| line.contains(&parts.concat()));
            if fixed || (root.len() > 1 && line.contains(&root)) {
                problems.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    report("Paths of one machine mean nothing on another:", &problems);
}

#[test]
fn bans_are_everywhere() {
    let repository = Repository::read();
    let mut problems = Vec::new();
    for file in repository
        .files
        .iter()
        .filter(|file| file.name() == "clippy.toml")
    {
        let table: toml::Table = file.text.parse().expect("clippy has read this file");
        let types = table
            .get("disallowed-types")
            .and_then(toml::Value::as_array);
        let banned: BTreeSet<_> = types
            .into_iter()
            .flatten()
            .filter_map(|row| row.get("path")?.as_str())
            .collect();
        for path in ["std::collections::HashMap", "std::collections::HashSet"] {
            if !banned.contains(path) {
                problems.push(format!("{}: does not ban `{path}`", file.path));
            }
        }
    }
    report(
        "Clippy merges nothing, so every file repeats what it keeps:",
        &problems,
    );
}

#[test]
fn scenarios_open_with_their_claim() {
    let repository = Repository::read();
    let scenario = |file: &&Document| {
        let inside = file.top() == "scenarios" && !file.path.starts_with(APPS);
        inside && file.path.ends_with(".toml")
    };
    let silent = repository
        .files
        .iter()
        .filter(scenario)
        .filter(|f| !f.text.starts_with("# Claim:"));
    let problems: Vec<_> = silent.map(|file| file.path.clone()).collect();
    report(
        "Open these with `# Claim:` and what the scenario tests:",
        &problems,
    );
}

#[test]
fn the_map_names_every_crate_and_the_table_every_invariant() {
    let repository = Repository::read();
    let map = repository.text("docs/ARCHITECTURE.md");
    for row in CRATES {
        let name = format!("`{}`", row.name);
        assert!(
            map.contains(&name),
            "docs/ARCHITECTURE.md has no line for {name}"
        );
    }
    let table = repository.text("docs/INVARIANTS.md");
    for invariant in analysis::Invariant::ALL {
        let name = invariant.name();
        assert!(
            table.contains(name),
            "docs/INVARIANTS.md has no row for {name}"
        );
    }
}

#[test]
fn links_lead_somewhere() {
    let repository = Repository::read();
    let mut problems = Vec::new();
    for page in repository
        .files
        .iter()
        .filter(|file| file.path.ends_with(".md"))
    {
        for target in repository::links(&page.text) {
            let path = repository.root.join(&page.path);
            let folder = path.parent().expect("a file has a folder");
            if !folder.join(target).exists() {
                problems.push(format!("{}: {target}", page.path));
            }
        }
    }
    report("These links lead nowhere:", &problems);
}

#[test]
fn the_two_commands_are_on_the_first_page() {
    let repository = Repository::read();
    let readme = repository.text("README.md");
    let commands: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with("cargo "))
        .collect();
    let run = commands.first().expect("README.md has commands");
    assert!(
        run.starts_with("cargo run --release -- run"),
        "the main job comes first: {run}"
    );
    let test = commands.get(1).expect("README.md has two commands");
    assert!(
        test.starts_with("cargo test --workspace"),
        "the tests come second: {test}"
    );
    let script = repository.text(".ci/run");
    assert!(
        script.contains("README.md"),
        ".ci/run runs the command of the README"
    );
}

mod the_rules_can_fail {
    use super::*;

    fn source(path: &str, text: &str) -> Document {
        Document {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn an_arrow_upwards_is_seen() {
        let manifest = "[dependencies]\nengine = {}\nactix = {}\nserde = {}\nunheard-of = {}\n";
        let problems = edges("protocol", manifest);
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(problems[0].contains("`actix` is for"), "{problems:#?}");
        assert!(
            problems[1].contains("`engine` is not below"),
            "{problems:#?}"
        );
        assert!(
            problems[2].contains("`unheard-of` is not in the table"),
            "{problems:#?}"
        );
        let serde = "[dependencies]\nserde = {}\n";
        assert!(edges("protocol", serde).is_empty());
        assert!(edges("engine", serde)[0].contains("`serde` is not in the table PURE"));
        assert!(edges("engine", "[dev-dependencies]\nproptest = {}\n").is_empty());
        assert!(edges("newcomer", "")[0].contains("not in the table CRATES"));
    }

    #[test]
    fn a_library_out_of_its_place_is_seen() {
        let text = "std::fs::read(p);\nuse actix::Actor; // tokio\nlet s = \"dashmap\";\n";
        let problems = misplaced(&source("simulator/trace/src/reader.rs", text));
        assert_eq!(problems.len(), 2, "{problems:#?}");
        assert!(misplaced(&source("simulator/cli/src/load.rs", "fs::read(p)")).is_empty());
        let test = "//! x\n#[cfg(test)]\nmod tests {\n    fs::read(p)\n}\n";
        assert!(misplaced(&source("simulator/trace/src/reader.rs", test)).is_empty());
    }

    #[test]
    fn words_are_whole() {
        assert!(names("use tokio::task;", "tokio"));
        assert!(!names("my_tokio()", "tokio"));
        assert!(!names("tokio_util", "tokio"));
    }

    #[test]
    fn leftovers_are_seen() {
        let text = "#[ignore]\nfn a() { todo!() }\nlet fine = \"todo!()\"; // todo!()\n";
        assert_eq!(leftovers(&source("x.rs", text)).len(), 2);
    }
}
