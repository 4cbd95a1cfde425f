//! `just bench`: prints a table of medians, all measured in one run, with ratios to a floor.
//!
//! The floor of a face is an axum handler that parses the same request as JSON and returns the same
//! bytes. Absolute times depend on the machine; ratios much less so.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is the point"
)]

mod client;
mod house;
mod table;

use std::time::Duration;

use anyhow::Context;

/// Entities of the house.
const ENTITIES: usize = 2000;
/// Requests of each measurement.
const REQUESTS: usize = 2000;
/// Requests of a measurement in tests.
const REQUESTS_SHORT: usize = 20;

fn main() -> anyhow::Result<()> {
    let requests = match std::env::args().nth(1).as_deref() {
        None => REQUESTS,
        Some("--short") => REQUESTS_SHORT,
        Some(number) => number
            .parse()
            .context("usage: housekey-performance [--short | REQUESTS]")?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let rows = runtime.block_on(table::measure(ENTITIES, requests))?;
    println!("{ENTITIES} entities, {requests} requests a row, medians of one run\n");
    for row in rows {
        println!("{row}");
    }
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

#[cfg(test)]
mod tests {
    #[tokio::test(flavor = "multi_thread")]
    async fn the_table_can_be_made() {
        let rows = super::table::measure(50, 5).await.unwrap();
        assert!(rows.iter().any(|row| row.contains("/api/mcp")), "{rows:?}");
    }
}
