//! The command line as data.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use scenario::swarm::Swarm;

const EXIT_CODES: &str = "\
Exit codes:
  0    everything held
  1    an expectation or invariant failed, or a run directory is not what it says
  2    wrong usage
  3    the scenario is invalid
  4    inconclusive: the run ended before everything was decided
  5    not deterministic (--check-determinism)
  6    something could not be read or written
  101  a bug in microchains
  130  interrupted; the partial run is kept and marked

Examples:
  microchains run                          the bundled scenario `lanes`
  microchains run payments-1k --seed 7     another seed
  microchains run my.toml --set network.loss.client=2%";

/// Deterministic simulator of microchains.
#[derive(Debug, Parser)]
#[command(name = "microchains", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Options of every command.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Global {
    /// When to use colour.
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub(crate) color: Color,
    /// Shape of what is printed.
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    pub(crate) format: Format,
    /// Only the verdict (-q) or nothing at all (-qq).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) quiet: u8,
    /// No progress on the terminal.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Shape of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; may change.
    Human,
    /// For programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a scenario and write its report.
    Run(RunArgs),
    /// Check scenarios without running them.
    Check(CheckArgs),
    /// Copy a bundled scenario, or list them.
    New(NewArgs),
    /// Check that a run directory is what its manifest says.
    Verify(VerifyArgs),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Draw a figure of a run again.
    Figure(FigureArgs),
    /// Look at the bytecode of Linera applications.
    App(AppArgs),
    /// Say where a message of a run went, and why it is not there.
    Explain(ExplainArgs),
    /// Ask an application of a run about one of its chains.
    Query(QueryArgs),
    /// Say what a code such as M-03 means.
    Help(HelpArgs),
    /// Run random scenarios in which everything goes wrong at once, one for each seed.
    Swarm(SwarmArgs),
    /// Run every point of a scenario's sweep with every seed.
    Sweep(SweepArgs),
    /// Print a completion script for a shell.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Which scenario, and what is different from the file.
#[derive(Clone, Debug, Args)]
pub(crate) struct Choice {
    /// A file, the name of a bundled scenario, or `-` for standard input.
    #[arg(default_value = "lanes")]
    pub(crate) scenario: String,
    /// Another seed: a number, 0x..., or `random`.
    #[arg(long)]
    pub(crate) seed: Option<String>,
    /// Another value for a key, such as `network.loss.client=2%`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// The variant to run.
    #[arg(long)]
    pub(crate) variant: Option<String>,
}

/// How a run is driven. Nothing here changes a byte of the result.
#[derive(Clone, Debug, Args)]
pub(crate) struct Driving {
    /// Threads (partitions) at most.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: u16,
    /// What calls the nodes.
    #[arg(long, value_enum, default_value_t = Driver::Kernel)]
    pub(crate) driver: Driver,
    /// Narrower windows: the width is divided by this.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) window_divisor: u64,
    /// Compute everything at every node and compare.
    #[arg(long)]
    pub(crate) paranoid: bool,
}

/// What calls the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Driver {
    /// Actix actors, polled by the kernel of their partition.
    Kernel,
    /// Actix actors, started the ordinary way.
    Started,
    /// Plain structs in windows, without Actix.
    Plain,
    /// One heap of events, without windows: the reference.
    Heap,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) choice: Choice,
    #[command(flatten)]
    pub(crate) driving: Driving,
    /// Directory for reports; the run goes to NAME/SEED below it.
    #[arg(long, env = "MICROCHAINS_REPORTS", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Run twice with different drivers and compare.
    #[arg(long)]
    pub(crate) check_determinism: bool,
    /// Only simulate: write nothing.
    #[arg(long)]
    pub(crate) no_report: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) choice: Choice,
    /// Print the scenario with every default filled in.
    #[arg(long)]
    pub(crate) resolved: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The bundled scenario to copy; without it, all are listed.
    pub(crate) name: Option<String>,
    /// Where to write it.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The run directory.
    pub(crate) dir: PathBuf,
    /// Also run it again and compare.
    #[arg(long)]
    pub(crate) rerun: bool,
    #[command(flatten)]
    pub(crate) driving: Driving,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the message is explained, whatever became of it; 2 no such chain, or not the name of a
