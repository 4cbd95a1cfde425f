//! What is measured.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use axum::serve::ListenerExt;
use housekey_assist::live_context::{self, Arguments, Form};
use housekey_gateway::{
    AdminReply, AdminRequest, Gateway, GatewayConfig, Grants, Principal, Surroundings, TokenOrder,
    UtcMicros,
};
use housekey_home::id::EntityId;
use housekey_home::replica::{Replica, Update};
use housekey_home::wire::StatesEvent;
use housekey_link::{House, Link};
use housekey_mcp::McpConfig;
use housekey_policy::View;
use housekey_store::Store;
use housekey_web::{Listener, Names, ServeConfig};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, latencies, rate};
use crate::house;

/// Connections of the throughput measurements.
const CONNECTIONS: usize = 16;

/// Measures everything and gives the rows of the table.
pub(crate) async fn measure(entities: usize, requests: usize) -> anyhow::Result<Vec<String>> {
    let mut replica = house::of(entities)?;
    let mut rows = vec![
        "| what | p50 | p99 | against the floor | requests/s at 16 | against the floor |"
            .to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    let bench = Bench::start(&replica).await?;
    for (scope, secret) in [
        ("unrestricted", &bench.unrestricted),
        ("scoped", &bench.scoped),
    ] {
        for (face, request) in [
            ("/api/mcp", native(&bench, secret)),
            ("/mcp", agent(&bench, secret)),
        ] {
            let answer = Client::connect(bench.address)
                .await?
                .ask(&request)
                .await?
                .to_vec();
            let floor = serve_floor(answer.clone()).await?;
            let (ours, ours_p99) = latencies(bench.address, &request, requests).await?;
            let (bare, bare_p99) = latencies(floor, &request, requests).await?;
            let our_rate = rate(bench.address, &request, requests, CONNECTIONS).await?;
            let bare_rate = rate(floor, &request, requests, CONNECTIONS).await?;
            let kib = answer.len() / 1024;
            rows.push(format!(
                "| {face} GetLiveContext, {scope}, {kib} KiB | {} | {} | {:.2}x | {our_rate:.0} | {:.2}x |",
                ms(ours), ms(ours_p99), ratio(ours, bare), our_rate / bare_rate,
            ));
            rows.push(format!(
                "| floor of {face}, {scope} | {} | {} | 1.00x | {bare_rate:.0} | 1.00x |",
                ms(bare),
                ms(bare_p99),
            ));
        }
    }
    bench.stop.cancel();
    rows.extend(inside(&mut replica, requests)?);
    Ok(rows)
}

/// What happens inside, without a wire.
#[expect(
    clippy::disallowed_methods,
    reason = "it is a clock that is measured with"
)]
fn inside(replica: &mut Replica, count: usize) -> anyhow::Result<Vec<String>> {
    let view = View::unrestricted(replica.snapshot());
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        let mut text = String::new();
        live_context::answer_into(&view, &Arguments::default(), Form::Wire, &mut text)?;
        times.push(start.elapsed());
        std::hint::black_box(&text);
    }
    let answer = median(&mut times);
    times.clear();
    let id = EntityId::parse("light.thing_0")?;
    for number in 0..count {
        let diff = json!({"c": {id.as_str(): {"+": {
            "s": if number % 2 == 0 { "on" } else { "off" },
            "lc": 1_795_500_000.0, "a": {"brightness": number % 256},
        }}}});
        let event: StatesEvent = serde_json::from_value(diff)?;
        let start = Instant::now();
        replica.apply(Update::States(event))?;
        std::hint::black_box(replica.snapshot());
        times.push(start.elapsed());
    }
    let change = median(&mut times);
    Ok(vec![
        String::new(),
        "| inside | p50 |".to_owned(),
        "|---|---|".to_owned(),
        format!(
            "| live context of the whole house from a View | {} |",
            ms(answer)
        ),
        format!(
            "| one state change applied and published | {} |",
            ms(change)
        ),
    ])
}

struct Bench {
    address: SocketAddr,
    unrestricted: String,
    scoped: String,
    stop: CancellationToken,
    _house: watch::Sender<House>,
    _directory: tempfile::TempDir,
}

