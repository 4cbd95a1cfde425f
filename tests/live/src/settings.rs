//! What a person may set for a run: seeds and lengths, from the environment.

/// The seed of this run: `HOUSEKEY_SEED`, or one of the clock's.
#[must_use]
pub fn seed() -> u64 {
    number("HOUSEKEY_SEED")
        .unwrap_or_else(|| jiff::Timestamp::now().as_microsecond().unsigned_abs())
}

/// How many random changes the replica suite makes: `HOUSEKEY_CHANGES`.
#[must_use]
pub fn changes(default: usize) -> usize {
    number("HOUSEKEY_CHANGES")
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or(default)
}

/// How many generated argument forms the twin suite asks: `HOUSEKEY_FORMS`.
#[must_use]
pub fn forms(default: usize) -> usize {
    number("HOUSEKEY_FORMS")
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or(default)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
