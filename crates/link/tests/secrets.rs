//! The access token is in no log and in no `Debug` (law P10, as far as the link goes).
//!
//! A process of its own: what is logged is decided for the whole process.
#![cfg(test)]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use housekey_link::{Link, LinkConfig, LinkError, Secret};
use housekey_sim::{Dump, Sim, World};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::LevelFilter;

const TOKEN: &str = "llat-0123456789abcdef";

#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_access_token_is_printed_nowhere() {
    let capture = Capture::default();
    let writer = capture.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let sim = Sim::new(World::new(Dump::demo().parts().unwrap(), TOKEN));
    let (address, _server) = sim.bind().await.unwrap();
    let config = LinkConfig::new(&address.to_string(), Secret::new(TOKEN), 7);
    let printed = format!("{config:?}");
    let (link, _task) = Link::start(config, CancellationToken::new());
    let deadline = Instant::now() + Duration::from_secs(30);
    link.loaded(deadline).await.unwrap();
    sim.with(|world| world.refuse_auth(Some("Invalid access token or password")));
    sim.cut();
    let refused =
        |(error, _): &(LinkError, Instant)| matches!(error, LinkError::TokenRefused { .. });
    while !link.status().last_error.as_ref().is_some_and(refused) {
        assert!(Instant::now() < deadline, "{:?}", link.status());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let logged = String::from_utf8(capture.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the house is loaded"), "{logged}");
    assert!(logged.contains("refused the access token"), "{logged}");
    assert!(!logged.contains(TOKEN));
    let printed = format!("{printed} {link:?} {:?} {:?}", link.house(), link.status());
    assert!(!printed.contains(TOKEN));
}
