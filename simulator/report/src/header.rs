//! What every picture says about its run, and text in lines of limited width.

use analysis::tables::Tables;

use crate::text::{Dp, plural, short_hash, text_width};

/// `lanes`, or `lanes (variant)`.
pub(crate) fn name(tables: &Tables) -> String {
    match &tables.run.variant {
        Some(variant) => format!("{} ({variant})", tables.run.scenario),
        None => tables.run.scenario.clone(),
    }
}

/// `seed 42 · 4 validators × 2 workers · trace 9c1f…a2`.
pub(crate) fn facts(tables: &Tables) -> String {
    let run = &tables.run;
    let validators = plural(usize::try_from(run.validators).unwrap_or(0), "validator");
    let mut first = tables.scaling.iter().filter(|row| row.change == "start");
    let alike = first.all(|row| row.workers * run.validators == run.workers);
    let network = if run.validators > 0 && run.workers.is_multiple_of(run.validators) && alike {
        let each = usize::try_from(run.workers / run.validators).unwrap_or(0);
        format!("{validators} × {}", plural(each, "worker"))
    } else {
        format!(
            "{validators}, {}",
            plural(usize::try_from(run.workers).unwrap_or(0), "worker")
        )
    };
    format!(
        "seed {} · {network} · trace {}",
        run.seed,
        short_hash(&run.trace_hash)
    )
}

/// The text in lines of at most `width`, broken at spaces.
pub(crate) fn wrap(text: &str, size: Dp, width: Dp) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size, false) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}
