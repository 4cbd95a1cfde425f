//! Beside a running server: the same words over its socket, and what only it can tell.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::Terminal;

/// Asks the server for the state of an entity, and gives what it said.
fn ask(terminal: &Terminal, secret: &str, entity: &str) -> String {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"get_state","arguments":{{"entity_id":"{entity}"}}}}}}"#
    );
    let mut stream = TcpStream::connect(terminal.address()).unwrap();
    write!(
        stream,
        "POST /api/mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n\
         Content-Type: application/json\r\nAccept: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[test]
fn what_is_changed_counts_at_once() {
    let mut terminal = Terminal::new();
    terminal.start();
    let made = terminal.run("token create claude --read light");
    let secret = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let opens = |terminal: &Terminal, secret: &str| {
        ask(terminal, secret, "light.bed_light").contains("brightness")
    };
    assert!(opens(&terminal, &secret));
    terminal.run("token permit claude --deny light.bed_light,light.nowhere");
    assert!(!opens(&terminal, &secret));
    terminal.run("token permit claude --clear light.bed_light");
    assert!(opens(&terminal, &secret));

    terminal.run("token set claude --suspend");
    assert_eq!(status(&ask(&terminal, &secret, "light.bed_light")), "401");
    terminal.run("token set claude --resume");
    assert!(opens(&terminal, &secret));

    let rotated = terminal.run("token rotate claude");
    assert_eq!(status(&ask(&terminal, &secret, "light.bed_light")), "401");
    let secret = String::from_utf8(rotated.stdout).unwrap().trim().to_owned();
    assert!(opens(&terminal, &secret));
    terminal.run("token revoke claude");
    assert_eq!(status(&ask(&terminal, &secret, "light.bed_light")), "401");
    insta::assert_snapshot!(terminal.transcript());
    assert!(terminal.run("audit verify").status.success());
    terminal.stop();
}

#[test]
fn the_home_is_told_by_area() {
    let mut terminal = Terminal::new();
    terminal.start();
    terminal.run("token create claude --read sensor --write light --deny light.bed_light");
    terminal.transcript();
    terminal.type_in(
        "token scope claude
         token explain light.bed_light --token claude
         token scope nobody",
    );
    insta::assert_snapshot!(terminal.transcript());
    let scope = terminal.run("token scope claude --json");
    let scope: serde_json::Value = serde_json::from_slice(&scope.stdout).unwrap();
    let areas = scope["areas"].as_array().unwrap();
    let entities = areas
        .iter()
        .flat_map(|area| area["entities"].as_array().unwrap());
    assert_eq!(entities.count() as u64, scope["readable"].as_u64().unwrap());
    terminal.stop();
}

#[test]
fn an_unclean_stop_is_told() {
    let mut terminal = Terminal::new();
    terminal.start();
    terminal.kill();
    terminal.start();
    assert!(terminal.run("audit verify").status.success());
    terminal.stop();
    terminal.start();
    terminal.stop();
    let tail = terminal.run("audit tail --json -n 100");
    let tail = String::from_utf8(tail.stdout).unwrap();
    let starts = tail.lines().filter(|line| line.contains("housekey.start"));
    assert_eq!(starts.count(), 1, "a clean stop is not told: {tail}");
    assert!(terminal.run("audit verify").status.success());
}

#[test]
fn new_records_are_told_as_they_come() {
    let mut terminal = Terminal::new();
    terminal.start();
    let mut follower = terminal.follow("audit tail --follow --json");
    // The demo made a token of its own.
    assert_eq!(follower.record()["token_name"], "demo");
    assert_eq!(follower.record()["token_name"], "demo");
    terminal.run("token create claude --read light");
    let (first, second) = (follower.record(), follower.record());
    assert_eq!(
        (&first["token_name"], &first["phase"]),
        (&"claude".into(), &"intent".into())
    );
    assert_eq!(second["phase"], "outcome");
    assert_eq!(second["request_id"], first["request_id"]);
    terminal.stop();
    assert!(follower.ended().contains("the server has ended"));
}
