//! Draws the pictures of made-up runs into a directory, to be looked at:
//! `cargo run --release -p report --example gallery -- DIR [SAMPLE]`.

#[path = "../src/samples.rs"]
mod samples;

use std::error::Error;
use std::path::Path;

use analysis::tables::Tables;
use samples::{Traffic, synthetic};

type Sample = (&'static str, fn() -> Tables);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("usage: gallery DIR [SAMPLE]")?;
    let wanted = arguments.next();
    let samples: [Sample; 10] = [
        ("lanes", samples::lanes),
        ("failing", samples::failing),
        ("hostile", samples::hostile),
        ("c10", || synthetic(10, 60, 3_000_000, Traffic::Groups)),
        ("c40", || synthetic(40, 300, 10_000_000, Traffic::Uniform)),
        ("c100", || {
            synthetic(100, 600, 20_000_000, Traffic::Communities)
        }),
        ("few-busy", || {
            synthetic(8, 20_000, 300_000_000, Traffic::Groups)
        }),
        ("c1000", || {
            synthetic(1_000, 8_000, 60_000_000, Traffic::Groups)
        }),
        ("c10000", || {
            synthetic(10_000, 30_000, 60_000_000, Traffic::Communities)
        }),
        ("c100000", || {
            synthetic(100_000, 200_000, 120_000_000, Traffic::Uniform)
        }),
    ];
    for (name, sample) in samples {
        if wanted.as_deref().is_some_and(|w| w != name) {
            continue;
        }
        let tables = sample();
        let folder = Path::new(&directory).join(name);
        std::fs::create_dir_all(&folder)?;
        if std::env::var_os("TIMES").is_some() {
            use report::flow::{self, Level};
            let time = |what: &str, run: &dyn Fn() -> usize| {
                let started = std::time::Instant::now();
                let size = run();
                println!(
                    "{name} {what}: {} ms, {size}",
                    started.elapsed().as_millis()
                );
            };
            time("lanes svg", &|| {
                report::lanes::svg(&tables, &Default::default()).len()
            });
            let svg = report::lanes::svg(&tables, &Default::default());
            time("lanes png 1", &|| {
                report::png(&svg, 1).map_or(0, |b| b.len())
            });
            time("lanes png 2", &|| {
                report::png(&svg, 2).map_or(0, |b| b.len())
            });
            time("flow chains", &|| {
                flow::graph(&tables, Level::Chains).graph.edge_count()
            });
            time("flow groups", &|| {
                flow::graph(&tables, Level::Groups).graph.edge_count()
            });
            time("flow svg", &|| flow::svg(&tables).len());
            time("flow dot", &|| flow::dot(&tables, Level::Auto).len());
            time("flow graphml", &|| {
                flow::graphml(&tables, Level::Chains).len()
            });
            time("flow csv", &|| flow::csv(&tables, Level::Chains).len());
            time("tables", &|| report::tables::files(&tables).len());
            continue;
        }
        let mut files = report::tables::files(&tables);
        for figure in report::figures() {
            let started = std::time::Instant::now();
            files.extend(report::figure(figure, &tables)?);
            println!("{name} {figure}: {} ms", started.elapsed().as_millis());
        }
        let options = report::page::PageOptions {
            command: format!("microchains run {}.toml --seed 7", tables.run.scenario),
            files: files.iter().map(|(file, _)| file.clone()).collect(),
            ..Default::default()
        };
        files.push((
            "index.html".to_owned(),
            report::page::html(&tables, &options).into_bytes(),
        ));
        for (file, bytes) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            std::fs::write(path, bytes)?;
        }
    }
    Ok(())
}
