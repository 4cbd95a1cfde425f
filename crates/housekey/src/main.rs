//! The program: reads what it is told, wires the crates together, and ends cleanly.

mod cli;
mod clock;
mod commands;
mod compose;
mod config;
mod desk;
mod logging;
mod print;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

/// Exit code for an invalid configuration or command line (`EX_USAGE` of sysexits.h).
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_usage = error.use_stderr();
            if error.print().is_err() {
                return ExitCode::FAILURE;
            }
            return if is_usage {
                ExitCode::from(EXIT_USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            print::error(&error);
            if error.is::<config::InvalidConfig>() {
                return ExitCode::from(EXIT_USAGE);
            }
            ExitCode::FAILURE
        }
    }
}
