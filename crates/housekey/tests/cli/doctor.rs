//! The doctor, at a pretend Home Assistant that is well or not.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use housekey_sim::{Dump, Sim, Upgrade, World};
use tokio::io::AsyncWriteExt;

use crate::program::Terminal;

const TOKEN: &str = "the-token";

/// A pretend home behind a door that counts.
struct Home {
    sim: Sim,
    address: SocketAddr,
    knocks: Arc<AtomicUsize>,
    /// The date that its answers bear, if any.
    date: Arc<Mutex<Option<String>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Home {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sim = Sim::new(World::new(Dump::demo().parts().unwrap(), TOKEN));
        let knocks = Arc::new(AtomicUsize::new(0));
        let (inner, _) = runtime.block_on(sim.bind()).unwrap();
        let door = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = door.local_addr().unwrap();
        let counter = knocks.clone();
        let date = Arc::new(Mutex::new(None::<String>));
        let told = date.clone();
        runtime.spawn(async move {
            loop {
                let (mut outside, _) = door.accept().await.unwrap();
                // The question for the time is no attempt to log in.
                let mut first = [0; 20];
                outside.peek(&mut first).await.unwrap();
                let is_attempt = first.starts_with(b"GET /api/websocket");
                counter.fetch_add(usize::from(is_attempt), Ordering::SeqCst);
                let date = told.lock().unwrap().clone().filter(|_| !is_attempt);
                if let Some(date) = date {
                    let answer =
                        format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n");
                    outside.write_all(answer.as_bytes()).await.unwrap();
                    continue;
                }
                tokio::spawn(async move {
                    let mut inside = tokio::net::TcpStream::connect(inner).await.unwrap();
                    let passed = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                    drop(passed);
                });
            }
        });
        Self {
            sim,
            address,
            knocks,
            date,
            _runtime: runtime,
        }
    }

    /// What the doctor says, and that he asked once.
    fn visit(&self, token: &str) -> String {
        let mut terminal = Terminal::new();
        let url = format!("http://{}", self.address);
        terminal.set("HOUSEKEY__HOME_ASSISTANT__URL", &url);
        terminal.set("HOUSEKEY__HOME_ASSISTANT__TOKEN", token);
        terminal.set("HOUSEKEY__SERVER__LISTEN", &free_address());
        terminal.run("doctor");
        assert_eq!(self.knocks.load(Ordering::SeqCst), 1, "he asks once");
        plain(&terminal.transcript(), &url)
    }
}

/// An address at which nothing answers.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn plain(transcript: &str, url: &str) -> String {
    let mut lines = Vec::new();
    for line in transcript.lines() {
        let mut line = line.replace(url, "[home]");
        for (before, after) in [
            ("nothing answers on ", ","),
            ("loaded in ", " ms"),
            ("clock is ", " s behind"),
        ] {
            if let Some((start, rest)) = line.clone().split_once(before) {
                let (_, end) = rest.split_once(after).unwrap();
                line = format!("{start}{before}[..]{after}{end}");
            }
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[test]
fn a_home_that_is_well() {
    let home = Home::start();
    let now = jiff::Timestamp::from_second(seconds()).unwrap();
    let now = jiff::fmt::rfc2822::to_string(&now.to_zoned_datetime(jiff::tz::TimeZone::UTC));
    *home.date.lock().unwrap() = Some(now.unwrap());
    insta::assert_snapshot!(home.visit(TOKEN));
}

#[expect(clippy::disallowed_methods, reason = "the clock of the pretend home")]
fn seconds() -> i64 {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

#[test]
fn a_clock_that_is_wrong() {
    let home = Home::start();
    *home.date.lock().unwrap() = Some("Wed, 31 Jan 2001 12:00:00 GMT".to_owned());
    insta::assert_snapshot!(home.visit(TOKEN));
}

#[test]
fn a_token_of_no_administrator() {
    let home = Home::start();
    home.sim.with(|world| world.set_admin(false));
    insta::assert_snapshot!(home.visit(TOKEN));
}

#[test]
fn a_token_that_is_refused_is_presented_once() {
    insta::assert_snapshot!(Home::start().visit("another"));
}

#[test]
fn an_address_that_is_banned() {
    let home = Home::start();
    home.sim.set_net(|net| net.upgrade = Upgrade::Status(403));
    insta::assert_snapshot!(home.visit(TOKEN));
}

#[test]
fn a_home_that_starts() {
    let home = Home::start();
    home.sim.set_net(|net| net.upgrade = Upgrade::Status(502));
    insta::assert_snapshot!(home.visit(TOKEN));
}

#[test]
fn nobody_at_home_and_a_server_that_runs() {
    let mut terminal = Terminal::new();
    terminal.start();
    let url = format!("http://{}", free_address());
    terminal.set("HOUSEKEY__HOME_ASSISTANT__URL", &url);
    terminal.set("HOUSEKEY__HOME_ASSISTANT__TOKEN", TOKEN);
    let listen = terminal.address().to_owned();
    terminal.set("HOUSEKEY__SERVER__LISTEN", &listen);
    terminal.run("doctor");
    terminal.run("doctor --json");
    insta::assert_snapshot!(plain(&terminal.transcript(), &url));
    terminal.stop();
}