impl Bench {
    async fn start(replica: &Replica) -> anyhow::Result<Self> {
        let live = House::Live {
            snapshot: replica.snapshot(),
            starting: false,
        };
        let (house, houses) = watch::channel(live);
        let directory = tempfile::tempdir()?;
        let store = Arc::new(Store::open(directory.path(), [7; 32])?);
        let surroundings = surroundings();
        let link = Link::from_houses(houses);
        let gateway = Gateway::new(store, link, surroundings, GatewayConfig::default());
        let grants = Grants {
            read: ["light", "sensor", "cover", "switch"]
                .map(str::to_owned)
                .to_vec(),
            deny: vec!["light.thing_0".to_owned()],
            ..Grants::default()
        };
        let unrestricted = token(&gateway, "everything", Grants::default()).await?;
        let scoped = token(&gateway, "scoped", grants).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let names = Names::new(&[], &[], &[address])?;
        let stop = CancellationToken::new();
        let mcp = McpConfig::new(names.hosts(), names.origins(), stop.clone());
        let router = housekey_mcp::router(gateway, mcp);
        let config = ServeConfig {
            names,
            trusted_proxies: Vec::new(),
            shutdown_grace: Duration::from_secs(1),
        };
        let listeners = vec![Listener::Tcp { listener, router }];
        tokio::spawn(housekey_web::serve(listeners, config, stop.clone()));
        Ok(Self {
            address,
            unrestricted,
            scoped,
            stop,
            _house: house,
            _directory: directory,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "a program of its own")]
fn surroundings() -> Surroundings {
    Surroundings {
        now: Arc::new(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            UtcMicros(since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(0)))
        }),
        random: Arc::new(|| {
            use std::sync::atomic::{AtomicU64, Ordering};
            static NEXT: AtomicU64 = AtomicU64::new(1);
            let mut bytes = [7; 32];
            let number = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            bytes
                .iter_mut()
                .zip(number)
                .for_each(|(to, from)| *to = from);
            bytes
        }),
    }
}

async fn token(gateway: &Gateway, name: &str, grants: Grants) -> anyhow::Result<String> {
    let order = TokenOrder {
        name: name.to_owned(),
        pass_through: grants.is_empty(),
        grants,
        use_assist_exposure: false,
        rate_per_minute: 0,
        rate_burst: 0,
        expires_at: None,
    };
    let owner = Principal::Local(0);
    let order = AdminRequest::CreateToken(order);
    let made = gateway.admin(owner, "bench".to_owned(), order).await;
    if let AdminReply::Created { secret, .. } = made {
        return Ok(secret.expose().to_owned());
    }
    bail!("no token: {made:?}")
}

/// A handler that parses the request as JSON and returns the bytes.
async fn serve_floor(answer: Vec<u8>) -> anyhow::Result<SocketAddr> {
    let answer = Bytes::from(answer);
    let handler = move |body: Bytes| {
        let answer = answer.clone();
        async move {
            let request = serde_json::from_slice::<Value>(&body);
            let head = [(axum::http::header::CONTENT_TYPE, "application/json")];
            request
                .map(|_| (head, answer))
                .map_err(|_| axum::http::StatusCode::BAD_REQUEST)
        }
    };
    let router = Router::new().fallback_service(post(handler));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        // Without it a large answer may wait; then the floor would be a ceiling.
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("no TCP_NODELAY: {error}");
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

fn native(bench: &Bench, secret: &str) -> Vec<u8> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "homeassistant__GetLiveContext", "arguments": {}}});
    request(bench, "/api/mcp", secret, "application/json", "", &body)
}

fn agent(bench: &Bench, secret: &str) -> Vec<u8> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "GetLiveContext", "arguments": {},
        "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                  "io.modelcontextprotocol/clientCapabilities": {}}}});
    let headers = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n\
                   Mcp-Name: GetLiveContext\r\n";
    request(
        bench,
        "/mcp",
        secret,
        "application/json, text/event-stream",
        headers,
        &body,
    )
}

fn request(
    bench: &Bench,
    path: &str,
    secret: &str,
    accept: &str,
    headers: &str,
    body: &Value,
) -> Vec<u8> {
    let (body, host) = (body.to_string(), bench.address);
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {secret}\r\n\
         Content-Type: application/json\r\nAccept: {accept}\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

fn ratio(ours: Duration, floor: Duration) -> f64 {
    ours.as_secs_f64() / floor.as_secs_f64()
}
