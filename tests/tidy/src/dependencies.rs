//! T1, T2: who may depend on whom, and what the pure crates must not reach.

use std::process::Command;

use toml::{Table, Value};

use crate::workspace::{expect_none, files, folders, is_test, root, text, without_tests};

/// A row of the table in docs/ARCHITECTURE.md: a crate, the crates of ours that it may depend on,
/// and the external crates that it alone may depend on, but for the crates named behind them.
struct Row {
    name: &'static str,
    ours: &'static [&'static str],
    reserved: &'static [(&'static str, &'static [&'static str])],
}

const ROWS: [Row; 10] = [
    Row {
        name: "home",
        ours: &[],
        reserved: &[("imbl", &["sim"])],
    },
    Row {
        name: "policy",
        ours: &["home"],
        reserved: &[],
    },
    Row {
        name: "assist",
        ours: &["policy", "home"],
        reserved: &[("jiff", &["housekey"]), ("icu_casemap", &[])],
    },
    Row {
        name: "link",
        ours: &["policy", "home"],
        reserved: &[("tokio-tungstenite", &["sim"])],
    },
    Row {
        name: "store",
        ours: &["policy", "home"],
        reserved: &[("redb", &[]), ("subtle", &[]), ("hmac", &[])],
    },
    Row {
        name: "gateway",
        ours: &["home", "policy", "assist", "link", "store"],
        reserved: &[],
    },
    Row {
        name: "mcp",
        ours: &["gateway"],
        reserved: &[("rmcp", &[])],
    },
    Row {
        name: "web",
        ours: &["gateway"],
        reserved: &[],
    },
    Row {
        name: "sim",
        ours: &["home"],
        reserved: &[],
    },
    Row {
        name: "housekey",
        ours: &["gateway", "mcp", "web", "link", "store", "sim"],
        reserved: &[("clap", &[]), ("toml", &[]), ("anyhow", &[])],
    },
];

/// Crates that do no I/O.
const PURE: [&str; 3] = ["home", "policy", "assist"];

/// What a crate that does no I/O must not reach, by the beginning or the end of the name.
const IMPURE: [&str; 9] = [
    "tokio",
    "axum",
    "hyper",
    "redb",
    "tungstenite",
    "rmcp",
    "mio",
    "reqwest",
    "async-std",
];

/// Names of the dependencies of a crate that are built into the product.
fn dependencies(name: &str) -> Vec<String> {
    let manifest: Table = text(&format!("crates/{name}/Cargo.toml")).parse().unwrap();
    let mut found = dependencies_in(&manifest);
    for target in manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
    {
        found.extend(
            target
                .1
                .as_table()
                .map(dependencies_in)
                .into_iter()
                .flatten(),
        );
    }
    found
}

fn dependencies_in(table: &Table) -> Vec<String> {
    let sections = ["dependencies", "build-dependencies"];
    let sections = sections
        .iter()
        .filter_map(|section| table.get(*section)?.as_table());
    let name = |(key, value): (&String, &Value)| {
        let renamed = value.get("package").and_then(Value::as_str);
        renamed.unwrap_or(key).to_owned()
    };
    sections.flatten().map(name).collect()
}

/// T1.
#[test]
fn only_allowed_edges_exist() {
    let mut complaints = Vec::new();
    let known: Vec<_> = ROWS.iter().map(|row| row.name).collect();
    for name in folders("crates") {
        let Some(row) = ROWS.iter().find(|row| row.name == name) else {
            complaints.push(format!("crates/{name} has no row"));
            continue;
        };
        for dependency in dependencies(&name) {
            if let Some(ours) = dependency.strip_prefix("housekey-") {
                if !row.ours.contains(&ours) {
                    complaints.push(format!("{name} depends on {ours}"));
                }
                continue;
            }
            let mut owners = ROWS.iter().flat_map(|owner| {
                let reserved = owner.reserved.iter();
                reserved.map(move |(external, with)| (owner.name, *external, *with))
            });
            let owner = owners.find(|(_, external, _)| *external == dependency);
            if let Some((owner, external, with)) = owner
                && owner != name
                && !with.contains(&name.as_str())
            {
                complaints.push(format!("{name} depends on {external}, which is {owner}'s"));
            }
        }
    }
    for name in known
        .iter()
        .filter(|name| !root().join("crates").join(name).is_dir())
    {
        complaints.push(format!("crates/{name} does not exist"));
    }
    expect_none(
        &complaints,
        "Use what the crate that you may depend on offers, or move the code to the crate that may \
         hold it. A new edge is a change of design: it needs a page in docs/decisions, a row in the \
         table of docs/ARCHITECTURE.md, and the same row here.",
    );
}

