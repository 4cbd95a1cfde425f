//! `housekey serve`

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use housekey_link::{Link, LinkConfig, Phase};
use tokio_util::sync::CancellationToken;

use super::signals;
use crate::cli::ServeArgs;
use crate::compose::{Server, open_store, shown};
use crate::config::{Config, Flags};
use crate::{clock, logging, print};

/// How often a link that finds no home says so.
const NOT_FOUND_NOTE: Duration = Duration::from_secs(30);

pub(super) async fn run(arguments: ServeArgs, mut flags: Flags) -> anyhow::Result<ExitCode> {
    flags.ha_token_stdin = arguments.ha_token_stdin;
    let file = arguments
        .ha_token_file
        .map(|file| file.display().to_string());
    for (path, flag, value) in [
        ("home_assistant.url", "--ha-url", arguments.ha_url),
        ("home_assistant.token_file", "--ha-token-file", file),
        ("server.listen", "--listen", arguments.listen),
    ] {
        flags.values.extend(value.map(|value| (path, flag, value)));
    }
    let config = Config::load(&flags, || {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .map(|_| text)
    })?;
    logging::start(&config.server.log_filter)?;

    let stop = CancellationToken::new();
    signals::listen(stop.clone())?;
    let store = open_store(&config.server)?;
    let link_config = LinkConfig::new(&config.ha_url, config.ha_token.clone(), jitter_seed());
    let link_stop = CancellationToken::new();
    let (link, driver) = Link::start(link_config, link_stop.clone());
    let server = Server::bind(store, link.clone(), &config.server, stop.clone()).await?;
    print::line(format!(
        "housekey {} serves on http://{} (agents: /mcp, /api/mcp); data in {}",
        env!("CARGO_PKG_VERSION"),
        server.address(),
        shown(&config.server.data_dir),
    ));
    print::line(format!(
        "connecting to Home Assistant at {} …",
        config.ha_url
    ));
    tokio::spawn(tell_what_is_found(link, stop));
    server.run().await?;
    link_stop.cancel();
    driver.await?;
    print::line("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Says in one line what the link found, and what keeps it from finding anything.
async fn tell_what_is_found(mut link: Link, stop: CancellationToken) {
    let mut told = None;
    loop {
        let status = link.status();
        if let (Phase::Live, Some(home)) = (status.phase, &status.home) {
            print::line(format!(
                "connected to {:?}: Home Assistant {}, {} entities, loaded in {} ms{}",
                &*home.name,
                home.version,
                home.entities,
                home.sync_ms,
                if home.is_admin {
                    ""
                } else {
                    " (not an administrator: exposure is taken from the registry)"
                },
            ));
            return;
        }
        if let Some((error, _)) = status.last_error
            && told.as_ref() != Some(&error)
        {
            print::note(error.to_string());
            told = Some(error);
        }
        tokio::select! {
            more = link.changed() => if !more { return },
            () = tokio::time::sleep(NOT_FOUND_NOTE) => told = None,
            () = stop.cancelled() => return,
        }
    }
}

fn jitter_seed() -> u64 {
    clock::random()
        .iter()
        .take(8)
        .fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}
