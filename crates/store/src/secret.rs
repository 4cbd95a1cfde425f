//! The secret of a token: how it looks, and its hash, which is all that is kept of it.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const PREFIX: &str = "atm_";
const CHARS: usize = PREFIX.len() + 64;

/// The secret of a token, shown once to whoever gets it: `atm_` and 64 hex digits on every face.
pub struct RawToken(String);

impl RawToken {
    /// Makes a secret of random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", hex::encode(bytes)))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

/// Prints a mask.
impl fmt::Debug for RawToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawToken(***)")
    }
}

/// A credential that somebody presented and that has the shape of a token.
///
/// Holds its hash only, so that nothing behind the parse can leak it.
#[derive(Clone, Debug)]
pub struct Presented(TokenHash);

impl Presented {
    /// Reads a credential. The length and the prefix are judged, as ATM 1.1 does; anything else that
    /// is not a token simply is not found.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let has_the_shape = text.len() == CHARS && text.starts_with(PREFIX);
        has_the_shape.then(|| Self(TokenHash::of(text)))
    }

    /// The hash under which it is looked up.
    #[must_use]
    pub fn hash(&self) -> &TokenHash {
        &self.0
    }
}

/// SHA-256 of a whole secret, prefix included.
#[derive(Clone)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    pub(crate) fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// What the index is ordered by: half of the hash, so that a hit there is no answer yet.
    pub(crate) fn index_key(&self) -> [u8; 16] {
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(self.0) {
            *to = from;
        }
        key
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Prints a mask: a hash in a log would tell which token was meant.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_by_one_method_only() {
        let raw = RawToken::from_random([0xab; 32]);
        assert_eq!(raw.expose(), format!("atm_{}", "ab".repeat(32)));
        assert_eq!(format!("{raw:?}"), "RawToken(***)");
        let presented = Presented::parse(raw.expose()).unwrap();
        assert!(presented.hash().matches(&raw.hash()));
        assert_eq!(format!("{presented:?}"), "Presented(TokenHash(***))");
    }

    #[test]
    fn the_hash_is_of_the_whole_text() {
        // printf 'atm_%064d' 0 | sha256sum
        let raw = RawToken::from_random([0; 32]);
        assert_eq!(
            raw.hash().to_hex(),
            "63adc44dd968c04b1c59f23e5ed0c17c3aa86e28f13d68df4c948479d9e09042"
        );
        assert!(
            TokenHash::from_hex(&raw.hash().to_hex())
                .unwrap()
                .matches(&raw.hash())
        );
    }

    #[test]
    fn what_has_not_the_shape_is_no_token() {
        let good = RawToken::from_random([1; 32]);
        let good = good.expose();
        let upper = good.to_uppercase();
        let longer = format!("{good}0");
        let other = good.replace("atm_", "btm_");
        for text in ["", "atm_", &good[1..], &good[..67], &longer, &upper, &other] {
            assert!(Presented::parse(text).is_none(), "{text}");
        }
    }
}
