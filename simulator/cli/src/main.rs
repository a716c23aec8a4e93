//! The command line: the only place that reads files, the environment and the terminal.

mod app;
mod args;
mod commands;
mod exit;
mod explain;
mod folder;
mod load;
mod query;
mod rundir;
mod simulate;
mod swarm;
mod sweep;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    args::{Cli, Command},
    exit::{CliError, Exit},
    terminal::{Terminal, complain},
};

/// Many small values live for a moment each; this allocator is built for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(&cli.global);
    let exit = dispatch(&cli, &terminal).unwrap_or_else(|error| {
        complain(&error.to_string());
        error.exit
    });
    ExitCode::from(u8::try_from(exit as i32).expect("exit codes are small"))
}

fn dispatch(cli: &Cli, terminal: &Terminal) -> Result<Exit, CliError> {
    match &cli.command {
        Command::Run(args) => commands::run(args, terminal),
        Command::Check(args) => commands::check(args, terminal),
        Command::New(args) => commands::new(args, terminal),
        Command::Verify(args) => commands::verify(args, terminal),
        Command::Schema => commands::schema(terminal),
        Command::Figure(args) => commands::figure(args, terminal),
        Command::App(args) => app::app(args, terminal),
        Command::Explain(args) => explain::explain(args, terminal),
        Command::Query(args) => query::query(args, terminal),
        Command::Help(args) => explain::help(args, terminal),
        Command::Swarm(args) => swarm::swarm(args, terminal),
        Command::Sweep(args) => sweep::sweep(args, terminal),
        Command::Completion { shell } => commands::completion(*shell, terminal),
    }
}
