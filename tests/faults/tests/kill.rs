//! Kills at random moments. `HOUSEKEY_KILLS` says how many; `scripts/kill` runs the long form.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_faults::{Campaign, Program};

const KILLS_DEFAULT: usize = 8;
/// What is missing came after the last commit began: within a batch (50 ms) and the time of one commit,
/// which on a busy machine is long.
const MISSING_MAX: Duration = Duration::from_secs(5);

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() -> Result<()> {
    let number = |name| std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok());
    let kills = number("HOUSEKEY_KILLS").unwrap_or(KILLS_DEFAULT);
    let seed = number("HOUSEKEY_SEED").unwrap_or(1);
    let folder = tempfile::Builder::new().prefix("hk-").tempdir()?;
    let program = Program::build(&folder.path().join("data"))?;
    let mut campaign = Campaign::new(program, u64::try_from(seed)?);
    let (mut reads, mut acts, mut worst, mut lost) = (0, 0, 0, 0);
    let (mut longest, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for kill in 1..=kills {
        let round = campaign
            .round()
            .with_context(|| format!("seed {seed}, kill {kill}"))?;
        ensure!(
            round.missing_for <= MISSING_MAX,
            "more than a batch is missing: {round:?}"
        );
        reads += round.reads;
        acts += round.acts;
        lost += round.missing;
        worst = worst.max(round.missing);
        longest = longest.max(round.missing_for);
        slowest = slowest.max(round.started_in);
    }
    println!(
        "{kills} kills: {reads} reads and {acts} acts were answered; every act and every token is \
         there, the chain is whole; reads without a record: {lost}, at most {worst} a kill, answered \
         within {} ms before it; slowest start {} ms",
        longest.as_millis(),
        slowest.as_millis()
    );
    Ok(())
}
