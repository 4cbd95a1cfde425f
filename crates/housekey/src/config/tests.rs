//! What wins, what is refused, and that the reference is current.

use std::fmt::Write;

use super::*;

fn flags(toml: &str, variables: &[(&str, &str)]) -> (Flags, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("housekey.toml");
    std::fs::write(&file, toml).unwrap();
    let mut environment: std::collections::BTreeMap<String, String> = variables
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    environment.insert("HOME".to_owned(), "/home/x".to_owned());
    (
        Flags {
            file: Some(file),
            environment,
            ..Flags::default()
        },
        directory,
    )
}

fn no_stdin() -> std::io::Result<String> {
    Err(std::io::Error::other("not asked for"))
}

const WHOLE: &str = "[home_assistant]\nurl = \"http://ha:8123\"\n";

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let toml =
        format!("{WHOLE}[server]\nlisten = \"127.0.0.1:1\"\nallowed_hosts = [\"a\", \"b\"]\n");
    let token = ("HOUSEKEY__HOME_ASSISTANT__TOKEN", "secret-word");
    let (mut flags, _directory) = flags(&toml, &[token]);
    let listen = |flags: &Flags| Config::load(flags, no_stdin).unwrap().server.listen.port();
    assert_eq!(listen(&flags), 1);
    let variable = (
        "HOUSEKEY__SERVER__LISTEN".to_owned(),
        "127.0.0.1:2".to_owned(),
    );
    flags.environment.extend([variable]);
    assert_eq!(listen(&flags), 2);
    flags
        .values
        .push(("server.listen", "--listen", "127.0.0.1:3".to_owned()));
    assert_eq!(listen(&flags), 3);
    let config = Config::load(&flags, no_stdin).unwrap();
    assert_eq!(config.server.hosts, ["a", "b"]);
    assert_eq!(
        config.server.data_dir,
        PathBuf::from("/home/x/.local/share/housekey")
    );
    assert_eq!(config.server.stale_reads, Duration::from_secs(300));
    assert!(!format!("{config:?}").contains("secret-word"));
}

#[test]
fn every_problem_is_told_at_once_with_key_and_source() {
    let toml = "[server]\nlisten = \"here\"\nlistn = 1\nstale_reads_s = -1\n[srver]\nx = 1\n\
                [home_assistant]\ntoken = \"x\"\n";
    let (flags, _directory) = flags(toml, &[("HOUSEKEY__SERVER__PORT", "1")]);
    let error = Config::load(&flags, no_stdin).unwrap_err().to_string();
    for part in [
        "server.listen (",
        "\"here\": expected an address and a port",
        "server.listn (",
        "[server] has listen, allowed_hosts",
        "server.stale_reads_s (",
        "\"-1\": expected a whole number from 0 to 86400",
        "srver.x (",
        "home_assistant.token (",
        "HOUSEKEY__SERVER__PORT (environment): no such key",
        "home_assistant.url is missing",
        "home_assistant.token_file is missing",
    ] {
        assert!(error.contains(part), "{part} in:\n{error}");
    }
}

#[test]
fn the_token_comes_from_a_file_or_standard_input() {
    let (mut flags, directory) = flags(WHOLE, &[]);
    flags.ha_token_stdin = true;
    let config = Config::load(&flags, || Ok("  word\n".to_owned())).unwrap();
    assert_eq!(config.ha_token.expose_secret(), "word");
    flags.ha_token_stdin = false;
    let file = directory.path().join("token");
    std::fs::write(&file, "two words").unwrap();
    let path = file.display().to_string();
    flags
        .values
        .push(("home_assistant.token_file", "--ha-token-file", path));
    let error = Config::load(&flags, no_stdin).unwrap_err().to_string();
    assert!(error.contains("holds more than one word"), "{error}");
    assert!(!error.contains("two words"), "{error}");
}

/// The reference in docs is this text; write it anew with `UPDATE_DOCS=1`.
#[test]
fn the_reference_is_current() {
    let mut text = "# Configuration\n\n\
        Housekey reads `housekey.toml`: the file named by `--config`, or the first of `./housekey.toml`, \
        `~/.config/housekey/housekey.toml` and `/etc/housekey/housekey.toml` that exists.\n\
        A variable of the environment wins over the file, a flag wins over both.\n\
        A list in a variable is separated by commas.\n\
        An invalid configuration ends the program with exit code 64 before it opens anything.\n\n\
        This page is generated from the code.\n"
        .to_owned();
    let mut section = "";
    for key in keys::ALL {
        if key.section != section {
            section = key.section;
            write!(
                text,
                "\n## [{section}]\n\n| key | default | variable | |\n|---|---|---|---|\n"
            )
            .unwrap();
        }
        let default = if key.default.is_empty() {
            String::new()
        } else {
            format!("`{}`", key.default)
        };
        let (name, variable, doc) = (key.name, key.variable(), key.doc);
        writeln!(text, "| `{name}` | {default} | `{variable}` | {doc} |").unwrap();
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFIGURATION.md");
    if option_env!("UPDATE_DOCS").is_some() {
        std::fs::write(page, &text).unwrap();
    }
    let committed = std::fs::read_to_string(page).unwrap();
    assert!(
        committed == text,
        "docs/CONFIGURATION.md is not current; it must read:\n{text}"
    );
}