/// T1: the table that people read is the one that is checked.
#[test]
fn the_table_of_the_document_is_this_one() {
    let document = text("docs/ARCHITECTURE.md");
    let or_dash = |cells: Vec<String>| {
        let joined = cells.join(", ");
        if joined.is_empty() {
            "–".to_owned()
        } else {
            joined
        }
    };
    let reserved = |(external, with): &(&str, &[&str])| {
        if with.is_empty() {
            (*external).to_owned()
        } else {
            format!("{external} (with {})", with.join(", "))
        }
    };
    let rows = ROWS.iter().map(|row| {
        let ours = or_dash(row.ours.iter().map(ToString::to_string).collect());
        let reserved = or_dash(row.reserved.iter().map(reserved).collect());
        format!("| {} | {ours} | {reserved} |", row.name)
    });
    let missing: Vec<_> = rows
        .filter(|row| !document.lines().any(|line| line == row))
        .collect();
    expect_none(
        &missing,
        "Put these rows into the table \"Who may depend on whom\" of docs/ARCHITECTURE.md, or correct \
         ROWS in tests/tidy.",
    );
}

/// T2: looks at each crate by itself, so that features which others turn on do not count.
#[test]
fn pure_crates_reach_no_io() {
    let mut complaints = Vec::new();
    for name in PURE {
        let package = format!("housekey-{name}");
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
            .args(["--format", "{p}", "--package", &package])
            .current_dir(root())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&tree.stderr);
        assert!(tree.status.success(), "cargo tree failed: {said}");
        let reached = String::from_utf8(tree.stdout).unwrap();
        assert!(reached.starts_with(&package), "{reached}");
        for line in reached.lines() {
            let external = line.split(' ').next().unwrap_or_default();
            let is_impure = |word: &&str| external.starts_with(*word) || external.ends_with(*word);
            if IMPURE.iter().any(is_impure) {
                complaints.push(format!("{name} reaches {external}"));
            }
        }
    }
    complaints.sort();
    complaints.dedup();
    expect_none(
        &complaints,
        "home, policy and assist do no I/O. See who brings it in with `cargo tree -p housekey-NAME \
         --edges normal -i CRATE`; take `now`, bytes or text as parameters, and let the gateway or \
         the link do the I/O.",
    );
}

/// T2: what the standard library offers is forbidden there as well.
#[test]
fn pure_crates_use_no_io_of_the_standard_library() {
    let words = [
        "fs",
        "net",
        "env",
        "process",
        "thread",
        "time::SystemTime",
        "time::Instant",
    ];
    let words = words.map(|word| format!("std::{word}"));
    let mut complaints = Vec::new();
    for name in PURE {
        for path in files(&format!("crates/{name}/src")) {
            if !path.ends_with(".rs") || is_test(&path) {
                continue;
            }
            let text = text(&path);
            for (number, line) in without_tests(&text).lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in words.iter().filter(|word| code.contains(word.as_str())) {
                    complaints.push(format!("{path}:{} uses {word}", number + 1));
                }
            }
        }
    }
    expect_none(
        &complaints,
        "home, policy and assist read no clock, disk, socket or environment: take it as a parameter.",
    );
}
