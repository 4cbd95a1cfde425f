//! `housekey completions` and `housekey man`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::print;

pub(super) fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "housekey", &mut script);
    print::line(String::from_utf8(script)?.trim_end());
    Ok(ExitCode::SUCCESS)
}

pub(super) fn man(directory: Option<&Path>) -> anyhow::Result<ExitCode> {
    match directory {
        None => {
            let mut page = Vec::new();
            Man::new(Cli::command()).render(&mut page)?;
            print::line(String::from_utf8(page)?.trim_end());
        }
        Some(directory) => {
            let broken = || format!("cannot write to {}", directory.display());
            std::fs::create_dir_all(directory).with_context(broken)?;
            clap_mangen::generate_to(Cli::command(), directory).with_context(broken)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
