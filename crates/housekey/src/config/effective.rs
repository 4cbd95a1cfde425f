//! What counts, and where it comes from; secrets are masked.

use std::path::PathBuf;

use super::InvalidConfig;
use super::keys;
use super::sources::{Flags, Values, configuration_file};

/// The configuration as it counts, whether or not it is valid.
pub(crate) struct Effective {
    /// The file that is read, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// Every key, in the order of the reference.
    pub(crate) keys: Vec<Held>,
}

/// A key with what counts for it.
pub(crate) struct Held {
    pub(crate) section: &'static str,
    pub(crate) name: &'static str,
    /// As it would stand in the file, and where it comes from; `None` when it is not set.
    pub(crate) value: Option<(toml::Value, String)>,
    /// What it is for.
    pub(crate) doc: &'static str,
    /// It is there and not shown.
    pub(crate) is_secret: bool,
}

impl Effective {
    pub(crate) fn load(flags: &Flags) -> Result<Self, InvalidConfig> {
        let (values, _) = Values::gather(flags).map_err(|p| InvalidConfig(vec![p]))?;
        let file = configuration_file(flags).map_err(|p| InvalidConfig(vec![p]))?;
        let keys = keys::ALL.iter().map(|key| Held {
            section: key.section,
            name: key.name,
            doc: key.doc,
            value: values.as_in_the_file(key),
            is_secret: **key == keys::HA_TOKEN,
        });
        Ok(Self {
            file,
            keys: keys.collect(),
        })
    }
}
