//! What agents get while Home Assistant is away, refuses, restarts or hangs; and that each request has
//! exactly one record all the same.
#![expect(clippy::print_stdout, reason = "a suite says what it compared")]

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_gateway::{GatewayConfig, TokenOrder};
use housekey_harness::{ChaosProxy, HouseContainer, poll_until};
use housekey_link::{Absence, House, LinkError, Phase};
use housekey_live::{Answer, Door, Stack, order};
use serde_json::{Value, json};

const CONTEXT: &str = "GetLiveContext";
const AWAY: &str = "Home Assistant is not reachable at the moment";
const STALE: &str = "x-housekey-stale";
const REQUEST_ID: &str = "x-housekey-request-id";
/// The link notices at once, or after a ping and its silence (35 s).
const NOTICE_DEADLINE: Duration = Duration::from_secs(20);
const SILENCE_DEADLINE: Duration = Duration::from_secs(70);
const BACK_DEADLINE: Duration = Duration::from_mins(2);
/// A refused token is tried again at most once a minute, with some jitter.
const REFUSED_PAUSE_MIN: Duration = Duration::from_secs(30);
const FOREVER: Duration = Duration::from_hours(1);

/// A stack behind a proxy, and one agent that remembers its requests.
struct Case {
    proxy: ChaosProxy,
    stack: Stack,
    native: Door,
    agent: Door,
    requests: Vec<String>,
}

impl Case {
    async fn start(house: &HouseContainer, ha_token: &str, stale_reads: Duration) -> Result<Self> {
        let proxy = ChaosProxy::start(house.base_url()).await?;
        let stack =
            Stack::start(&proxy.base_url(), ha_token, GatewayConfig { stale_reads }).await?;
        let secret = stack
            .token(TokenOrder {
                pass_through: true,
                ..order("agent")
            })
            .await?;
        Ok(Self {
            native: Door::native(stack.base_url(), &secret)?,
            agent: Door::agent(stack.base_url(), &secret)?,
            proxy,
            stack,
            requests: Vec::new(),
        })
    }

    /// The overview of one domain that does not change by itself.
    async fn ask(&mut self) -> Result<Answer> {
        let answer = self
            .native
            .call(CONTEXT, &json!({"domain": "light"}))
            .await?;
        self.noted(answer)
    }

    async fn ask_as_agent(&mut self) -> Result<Answer> {
        let answer = self
            .agent
            .call(CONTEXT, &json!({"domain": "light"}))
            .await?;
        self.noted(answer)
    }

    fn noted(&mut self, answer: Answer) -> Result<Answer> {
        let id = answer
            .header(REQUEST_ID)
            .context("an answer without its id")?;
        self.requests.push(id.to_owned());
        Ok(answer)
    }

    async fn until(
        &self,
        what: &str,
        deadline: Duration,
        is_it: impl Fn(&House) -> bool,
    ) -> Result<()> {
        poll_until(what, deadline, async || {
            let (house, status) = (self.stack.link().house(), self.stack.link().status());
            ensure!(is_it(&house), "{house:?}, {status:?}");
            Ok(Some(()))
        })
        .await
    }

    /// Asks until the answer is of a kind.
    async fn ask_until(
        &mut self,
        what: &str,
        deadline: Duration,
        is_it: impl Fn(&Answer) -> bool,
    ) -> Result<Answer> {
        poll_until(what, deadline, async || {
            let answer = self.ask().await?;
            Ok(is_it(&answer).then_some(answer))
        })
        .await
    }

    /// Each request has exactly one record, in the order in which they were made.
    async fn end(self) -> Result<()> {
        let records = self.stack.records().await?;
        let recorded: Vec<&str> = records
            .iter()
            .map(|record| record.request_id.as_str())
            .collect();
        ensure!(
            recorded == self.requests,
            "{recorded:?}\nare not\n{:?}",
            self.requests
        );
        println!("{} requests, each with one record", recorded.len());
        self.stack.end().await
    }
}

fn is_live(house: &House) -> bool {
    matches!(
        house,
        House::Live {
            starting: false,
            ..
        }
    )
}

