//! What a run found: cases with their misses, by suite, and what could not be run.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::listed::Listed;

/// One recorded case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// Its name: the file, its place in it, and what was asked.
    pub name: String,
    /// What differs, if anything does.
    pub miss: Option<String>,
}

/// All that a run found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    suites: BTreeMap<&'static str, Vec<Case>>,
    unsupported: Vec<String>,
}

impl Report {
    /// Adds a case to a suite.
    pub fn case(&mut self, suite: &'static str, name: impl Into<String>, miss: Option<String>) {
        self.suites.entry(suite).or_default().push(Case {
            name: name.into(),
            miss,
        });
    }

    /// Adds a case that passes when both texts are equal.
    pub fn equal(
        &mut self,
        suite: &'static str,
        name: impl Into<String>,
        expected: &str,
        got: &str,
    ) {
        let miss = (expected != got).then(|| difference(expected, got));
        self.case(suite, name, miss);
    }

    /// Says that something is there which cannot be run.
    pub fn not_yet_supported(&mut self, what: impl Into<String>) {
        self.unsupported.push(what.into());
    }

    /// The cases of a suite.
    #[must_use]
    pub fn cases(&self, suite: &str) -> &[Case] {
        self.suites.get(suite).map_or(&[], Vec::as_slice)
    }

    /// How many cases there are in all suites.
    #[must_use]
    pub fn case_count(&self) -> usize {
        self.suites.values().map(Vec::len).sum()
    }

    /// Misses that are no known difference.
    #[must_use]
    pub fn unlisted_misses<'a>(&'a self, listed: &'a Listed) -> Vec<&'a Case> {
        let cases = self.suites.values().flatten();
        cases
            .filter(|case| case.miss.is_some() && !listed.covers(&case.name))
            .collect()
    }

    /// The report as people read it: misses above the line of their suite, one line a suite, and a
    /// line for each thing that could not be run.
    #[must_use]
    pub fn text(&self, listed: &Listed) -> String {
        let mut out = String::new();
        for (suite, cases) in &self.suites {
            let mut equal = 0;
            for case in cases {
                let Some(miss) = &case.miss else {
                    equal += 1;
                    continue;
                };
                let kind = if listed.covers(&case.name) {
                    "known difference"
                } else {
                    "miss"
                };
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{kind}: {}: {miss}", case.name);
            }
            let _ = writeln!(out, "{suite}: {equal} of {}", cases.len());
        }
        for what in &self.unsupported {
            let _ = writeln!(out, "not yet supported: {what}");
        }
        out
    }
}

/// Bytes shown around the first difference.
const SHOWN_CHARS: usize = 60;

/// Where two texts part.
fn difference(expected: &str, got: &str) -> String {
    let pairs = expected.chars().zip(got.chars());
    let same = pairs.take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(SHOWN_CHARS / 3);
    let part = |text: &str| -> String { text.chars().skip(from).take(SHOWN_CHARS).collect() };
    format!(
        "at character {same} expected {:?}, got {:?}",
        part(expected),
        part(got)
    )
}
