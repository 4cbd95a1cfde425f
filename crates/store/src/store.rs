//! `Store`, everything that survives a restart.

use std::path::Path;
use std::sync::Arc;

use crate::audit::{Audit, AuditConfig, KeyPlace};
use crate::database::{Database, StoreError};
use crate::tokens::Tokens;

/// How the store behaves; the defaults are those of the product.
#[derive(Clone, Debug, Default)]
pub struct StoreConfig {
    /// The audit.
    pub audit: AuditConfig,
}

/// Everything that survives a restart. Ends like [`Store::close`] when dropped.
#[derive(Debug)]
pub struct Store {
    database: Arc<Database>,
    tokens: Tokens,
    audit: Audit,
}

impl Store {
    /// Opens the store of a directory, which is made if it is missing, with the product's defaults.
    /// `fresh_key` are random bytes: they seal the audit if there is no key for it yet.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has it, [`StoreError::Schema`] when a newer
    /// program wrote it, and what the disk says.
    pub fn open(directory: &Path, fresh_key: [u8; 32]) -> Result<Self, StoreError> {
        Self::open_with(directory, fresh_key, &StoreConfig::default())
    }

    /// Opens the store of a directory.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(
        directory: &Path,
        fresh_key: [u8; 32],
        config: &StoreConfig,
    ) -> Result<Self, StoreError> {
        let database = Database::in_directory(directory)?;
        let key_place = KeyPlace::in_directory(directory, fresh_key);
        Self::of(database, key_place, config)
    }

    /// A store that ends with the process.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::in_memory_with(&StoreConfig::default())
    }

    /// A store that ends with the process.
    ///
    /// # Errors
    /// As [`Store::in_memory`].
    pub fn in_memory_with(config: &StoreConfig) -> Result<Self, StoreError> {
        Self::of(Database::in_memory()?, KeyPlace::in_memory(), config)
    }

    pub(crate) fn of(
        database: Database,
        key_place: KeyPlace,
        config: &StoreConfig,
    ) -> Result<Self, StoreError> {
        let database = Arc::new(database);
        Ok(Self {
            tokens: Tokens::load(database.clone())?,
            audit: Audit::start(database.clone(), key_place, &config.audit)?,
            database,
        })
    }

    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The audit; the handle can be cloned.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Writes what waits, ends the writer and closes the file. Blocks. What is asked for afterwards
    /// gets [`StoreError::Closed`]; tokens can still be read.
    pub fn close(&self) {
        if let Err(error) = self.tokens.flush_uses() {
            tracing::warn!(%error, "the last uses of tokens are not written");
        }
        self.audit.stop();
        self.database.close();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
