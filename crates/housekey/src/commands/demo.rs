//! `housekey demo`: a pretend home, housekey on it, and a token to try.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use housekey_gateway::{
    AdminReply, AdminRequest, Gateway, Grants, Principal, RawToken, TokenOrder,
};
use housekey_link::{Link, LinkConfig, Secret};
use housekey_sim::{Behaviour, Dump, Sim, World};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::signals;
use crate::cli::{DemoArgs, Global};
use crate::compose::{Server, open_store, shown};
use crate::config::{Flags, ServerConfig};
use crate::{clock, logging, print};

/// The name of the demo's token.
const TOKEN_NAME: &str = "demo";
/// What its owner would give an agent: most of the house to read, lights and music to write, and
/// nothing that guards it.
const READ: [&str; 9] = [
    "sensor",
    "binary_sensor",
    "climate",
    "cover",
    "fan",
    "switch",
    "weather",
    "vacuum",
    "todo",
];
const WRITE: [&str; 2] = ["light", "media_player"];
const DENY: [&str; 3] = ["lock", "alarm_control_panel", "camera"];
const RATE_PER_MINUTE: u32 = 600;
const RATE_BURST: u32 = 50;

/// How often sensors move.
const STEP: Duration = Duration::from_secs(1);
/// How long the pretend home may take to load.
const LOAD_MAX: Duration = Duration::from_secs(20);

pub(super) async fn run(
    arguments: &DemoArgs,
    mut flags: Flags,
    global: &Global,
) -> anyhow::Result<ExitCode> {
    let passing = tempfile::Builder::new()
        .prefix("housekey-demo-")
        .tempdir()?;
    if global.data_dir.is_none() {
        let directory = shown(passing.path());
        flags.values.push(("store.directory", "demo", directory));
    }
    if global.log.is_none() {
        flags.values.push(("log.filter", "demo", "warn".to_owned()));
    }
    flags
        .values
        .push(("server.listen", "--listen", arguments.listen.to_string()));
    let config = ServerConfig::load(&flags)?;
    logging::start(&config.log_filter)?;

    let stop = CancellationToken::new();
    signals::listen(stop.clone())?;
    let store = open_store(&config)?;
    let (link, home) = pretend_home(&stop).await?;
    let server = Server::bind(store, link, &config, stop.clone()).await?;
    let secret = token(server.gateway()).await?;
    welcome(&server, &secret, &config, global.data_dir.is_some());
    drop(secret);
    server.run().await?;
    home.end().await?;
    passing
        .close()
        .context("the demo's directory could not be removed")?;
    print::line("stopped");
    Ok(ExitCode::SUCCESS)
}

/// The running pretend home and the link to it.
struct Home {
    listener: tokio::task::JoinHandle<()>,
    sensors: tokio::task::JoinHandle<()>,
    driver: tokio::task::JoinHandle<()>,
    link_stop: CancellationToken,
}

impl Home {
    async fn end(self) -> anyhow::Result<()> {
        self.link_stop.cancel();
        self.driver.await?;
        self.sensors.await?;
        self.listener.abort();
        Ok(())
    }
}

async fn pretend_home(stop: &CancellationToken) -> anyhow::Result<(Link, Home)> {
    let secret: String = clock::random()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let sim = Sim::new(World::new(Dump::demo().parts()?, &secret));
    let (address, listener) = sim
        .bind()
        .await
        .context("the pretend home finds no free port")?;
    let sensors = tokio::spawn(drift(sim, stop.clone()));
    let link_stop = CancellationToken::new();
    let link_config = LinkConfig::new(&format!("http://{address}"), Secret::new(&secret), 0);
    let (link, driver) = Link::start(link_config, link_stop.clone());
    if link.loaded(Instant::now() + LOAD_MAX).await.is_none() {
        bail!(
            "the pretend home did not load: {:?}",
            link.status().last_error
        );
    }
    Ok((
        link,
        Home {
            listener,
            sensors,
            driver,
            link_stop,
        },
    ))
}

/// Lets sensors move until the end.
async fn drift(sim: Sim, stop: CancellationToken) {
    let behaviour = sim.with(|world| Behaviour::of(world));
    let mut steps = tokio::time::interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = steps.tick() => {}
            () = stop.cancelled() => return,
        }
        let mut dice = Dice::default();
        sim.with(|world| behaviour.tick(world, clock::now(), || dice.roll()));
    }
}

/// Numbers from 0 up to 1; good enough for a thermometer.
#[derive(Default)]
struct Dice(Vec<u8>);

impl Dice {
    fn roll(&mut self) -> f64 {
        if self.0.len() < 4 {
            self.0.extend(clock::random());
        }
        let number = self
            .0
            .drain(..4)
            .fold(0u32, |number, byte| number << 8 | u32::from(byte));
        f64::from(number) / (f64::from(u32::MAX) + 1.0)
    }
}

/// A fresh token; one of an earlier demo on the same directory ends, because its secret is gone.
async fn token(gateway: &Gateway) -> anyhow::Result<RawToken> {
    let owner = || Principal::Local(rustix::process::geteuid().as_raw());
    let ask = |request| gateway.admin(owner(), "demo".to_owned(), request);
    let ended = ask(AdminRequest::RevokeToken {
        token: TOKEN_NAME.to_owned(),
    })
    .await;
    if !matches!(ended, AdminReply::Revoked(_) | AdminReply::NotFound { .. }) {
        bail!("the demo's old token could not be ended: {ended:?}");
    }
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let order = TokenOrder {
        name: TOKEN_NAME.to_owned(),
        grants: Grants {
            read: words(&READ),
            write: words(&WRITE),
            deny: words(&DENY),
        },
        pass_through: false,
        use_assist_exposure: false,
        rate_per_minute: RATE_PER_MINUTE,
        rate_burst: RATE_BURST,
        expires_at: None,
    };
    let made = ask(AdminRequest::CreateToken(order)).await;
    if let AdminReply::Created { secret, .. } = made {
        return Ok(secret);
    }
    bail!("the demo's token could not be made: {made:?}")
}

fn welcome(server: &Server, secret: &RawToken, config: &ServerConfig, stays: bool) {
    let base = format!("http://{}", server.address());
    let token = secret.expose();
    let data = shown(&config.data_dir);
    let keeps = if stays {
        "stays"
    } else {
        "goes away at the end; keep it with --data-dir DIR"
    };
    print::line(print::bold(
        "A pretend home is running, and housekey on it. Ctrl-C ends both.",
    ));
    print::line(format!(
        "
  for agents     {base}/mcp
  as Home Assistant's own server
                 {base}/api/mcp
  health         {base}/health
  data           {data} ({keeps})
  token          {token}
                 reads {read}
                 writes {write}
                 never {deny}
",
        read = READ.join(", "),
        write = WRITE.join(", "),
        deny = DENY.join(", "),
    ));
    print::line(print::bold("Ask it something:"));
    print::line(format!(
        "
curl -s {base}/api/mcp -H 'Authorization: Bearer {token}' \\
  -H 'Content-Type: application/json' -H 'Accept: application/json' \\
  -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"GetLiveContext\",\"arguments\":{{\"area\":\"Kitchen\"}}}}}}'
"
    ));
    print::line(print::bold("Give it to an agent:"));
    print::line(format!(
        "
claude mcp add --transport http housekey {base}/mcp --header 'Authorization: Bearer {token}'
"
    ));
    print::line(print::bold("Be the owner, in another terminal:"));
    print::line(format!(
        "
housekey token list --data-dir {data}
housekey token explain lock.main_entrance_lock --data-dir {data}
"
    ));
}
