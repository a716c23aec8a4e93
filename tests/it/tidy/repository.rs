//! The repository as text: the files that are part of it, and just enough reading of Rust and
//! Markdown to judge them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A file of the repository that is text.
#[derive(Debug)]
pub(super) struct Document {
    /// Path from the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Document {
    /// The last part of the path.
    pub(super) fn name(&self) -> &str {
        self.path
            .rsplit('/')
            .next()
            .expect("a split has a first part")
    }

    /// The first part of the path.
    pub(super) fn top(&self) -> &str {
        self.path
            .split('/')
            .next()
            .expect("a split has a first part")
    }

    /// Whether the file is a test, a benchmark or an example as a whole.
    pub(super) fn is_test(&self) -> bool {
        let folder = |name| self.path.split('/').any(|part| part == name);
        folder("tests")
            || folder("benches")
            || folder("examples")
            || self.name().ends_with("tests.rs")
            || matches!(self.name(), "testing.rs" | "samples.rs")
    }

    /// The text up to the tests at its end.
    pub(super) fn without_tests(&self) -> &str {
        let end = self
            .text
            .find("#[cfg(test)]\nmod tests {")
            .unwrap_or(self.text.len());
        &self.text[..end]
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) root: PathBuf,
    pub(super) files: Vec<Document>,
}

impl Repository {
    /// Reads what git keeps; without git, everything but what builds and runs leave behind.
    pub(super) fn read() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .parent()
            .expect("this crate lies in the repository")
            .to_path_buf();
        let mut paths = tracked(&root).unwrap_or_else(|| found(&root));
        paths.sort();
        // Bytes that are no text are pictures, fonts and traces: nothing here judges them. A path
        // without a file was removed a moment ago.
        let read = |path: String| {
            let text = fs::read_to_string(root.join(&path)).ok()?;
            Some(Document { path, text })
        };
        let files: Vec<_> = paths.into_iter().filter_map(read).collect();
        assert!(
            files.len() > 50,
            "{} does not look like the repository",
            root.display()
        );
        Self { root, files }
    }

    /// All Rust files.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Document> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The text of one file.
    #[track_caller]
    pub(super) fn text(&self, path: &str) -> &str {
        let file = self.files.iter().find(|file| file.path == path);
        &file.unwrap_or_else(|| panic!("{path} is missing")).text
    }
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    if !root.join(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["ls-files", "-z"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<_> = text.split_terminator('\0').map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

fn found(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root.join(&folder)).expect("the repository can be read") {
            let entry = entry.expect("the repository can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            let left_behind = matches!(path.as_str(), "target" | "scenarios/apps/target" | ".git")
                || (path.starts_with("reports/") && path != "reports/README.md");
            if left_behind {
                continue;
            }
            if entry
                .file_type()
                .expect("the repository can be read")
                .is_dir()
            {
                open.push(path);
            } else {
                paths.push(path);
            }
        }
    }
    paths
}

/// A line without its comment and without what is inside its string literals.
pub(super) fn code_of(line: &str) -> String {
    let mut code = String::new();
    let mut rest = line.chars().peekable();
    let mut in_string = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if in_string => drop(rest.next()),
            '"' => {
                in_string = !in_string;
                code.push(c);
            }
            // The quote as a character does not open a string.
            '\'' if !in_string && rest.peek() == Some(&'"') => drop(rest.next()),
            '/' if !in_string && rest.peek() == Some(&'/') => return code,
            _ if in_string => {}
            _ => code.push(c),
        }
    }
    code
}

/// Where the links of a page lead, within the repository.
pub(super) fn links(page: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut in_code = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for part in line.split("](").skip(1) {
            let target = part
                .split([')', '#'])
                .next()
                .expect("a split has a first part");
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !elsewhere {
                targets.push(target);
            }
        }
    }
    targets
}

#[test]
fn code_is_what_is_left_without_comments_and_strings() {
    assert_eq!(code_of("let a = 1; // f64"), "let a = 1; ");
    assert_eq!(code_of(r#"say("f64 \" f64", x)"#), r#"say("", x)"#);
    assert_eq!(code_of(r#"split('"').f64()"#), "split(').f64()");
}

#[test]
fn links_are_found_outside_of_code() {
    let page = "[a](b.md#c) and [d](https://e) `x`\n```\n[f](g)\n```\n![h](i.svg)\n[j](#k)\n";
    assert_eq!(links(page), ["b.md", "i.svg"]);
}
