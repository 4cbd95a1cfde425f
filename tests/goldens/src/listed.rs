//! Which misses are known: the table of recorded cases in docs/COMPATIBILITY.md.

/// Heading of the section that holds the table.
const HEADING: &str = "## Recorded cases that differ";

/// Patterns of case names; `*` stands for anything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listed(Vec<String>);

impl Listed {
    /// Those of the project.
    #[must_use]
    pub fn of_the_project() -> Self {
        Self::read(include_str!("../../../docs/COMPATIBILITY.md"))
    }

    /// Reads the table: the first column of each row under `HEADING`, in backquotes.
    #[must_use]
    pub fn read(page: &str) -> Self {
        let section = page.split_once(HEADING).map_or("", |(_, rest)| rest);
        let section = section.split("\n## ").next().unwrap_or_default();
        let patterns = section.lines().filter_map(|line| {
            let cell = line.trim().strip_prefix('|')?.split('|').next()?.trim();
            let pattern = cell.strip_prefix('`')?.strip_suffix('`')?;
            Some(pattern.to_owned())
        });
        Self(patterns.collect())
    }

    /// Whether a case is among them.
    #[must_use]
    pub fn covers(&self, case: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, case))
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(first) else {
        return false;
    };
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.any(|at| text.get(at..).is_some_and(|text| matches(rest, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_come_from_the_table_of_their_section() {
        let page = "# A\n| `no` | x |\n## Recorded cases that differ\n\n| case | why |\n|---|---|\n| `native/*/x.json#*` | y |\n\n## Next\n| `z*` | z |\n";
        let listed = Listed::read(page);
        assert!(listed.covers("native/2026.11.0/x.json#3 {}"));
        assert!(!listed.covers("native/2026.11.0/y.json#3 {}"));
        assert!(!listed.covers("no"));
        assert!(!listed.covers("zz"));
    }
}