fn is_stale(house: &House) -> bool {
    matches!(house, House::Stale { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn away_reads_are_stale_for_a_while_and_then_a_clear_fault() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let stale_reads = Duration::from_secs(4);
    let mut case = Case::start(house, house.token(), stale_reads).await?;
    case.stack.live().await?;
    let live = case.ask().await?;
    ensure!(
        live.header(STALE).is_none(),
        "stale while connected: {live:?}"
    );
    case.proxy.refuse(true);
    case.proxy.cut();
    case.until("the link notices", NOTICE_DEADLINE, is_stale)
        .await?;
    let stale = case.ask().await?;
    ensure!(
        stale.header(STALE).is_some(),
        "not marked as stale: {stale:?}"
    );
    ensure!(
        stale.body == live.body,
        "stale reads are the last known ones: {stale:?}"
    );
    let fault = case
        .ask_until("stale reads end", NOTICE_DEADLINE, |answer| {
            answer.body.contains(AWAY)
        })
        .await?;
    let age: u64 = fault.header(STALE).context("no age")?.parse()?;
    ensure!(
        age >= stale_reads.as_secs(),
        "the fault came after {age} s already"
    );
    let (text, is_error) = case.ask_as_agent().await?.tool_text()?;
    ensure!(is_error && text.contains(AWAY), "on /mcp: {text}");
    ensure!(
        !case.stack.gateway().health().is_ready,
        "ready without a home"
    );
    case.proxy.refuse(false);
    case.until("the house is back", BACK_DEADLINE, is_live)
        .await?;
    let back = case.ask().await?;
    ensure!(
        back.header(STALE).is_none() && back.body == live.body,
        "not back: {back:?}"
    );
    ensure!(
        case.stack.gateway().health().is_ready,
        "not ready with a home"
    );
    case.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_said_and_not_tried_again_and_again() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let mut case = Case::start(house, "not-a-token", FOREVER).await?;
    case.until("the refusal is known", NOTICE_DEADLINE, |house| {
        matches!(
            house,
            House::Absent {
                why: Absence::TokenRefused
            }
        )
    })
    .await?;
    let fault = case.ask().await?;
    ensure!(fault.body.contains(AWAY), "no clear fault: {fault:?}");
    waits_for_long(&case)?;
    ensure!(
        case.proxy.accepted() == 1,
        "{} connections",
        case.proxy.accepted()
    );
    case.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_taken_away_leaves_a_stale_house() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let mut ws = house.ws().await?;
    let name = format!("taken away {}", std::process::id());
    let new = json!({"type": "auth/long_lived_access_token", "client_name": name, "lifespan": 2});
    let token = ws.call(&new).await?;
    let token = token.as_str().context("no token")?;
    let mut case = Case::start(house, token, FOREVER).await?;
    case.stack.live().await?;
    let listed = ws.call(&json!({"type": "auth/refresh_tokens"})).await?;
    let of_the_name = |row: &&Value| row.get("client_name") == Some(&json!(name));
    let row = listed
        .as_array()
        .and_then(|rows| rows.iter().find(of_the_name));
    let id = row
        .and_then(|row| row.get("id"))
        .context("the token is not listed")?;
    ws.call(&json!({"type": "auth/delete_refresh_token", "refresh_token_id": id}))
        .await?;
    case.until("the link notices", NOTICE_DEADLINE, is_stale)
        .await?;
    let connections = poll_until("the refusal is known", NOTICE_DEADLINE, async || {
        let error = case.stack.link().status().last_error;
        let refused = matches!(error, Some((LinkError::TokenRefused { .. }, _)));
        Ok(refused.then(|| case.proxy.accepted()))
    })
    .await?;
    waits_for_long(&case)?;
    let stale = case.ask().await?;
    ensure!(
        stale.header(STALE).is_some(),
        "not marked as stale: {stale:?}"
    );
    ensure!(
        case.proxy.accepted() == connections,
        "it tried again at once"
    );
    case.end().await
}

/// The next attempt is far away.
fn waits_for_long(case: &Case) -> Result<()> {
    let status = case.stack.link().status();
    let Phase::Waiting { until } = status.phase else {
        anyhow::bail!("it does not wait: {status:?}");
    };
    let left = until.saturating_duration_since(tokio::time::Instant::now());
    ensure!(
        left >= REFUSED_PAUSE_MIN,
        "the next attempt comes after {left:?} already"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_restart_the_house_is_stale_until_home_assistant_runs() -> Result<()> {
    let house = HouseContainer::fixture_home().await?;
    let run = restarted(&house).await;
    house.log_on_error(run)
}

async fn restarted(house: &HouseContainer) -> Result<()> {
    let mut case = Case::start(house, house.token(), FOREVER).await?;
    case.stack.live().await?;
    let before = case.ask().await?;
    let (restart, seen) = tokio::join!(house.restart(), watched(&mut case, house));
    restart?;
    let (stale, live) = seen?;
    ensure!(stale > 0, "it never was stale");
    println!("during the restart: {stale} stale and {live} live answers");
    let after = case.ask().await?;
    ensure!(after.header(STALE).is_none(), "still stale: {after:?}");
    let native = Door::native(house.base_url(), house.token())?;
    let theirs = native
        .call("homeassistant__GetLiveContext", &json!({"domain": "light"}))
        .await?;
    ensure!(
        theirs.body == after.body,
        "another house than Home Assistant's: {after:?}"
    );
    ensure!(before.status == 200, "{before:?}");
    case.end().await
}

/// Asks all the time until the house was stale and is live again; each answer is a whole one.
async fn watched(case: &mut Case, house: &HouseContainer) -> Result<(usize, usize)> {
    let whole = case.ask().await?.body;
    let rest = house.rest()?;
    let (mut stale, mut live) = (0, 0);
    // A wrong answer ends the wait; an error of the probe itself would only be tried again.
    let seen = poll_until("stale, then live", BACK_DEADLINE, async || {
        let known = case.stack.link().house();
        if matches!(known, House::Live { starting: true, .. }) {
            return Ok(Some(Err(
                "a home that is still starting replaced a whole one".to_owned(),
            )));
        }
        if stale > 0 && is_live(&known) {
            let config = rest.get("/api/config").await?;
            let runs = config.get("state") == Some(&json!("RUNNING"));
            return Ok(Some(if runs {
                Ok(())
            } else {
                Err(format!("live before it runs: {config}"))
            }));
        }
        let answer = case.ask().await?;
        match answer.header(STALE) {
            Some(_) if answer.body == whole => stale += 1,
            Some(_) => return Ok(Some(Err(format!("not the last known house: {answer:?}")))),
            None => live += 1,
        }
        Ok(None)
    })
    .await?;
    seen.map_err(anyhow::Error::msg)?;
    Ok((stale, live))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_noticed() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let mut case = Case::start(house, house.token(), FOREVER).await?;
    case.stack.live().await?;
    case.proxy.stall(true);
    case.until("silence is noticed", SILENCE_DEADLINE, is_stale)
        .await?;
    ensure!(
        case.ask().await?.header(STALE).is_some(),
        "not marked as stale"
    );
    case.proxy.stall(false);
    case.until("the house is back", BACK_DEADLINE, is_live)
        .await?;
    ensure!(
        case.ask().await?.header(STALE).is_none(),
        "still marked as stale"
    );
    case.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_home_is_noticed_and_picked_up_again() -> Result<()> {
    let house = HouseContainer::fixture_home().await?;
    let mut case = Case::start(&house, house.token(), FOREVER).await?;
    case.stack.live().await?;
    let before = case.ask().await?;
    house.freeze().await?;
    case.until("silence is noticed", SILENCE_DEADLINE, is_stale)
        .await?;
    let stale = case.ask().await?;
    ensure!(
        stale.header(STALE).is_some() && stale.body == before.body,
        "{stale:?}"
    );
    house.thaw().await?;
    case.until("the house is back", BACK_DEADLINE, is_live)
        .await?;
    ensure!(
        case.ask().await?.header(STALE).is_none(),
        "still marked as stale"
    );
    case.end().await
}
