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

/// Text of somebody else, with nothing in it that a terminal would obey.
pub(crate) fn safe(text: &str) -> String {
    let turns_around = |c: char| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || turns_around(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
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

/// A table: a head over columns.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows.iter().cloned()).collect();
    columns(&rows)
}

/// Columns as wide as their widest cell, two spaces between.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells.max().unwrap_or(0)
    };
    let lines = rows.iter().map(|row| {
        let cells = row
            .iter()
            .enumerate()
            .map(|(at, cell)| format!("{cell:<width$}", width = width(at)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_commands_the_terminal() {
        assert_eq!(safe("Küche 🏠"), "Küche 🏠");
        assert_eq!(
            safe("\x1b[2J\n\u{9b}\u{202e}"),
            "\\u{1b}[2J\\u{a}\\u{9b}\\u{202e}"
        );
    }
}
