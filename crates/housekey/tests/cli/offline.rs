//! Without a server: the store itself.

use std::fs;

use crate::program::Terminal;

#[test]
fn a_token_from_its_making_to_its_end() {
    let mut terminal = Terminal::new();
    terminal.type_in(
        "token list
         token archived
         audit tail
         audit verify
         token create claude --read light,sensor --write light.kitchen --deny lock
         token create claude
         token create x
         token create other --read Light
         token permit claude --write light --deny light.kitchen --clear sensor
         token permit claude --read light --clear light
         token permit claude
         token permit nobody --read light
         token set claude --rename kitchen --no-expires --rate 20 --burst 5 --allow template_render
         token set kitchen --suspend --assist-exposure yes
         token set kitchen
         token set kitchen --allow fly
         token set kitchen --expires 2001-01-31
         token set kitchen --expires soon
         token set kitchen --resume --pass-through yes --forbid template-render
         token show kitchen
         token list
         token rotate kitchen
         token scope kitchen
         token explain light.kitchen --token kitchen
         token revoke kitchen
         token revoke kitchen
         token list
         token archived
         audit verify",
    );
    insta::assert_snapshot!(terminal.transcript());
}

#[test]
fn every_listing_has_a_form_for_programs() {
    let mut terminal = Terminal::new();
    terminal.type_in(
        "token create claude --read light --json
         token permit claude --write light --json
         token set claude --rate 7 --json
         token rotate claude --json
         token list --json
         token show claude --json
         token revoke claude --json
         token archived --json
         audit tail -n 2 --json
         audit verify --json
         audit show nothing --json",
    );
    insta::assert_snapshot!(terminal.transcript());
}

#[test]
fn the_audit_tells_who_did_what() {
    let mut terminal = Terminal::new();
    terminal.run("token create claude --read light");
    let id = request(&mut terminal);
    terminal.transcript();
    terminal.type_in(
        "audit tail
         audit tail -n 1
         audit tail --outcome denied
         audit tail --outcome fine
         audit tail --token claude
         audit tail --token other
         audit tail -n 0
         audit tail --follow
         audit show nothing",
    );
    terminal.run(&format!("audit show {id}"));
    insta::assert_snapshot!(terminal.transcript());
}

/// The id of the newest request.
fn request(terminal: &mut Terminal) -> String {
    let output = terminal.run("audit tail -n 1 --json");
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let id = record.get("request_id").and_then(serde_json::Value::as_str);
    id.unwrap().to_owned()
}

#[test]
fn a_broken_audit_is_told_with_its_place() {
    let mut terminal = Terminal::new();
    terminal.run("token create claude");
    let key = terminal.folder().join("housekey/audit.key");
    let kept = fs::read(&key).unwrap();
    terminal.transcript();
    fs::write(&key, "0".repeat(64)).unwrap();
    terminal.run("audit verify");
    fs::remove_file(&key).unwrap();
    terminal.run("audit verify");
    terminal.run("audit verify --json");
    fs::write(&key, kept).unwrap();
    terminal.run("audit verify");
    fs::remove_file(&key).unwrap();
    terminal.type_in(
        "token revoke claude
         audit verify
         audit verify --json
         audit tail",
    );
    insta::assert_snapshot!(terminal.transcript());
}