message; 6 the run directory cannot be read, or has no full trace.")]
pub(crate) struct ExplainArgs {
    /// The run directory, with a full trace.
    pub(crate) dir: PathBuf,
    /// The message: A:3/0 (message 0 of block 3 of chain A), A:3 (all of that block), or A->B.
    pub(crate) message: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the service has answered; 1 it refuses the request; 2 no such chain, height or
application; 6 the run directory cannot be read, or has no full trace.

Example:
  microchains query reports/fungible-everywhere/1 gold '{ supply }' --chain alice --height 3")]
pub(crate) struct QueryArgs {
    /// The run directory, with a full trace.
    pub(crate) dir: PathBuf,
    /// The application, by its name in the scenario or by its id.
    pub(crate) application: String,
    /// What to ask: GraphQL, or a request in JSON.
    pub(crate) request: String,
    /// The chain; that of the application's creator if not given.
    #[arg(long)]
    pub(crate) chain: Option<String>,
    /// After the block at this height; after the last one if not given.
    #[arg(long)]
    pub(crate) height: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct AppArgs {
    #[command(subcommand)]
    pub(crate) command: AppCommand,
}

/// What to do with an application.
#[derive(Debug, Subcommand)]
pub(crate) enum AppCommand {
    /// Say what a module is, what it asks for, and what keeps it from being published.
    Inspect(InspectArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 it may be published; 1 it may not, or is no module; 6 the file cannot be read.")]
pub(crate) struct InspectArgs {
    /// A module, `.wasm` or compressed as `.wasm.zst`: a contract or a service.
    pub(crate) file: PathBuf,
    /// List what it imports and exports.
    #[arg(long)]
    pub(crate) functions: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// The code; without it, all are listed.
    pub(crate) topic: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SwarmArgs {
    /// The seeds: `7`, `1..101`, or `1..=100`.
    #[arg(long, default_value = "1..=100", value_parser = seeds)]
    pub(crate) seeds: (u64, u64),
    /// Seeds that run side by side. Changes no result.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,
    /// Print the scenario of this seed instead, for `run`.
    #[arg(long, value_name = "SEED")]
    pub(crate) print: Option<u64>,
    /// What the scenarios are about.
    #[arg(long, value_enum, default_value_t = About::Everything)]
    pub(crate) about: About,
}

/// What random scenarios are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum About {
    /// Everything that can go wrong in a network.
    Everything,
    /// Messages inside validators: lost, doubled, bounced, while workers stop.
    Messages,
    /// Chains that go from worker to worker, while workers stop.
    HandOver,
}

impl From<About> for Swarm {
    fn from(about: About) -> Self {
        match about {
            About::Everything => Self::Everything,
            About::Messages => Self::Messages,
            About::HandOver => Self::HandOver,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub(crate) choice: Choice,
    /// Runs side by side. Changes no result.
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,
    /// Directory for reports; the sweep goes to NAME/sweep below it.
    #[arg(long, env = "MICROCHAINS_REPORTS", default_value = "reports")]
    pub(crate) out: PathBuf,
}

/// The first and the last seed of a range.
fn seeds(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| text.trim().parse::<u64>();
    let range = match text.split_once("..") {
        Some((first, last)) => {
            let (last, inclusive) = match last.strip_prefix('=') {
                Some(last) => (last, true),
                None => (last, false),
            };
            number(first).and_then(|first| Ok((first, number(last)?, inclusive)))
        }
        None => number(text).map(|only| (only, only, true)),
    };
    let (first, last, inclusive) = range.map_err(|error| error.to_string())?;
    let last = if inclusive {
        Some(last)
    } else {
        last.checked_sub(1)
    };
    match last {
        Some(last) if first <= last => Ok((first, last)),
        _ => Err("there is no seed in it".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct FigureArgs {
    /// The run directory.
    pub(crate) dir: PathBuf,
    /// The figure; without it, all are listed.
    pub(crate) name: Option<String>,
    /// Where to write its files.
    #[arg(long, default_value = ".")]
    pub(crate) out: PathBuf,
}
