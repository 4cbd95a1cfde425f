//! One file a command.

mod answer;
mod audit;
mod config;
mod demo;
mod doctor;
mod serve;
mod shell;
mod signals;
mod token;

use std::process::ExitCode;

use crate::cli::{Cli, Command, Global};
use crate::config::{Flags, environment};

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let flags = flags(&cli.global);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match cli.command {
        Command::Demo(arguments) => runtime.block_on(demo::run(&arguments, flags, &cli.global)),
        Command::Serve(arguments) => runtime.block_on(serve::run(arguments, flags)),
        Command::Token(command) => runtime.block_on(token::run(command, &flags)),
        Command::Audit(command) => runtime.block_on(audit::run(command, &flags)),
        Command::Config(command) => config::run(&command, &flags),
        Command::Doctor(arguments) => runtime.block_on(doctor::run(&arguments, &flags)),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { directory } => shell::man(directory.as_deref()),
    }
}

fn flags(global: &Global) -> Flags {
    let mut flags = Flags {
        file: global.config.clone(),
        environment: environment(),
        ..Flags::default()
    };
    if let Some(directory) = &global.data_dir {
        let directory = directory.display().to_string();
        flags
            .values
            .push(("store.directory", "--data-dir", directory));
    }
    if let Some(filter) = &global.log {
        flags.values.push(("log.filter", "--log", filter.clone()));
    }
    flags
}
