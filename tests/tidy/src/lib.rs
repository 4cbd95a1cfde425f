//! The rules of the codebase, as tests: `cargo test -p housekey-tidy`.
//!
//! Each test names what breaks the rule and says what to do. What a lint can check is a lint
//! (`Cargo.toml`, `clippy.toml`), not a test here.

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod dependencies;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod workspace;
