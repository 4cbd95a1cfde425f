//! `goldens [DIR]`: runs every recorded suite in a folder.
//!
//! Exits with 1 when a case misses that docs/COMPATIBILITY.md does not list, with 2 when there is
//! no suite that can be run.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use housekey_goldens::listed::Listed;

/// Runs recorded answers of Home Assistant against housekey.
#[derive(Parser)]
struct Options {
    /// A folder with recordings, laid out as ha-fixtures is.
    #[arg(default_value = "ha-fixtures")]
    dir: PathBuf,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let listed = Listed::of_the_project();
    let mut out = std::io::stdout().lock();
    if !options.dir.is_dir() {
        writeln!(out, "{} is no folder", options.dir.display())?;
        return Ok(ExitCode::from(2));
    }
    let report = housekey_goldens::run(&options.dir)?;
    write!(out, "{}", report.text(&listed))?;
    if report.case_count() == 0 {
        writeln!(
            out,
            "{} holds no suite that can be run",
            options.dir.display()
        )?;
        return Ok(ExitCode::from(2));
    }
    Ok(ExitCode::from(u8::from(
        !report.unlisted_misses(&listed).is_empty(),
    )))
}
