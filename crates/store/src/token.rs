//! `TokenRecord`, what is known of a token, without its secret and without its hash.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use housekey_home::time::UtcMicros;
use housekey_policy::Scope;

use crate::limits::{TOKEN_NAME_CHARS_MAX, TOKEN_NAME_CHARS_MIN};
use crate::principal::Principal;

pub(crate) mod stored;

/// The id of a token: a UUID in its usual text form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(Arc<str>);

impl TokenId {
    /// Makes an id (UUID version 4) of random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        let version = 0x4_u128 << 76;
        let variant = 0b10_u128 << 62;
        let number = number & !(0xf << 76) & !(0b11 << 62) | version | variant;
        let digits = format!("{number:032x}");
        let mut text = String::with_capacity(36);
        for (at, digit) in digits.chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        Self(Arc::from(text))
    }

    /// Reads an id: lower-case hex digits in groups of 8, 4, 4, 4 and 12.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
        is_valid.then(|| Self(Arc::from(text)))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a token: 3 to 32 ASCII letters, digits, `_` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenName(Arc<str>);

/// The text is no name of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a name has 3 to 32 letters, digits, `_` and `-`")]
pub struct InvalidTokenName;

impl TokenName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidTokenName`] for everything else.
    pub fn parse(text: &str) -> Result<Self, InvalidTokenName> {
        let is_valid = (TOKEN_NAME_CHARS_MIN..=TOKEN_NAME_CHARS_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if is_valid {
            Ok(Self(Arc::from(text)))
        } else {
            Err(InvalidTokenName)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is unique among the tokens that are not archived: lower case, `_` for `-`.
    #[must_use]
    pub fn slug(&self) -> String {
        self.0.to_ascii_lowercase().replace('-', "_")
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a token is in its life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TokenStatus {
    /// It opens what its scope says.
    Active,
    /// It opens nothing until its owner lifts that.
    Suspended,
    /// Its time ran out; archived.
    Expired,
    /// Its owner ended it; archived.
    Revoked,
}

impl TokenStatus {
    /// Whether the token can no longer come back.
    #[must_use]
    pub fn is_ended(self) -> bool {
        match self {
            Self::Active | Self::Suspended => false,
            Self::Expired | Self::Revoked => true,
        }
    }

    /// The name in storage and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Expired, Self::Revoked]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// How often a token may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Requests per minute; 0 is no limit.
    pub per_minute: u32,
    /// Requests per second.
    pub burst: u32,
}

/// ATM 1.1's.
impl Default for Rate {
    fn default() -> Self {
        Self {
            per_minute: 60,
            burst: 10,
        }
    }
}

/// What is known of a token. One version; a change makes a new one.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    /// Its id.
    pub id: TokenId,
    /// Its name.
    pub name: TokenName,
    /// When it was made.
    pub created_at: UtcMicros,
    /// Who made it.
    pub created_by: Principal,
    /// When its time runs out.
    pub expires_at: Option<UtcMicros>,
    /// Where it is in its life.
    pub status: TokenStatus,
    /// What it opens.
    pub scope: Arc<Scope>,
    /// How often it may ask.
    pub rate: Rate,
    /// Grows with each change of the token; a use is none.
    pub generation: u64,
    /// When it was changed last.
    pub updated_at: UtcMicros,
    /// When it ended.
    pub ended_at: Option<UtcMicros>,
    /// Shared by all versions of the token, so that a use costs no new version.
    pub(crate) last_used: LastUsed,
}

impl TokenRecord {
    /// When it was used last; see [`crate::Tokens::flush_uses`] for when that is durable.
    #[must_use]
    pub fn last_used_at(&self) -> Option<UtcMicros> {
        self.last_used.get()
    }

    /// Notes a use.
    pub fn touch(&self, now: UtcMicros) {
        self.last_used.set(now);
    }

    /// Whether its time has run out.
    #[must_use]
    pub fn is_expired(&self, now: UtcMicros) -> bool {
        self.expires_at.is_some_and(|at| now >= at)
    }
}

/// What is needed for a new token; the rest follows from it.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its id, made of random bytes.
    pub id: TokenId,
    /// Its name.
    pub name: TokenName,
    /// Who makes it.
    pub created_by: Principal,
    /// When its time runs out.
    pub expires_at: Option<UtcMicros>,
    /// What it opens.
    pub scope: Scope,
    /// How often it may ask.
    pub rate: Rate,
}

/// What can be changed of a token that is not archived.
#[derive(Clone, Debug)]
pub struct TokenEdit {
    /// Its name.
    pub name: TokenName,
    /// When its time runs out.
    pub expires_at: Option<UtcMicros>,
    /// Whether it opens nothing for the time being.
    pub suspended: bool,
    /// What it opens.
    pub scope: Scope,
    /// How often it may ask.
    pub rate: Rate,
}

/// When a token was used last, and whether the disk knows.
#[derive(Clone)]
pub(crate) struct LastUsed(Arc<Use>);

struct Use {
    at: AtomicI64,
    unsaved: AtomicBool,
}

impl LastUsed {
    const NEVER: i64 = i64::MIN;

    pub(crate) fn new(at: Option<UtcMicros>) -> Self {
        Self(Arc::new(Use {
            at: AtomicI64::new(at.map_or(Self::NEVER, |at| at.0)),
            unsaved: AtomicBool::new(false),
        }))
    }

    fn get(&self) -> Option<UtcMicros> {
        let at = self.0.at.load(Ordering::Relaxed);
        (at != Self::NEVER).then_some(UtcMicros(at))
    }

    fn set(&self, now: UtcMicros) {
        self.0.at.fetch_max(now.0, Ordering::Relaxed);
        self.mark_unsaved();
    }

    pub(crate) fn mark_unsaved(&self) {
        self.0.unsaved.store(true, Ordering::Release);
    }

    /// Whether there is something to write; what is noted after the call counts for the next one.
    pub(crate) fn take_unsaved(&self) -> bool {
        self.0.unsaved.swap(false, Ordering::Acquire)
    }
}

impl fmt::Debug for LastUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_anchored() {
        for text in ["abc", "A-b_9", &"x".repeat(32)] {
            assert!(TokenName::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "ab",
            "abc\n",
            " abc",
            "a b c",
            "äbc",
            "a.b",
            &"x".repeat(33),
        ] {
            assert!(TokenName::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(TokenName::parse("My-Phone_2").unwrap().slug(), "my_phone_2");
    }

    #[test]
    fn ids_are_uuids_of_version_4() {
        let id = TokenId::from_random([0xff; 16]);
        assert_eq!(id.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let id = TokenId::from_random([0; 16]);
        assert_eq!(id.as_str(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(TokenId::parse(id.as_str()), Some(id));
        for text in [
            "",
            "00000000000040008000000000000000",
            "00000000-0000-4000-8000-00000000000G",
        ] {
            assert_eq!(TokenId::parse(text), None, "{text}");
        }
    }
}
