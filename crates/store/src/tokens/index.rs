//! The index in memory: one version of what the tables of tokens hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use redb::{ReadableTable, TableDefinition};

use crate::database::{Database, StoreError};
use crate::schema::{TOKENS, TOKENS_ARCHIVED};
use crate::secret::TokenHash;
use crate::stored::Stored;
use crate::token::stored::StoredToken;
use crate::token::{TokenId, TokenRecord};

/// A token with the hash of its secret.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) record: Arc<TokenRecord>,
    pub(super) hash: TokenHash,
}

/// One version of the index. It equals the tables (S2).
#[derive(Clone, Default)]
pub(super) struct Index {
    pub(super) tokens: BTreeMap<TokenId, Kept>,
    pub(super) by_hash: BTreeMap<[u8; 16], TokenId>,
    pub(super) by_slug: BTreeMap<String, TokenId>,
    pub(super) archived: BTreeMap<TokenId, Arc<TokenRecord>>,
}

impl Index {
    pub(super) fn insert(&mut self, kept: Kept) {
        let id = kept.record.id.clone();
        self.remove(&id);
        self.by_hash.insert(kept.hash.index_key(), id.clone());
        self.by_slug.insert(kept.record.name.slug(), id.clone());
        self.tokens.insert(id, kept);
    }

    pub(super) fn load(database: &Database) -> Result<Self, StoreError> {
        let (tokens, archived) = database.read(|transaction| {
            let values = |table: TableDefinition<'_, &'static str, &'static [u8]>| {
                let mut values = Vec::new();
                for row in transaction.open_table(table)?.iter()? {
                    let (_, value) = row?;
                    values.push(value.value().to_vec());
                }
                Ok::<_, redb::Error>(values)
            };
            Ok((values(TOKENS)?, values(TOKENS_ARCHIVED)?))
        })?;
        let mut index = Self::default();
        for bytes in tokens {
            let (record, hash) = StoredToken::decode(&bytes)?.into_record()?;
            let hash = hash.ok_or_else(|| StoredToken::damaged("no `hash`"))?;
            let record = Arc::new(record);
            index.insert(Kept { record, hash });
        }
        for bytes in archived {
            let (record, _) = StoredToken::decode(&bytes)?.into_record()?;
            index.archived.insert(record.id.clone(), Arc::new(record));
        }
        Ok(index)
    }

    /// Takes over what is known of uses and not yet on the disk.
    pub(super) fn keep_uses_of(&mut self, before: &Self) {
        for (id, kept) in &mut self.tokens {
            let used = before.tokens.get(id).and_then(|b| b.record.last_used_at());
            if let Some(used) = used {
                kept.record.touch(used);
            }
        }
    }

    pub(super) fn remove(&mut self, id: &TokenId) {
        if let Some(before) = self.tokens.remove(id) {
            self.by_hash.remove(&before.hash.index_key());
            self.by_slug.remove(&before.record.name.slug());
        }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({} tokens)", self.tokens.len())
    }
}
