//! What people read: standard output and standard error, and whether they are a terminal.

use std::io::{self, IsTerminal, Write};

/// Writes a line to standard output. A reader that has gone away is no error.
pub(crate) fn line(text: impl AsRef<str>) {
    write_line(&mut io::stdout().lock(), text.as_ref());
}

/// Writes a line to standard error.
pub(crate) fn note(text: impl AsRef<str>) {
    write_line(&mut io::stderr().lock(), text.as_ref());
}

/// Writes an error with its causes to standard error.
pub(crate) fn error(error: &anyhow::Error) {
    note(format!("{} {error:#}", red("error:")));
}

/// Bold, on a terminal.
pub(crate) fn bold(text: &str) -> String {
    styled(text, "1", io::stdout().is_terminal())
}

/// Dim, on a terminal.
pub(crate) fn dim(text: &str) -> String {
    styled(text, "2", io::stdout().is_terminal())
}

fn red(text: &str) -> String {
    styled(text, "1;31", io::stderr().is_terminal())
}

fn styled(text: &str, code: &str, is_terminal: bool) -> String {
    if is_terminal {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn write_line(to: &mut impl Write, text: &str) {
    // `housekey … | head` closes the pipe early; there is nobody left to tell.
    let written = writeln!(to, "{text}").and_then(|()| to.flush());
    drop(written);
}

/// A table: columns as wide as their widest cell, two spaces between.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain(head.get(column).map(|cell| cell.chars().count()))
            .max()
            .unwrap_or(0)
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let lines = std::iter::once(&head).chain(rows).map(|row| {
        let cells = row
            .iter()
            .enumerate()
            .map(|(at, cell)| format!("{cell:<width$}", width = width(at)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}
