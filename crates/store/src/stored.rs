//! Values of the database: JSON objects that say which version of their form they have (`"v"`).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::database::StoreError;

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    v: u32,
    #[serde(flatten)]
    value: &'a T,
}

/// A value whose form has had one version so far.
pub(crate) trait Stored: Serialize + DeserializeOwned {
    /// What it is, for the message when it is damaged.
    const KIND: &'static str;
    /// The version that is written.
    const VERSION: u32 = 1;

    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let versioned = Versioned {
            v: Self::VERSION,
            value: self,
        };
        serde_json::to_vec(&versioned).map_err(|e| Self::damaged(&e.to_string()))
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = |e: serde_json::Error| Self::damaged(&e.to_string());
        let version = serde_json::from_slice::<Version>(bytes).map_err(damaged)?.v;
        if version != Self::VERSION {
            return Err(Self::damaged(&format!("form {version} is not known")));
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    fn damaged(why: &str) -> StoreError {
        StoreError::Corrupt(format!("{}: {why}", Self::KIND))
    }
}
