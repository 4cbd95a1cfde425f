//! What is wrong with a command or a configuration, and the pages of help.

use std::fs;

use crate::program::Terminal;

#[test]
fn help_says_what_there_is() {
    let mut terminal = Terminal::new();
    terminal.type_in(
        "--help
         token --help
         token set --help
         audit verify --help",
    );
    insta::assert_snapshot!(terminal.transcript());
}

#[test]
fn a_wrong_command_says_what_is_wrong() {
    let mut terminal = Terminal::new();
    terminal.type_in(
        "token set claude --suspend --resume
         token set claude --expires 30d --no-expires
         token set claude --pass-through perhaps
         audit
         audit tail -n many
         completions cmd",
    );
    insta::assert_snapshot!(terminal.transcript());
}

#[test]
fn a_configuration_is_checked_and_printed_with_its_sources() {
    let mut terminal = Terminal::new();
    terminal.type_in(
        "config check
         config print",
    );
    let file =
        "[home_assistant]\nurl = \"http://ha.local:8123\"\n[audit]\nreads = \"before_answer\"\n";
    fs::write(terminal.folder().join("housekey.toml"), file).unwrap();
    terminal.set("HOUSEKEY__HOME_ASSISTANT__TOKEN", "very-secret");
    terminal.set("HOUSEKEY__SERVER__ALLOWED_HOSTS", "a.local, b.local:8126");
    terminal.set("HOUSEKEY__SERVER__STALE_READS_S", "60");
    terminal.type_in(
        "config check
         config print
         config print --json",
    );
    let file = "[audit]\nreads = \"later\"\nbatch = 1\n";
    fs::write(terminal.folder().join("housekey.toml"), file).unwrap();
    terminal.type_in(
        "config check
         config print
         doctor",
    );
    let transcript = terminal.transcript();
    assert!(!transcript.contains("very-secret"));
    insta::assert_snapshot!(transcript);
}

#[test]
fn what_is_printed_can_be_read_as_a_file() {
    let mut terminal = Terminal::new();
    terminal.set("HOUSEKEY__HOME_ASSISTANT__URL", "http://ha.local:8123");
    terminal.set("HOUSEKEY__HOME_ASSISTANT__TOKEN", "x");
    let printed = terminal.run("config print");
    fs::write(terminal.folder().join("housekey.toml"), printed.stdout).unwrap();
    let checked = terminal.run("config check");
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn shells_and_the_manual_know_every_command() {
    let mut terminal = Terminal::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = terminal.run(&format!("completions {shell}")).stdout;
        let script = String::from_utf8(script).unwrap();
        for word in [
            "doctor",
            "verify",
            "permit",
            "assist-exposure",
            "completions",
        ] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let page = String::from_utf8(terminal.run("man").stdout).unwrap();
    assert!(page.contains(".TH housekey 1"), "{page}");
    terminal.run("man pages");
    let pages = fs::read_dir(terminal.folder().join("pages")).unwrap();
    let mut names: Vec<_> = pages
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in [
        "housekey.1",
        "housekey-audit-verify.1",
        "housekey-token-set.1",
    ] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
}
