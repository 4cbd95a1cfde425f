//! `/health`: what a watchdog gets with a home, without one, and with an old one.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use housekey_gateway::{Gateway, GatewayConfig, Surroundings, UtcMicros};
use housekey_home::replica::Replica;
use housekey_link::{Absence, House, Link};
use housekey_sim::Dump;
use housekey_store::Store;
use housekey_web::{Front, Names, Peer, ServeConfig, health};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

async fn ask(front: &Front, path: &str) -> (u16, Value) {
    let request = http::Request::get(path).header("host", "172.30.33.5:8124");
    let peer = Peer::Network("192.0.2.7".parse().unwrap());
    let response = front
        .answer(peer, request.body(Body::empty()).unwrap())
        .await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test(start_paused = true)]
async fn it_tells_whether_reads_are_answered_and_nothing_of_the_home() {
    let (house, houses) = watch::channel(House::Absent {
        why: Absence::TokenRefused,
    });
    let surroundings = Surroundings {
        now: Arc::new(|| UtcMicros(1_795_435_200_000_000)),
        random: Arc::new(|| [7; 32]),
    };
    let store = Arc::new(Store::in_memory().unwrap());
    let config = GatewayConfig {
        stale_reads: Duration::from_secs(300),
    };
    let gateway = Gateway::new(store, Link::from_houses(houses), surroundings, config);
    let config = ServeConfig {
        names: Names::new(&[], &[], &[]).unwrap(),
        trusted_proxies: Vec::new(),
        shutdown_grace: Duration::from_secs(1),
    };
    let front = Front::new(health::router(gateway), Arc::new(config));
    let down = json!({"status": "unavailable", "live": true, "ready": false, "audit": "ok"});
    assert_eq!(ask(&front, "/health").await, (503, down.clone()));
    assert_eq!(ask(&front, "/health/ready").await, (503, down));
    assert_eq!(ask(&front, "/health/live").await.0, 200);

    let snapshot = Replica::new(Dump::demo().parts().unwrap()).snapshot();
    house.send_replace(House::Live {
        snapshot: snapshot.clone(),
        starting: false,
    });
    let up = json!({"status": "ok", "live": true, "ready": true, "audit": "ok"});
    assert_eq!(ask(&front, "/health").await, (200, up));

    house.send_replace(House::Stale {
        snapshot,
        since: Instant::now(),
        starting: false,
    });
    tokio::time::advance(Duration::from_secs(300)).await;
    let (status, body) = ask(&front, "/health").await;
    assert_eq!((status, &body["stale_s"]), (200, &json!(300)));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ask(&front, "/health").await.0, 503);
}
