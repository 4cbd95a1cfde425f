//! The access token is in no log and in no `Debug` (law P10, as far as the link goes).

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::rig::{Rig, TOKEN, world};
use housekey_link::{House, LinkConfig, Secret};

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

#[tokio::test(start_paused = true)]
async fn the_access_token_is_printed_nowhere() {
    let capture = Capture::default();
    let writer = capture.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut rig = Rig::new(world());
    rig.until(|house| matches!(house, House::Live { .. })).await;
    rig.sim
        .with(|world| world.refuse_auth(Some("Invalid access token or password")));
    rig.sim.cut();
    rig.until_status(|status| {
        let error = status
            .last_error
            .as_ref()
            .map(|(error, _)| error.to_string());
        error.is_some_and(|error| error.contains("refused the access token"))
    })
    .await;
    let logged = String::from_utf8(capture.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("the house is loaded") && logged.contains("refused"),
        "{logged}"
    );
    assert!(!logged.contains(TOKEN));
    let config = LinkConfig::new("http://sim", Secret::new(TOKEN), 1);
    let printed = format!(
        "{config:?} {:?} {:?} {:?}",
        rig.link,
        rig.link.house(),
        rig.link.status()
    );
    assert!(!printed.contains(TOKEN));
}
