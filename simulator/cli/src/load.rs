//! Reading and checking a scenario: a file, a bundled one, or standard input.

use std::{io::Read, path::Path};

use scenario::{Checked, Options};

use crate::{
    args::{Choice, Format},
    exit::{CliError, Exit},
    folder::Folder,
    terminal::{Terminal, complain},
};

/// A scenario as given, and checked.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What it was called by.
    pub(crate) file: String,
    pub(crate) source: String,
    /// Where the files lie that it names.
    pub(crate) folder: Folder,
    pub(crate) options: Options,
    pub(crate) checked: Checked,
}

/// Larger files are not scenarios.
const SOURCE_MAX: u64 = 16 << 20;

/// Reads and checks what was chosen; prints all diagnostics.
pub(crate) fn load(choice: &Choice, terminal: &Terminal) -> Result<Loaded, CliError> {
    let (file, source, folder) = read(&choice.scenario)?;
    let options = options(choice, terminal)?;
    load_source(file, (source, folder), options, terminal)
}

/// Checks a source, the files of which lie in a folder; prints all diagnostics.
pub(crate) fn load_source(
    file: String,
    (source, folder): (String, Folder),
    options: Options,
    terminal: &Terminal,
) -> Result<Loaded, CliError> {
    match scenario::check_with(&source, &file, &options, &folder) {
        Ok(checked) => {
            if !checked.warnings.is_empty() && terminal.format == Format::Human {
                terminal.note(&scenario::render(&checked.warnings, terminal.style()));
            }
            Ok(Loaded {
                file,
                source,
                folder,
                options,
                checked,
            })
        }
        Err(diagnostics) => {
            match terminal.format {
                Format::Human => complain(&scenario::render(&diagnostics, terminal.style())),
                Format::Json => terminal.result(&scenario::to_json(&diagnostics)),
            }
            let summary = scenario::summary(&file, &diagnostics);
            Err(CliError::new(Exit::InvalidScenario, summary))
        }
    }
}

fn read(name: &str) -> Result<(String, String, Folder), CliError> {
    if name == "-" {
        let mut source = String::new();
        let input = std::io::stdin().lock();
        input
            .take(SOURCE_MAX)
            .read_to_string(&mut source)
            .map_err(|error| CliError::file("read", Path::new("standard input"), &error))?;
        return Ok(("standard input".to_owned(), source, Folder::default()));
    }
    let path = Path::new(name);
    match std::fs::File::open(path) {
        Ok(file) => {
            let mut source = String::new();
            file.take(SOURCE_MAX)
                .read_to_string(&mut source)
                .map_err(|error| CliError::file("read", path, &error))?;
            Ok((name.to_owned(), source, Folder::around(path)))
        }
        Err(error) => match scenario::bundled()
            .iter()
            .find(|bundled| bundled.name == name)
        {
            Some(bundled) => {
                let source = bundled.source.to_owned();
                Ok((format!("{name}.toml"), source, Folder::default()))
            }
            None => {
                let names: Vec<_> = scenario::bundled().iter().map(|b| b.name).collect();
                let hint = scenario::did_you_mean(name, names.iter().copied())
                    .unwrap_or_else(|| format!("bundled scenarios: {}", names.join(", ")));
                Err(CliError::file("read", path, &error).hint(hint))
            }
        },
    }
}

fn options(choice: &Choice, terminal: &Terminal) -> Result<Options, CliError> {
    let mut set = Vec::new();
    for pair in &choice.set {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            CliError::new(Exit::Usage, format!("--set {pair}: expected KEY=VALUE"))
                .hint("such as --set network.loss.client=2%")
        })?;
        set.push((key.to_owned(), value.to_owned()));
    }
    let seed = choice
        .seed
        .as_deref()
        .map(|text| seed(text, terminal))
        .transpose()?;
    Ok(Options {
        set,
        seed,
        variant: choice.variant.clone(),
    })
}

fn seed(text: &str, terminal: &Terminal) -> Result<u64, CliError> {
    if text == "random" {
        // The one draw that is not reproducible, and it says what it was.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = now.map_or(0, |since| since.as_nanos());
        let hash = blake3::hash(&nanos.to_le_bytes());
        let mut head = [0; 4];
        head.copy_from_slice(&hash.as_bytes()[..4]);
        let seed = u64::from(u32::from_le_bytes(head));
        terminal.note(&format!("seed {seed}"));
        return Ok(seed);
    }
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| {
        CliError::new(
            Exit::Usage,
            format!("--seed {text}: expected a number, 0x... or random"),
        )
    })
}
