//! `Tokens`, every token: an index in memory for readers, and the changes, each a commit of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use housekey_home::time::UtcMicros;
use housekey_policy::Scope;
use redb::WriteTransaction;

use crate::database::{Database, StoreError};
use crate::limits::{TOKENS_ARCHIVED_MAX, TOKENS_MAX};
use crate::schema::{TOKENS, TOKENS_ARCHIVED};
use crate::secret::{Presented, RawToken};
use crate::stored::Stored;
use crate::token::stored::StoredToken;
use crate::token::{LastUsed, NewToken, TokenEdit, TokenId, TokenName, TokenRecord, TokenStatus};

mod index;

use index::{Index, Kept};

/// Why a token was not changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A token that is not archived has a name that counts as the same.
    #[error("the name is taken")]
    NameTaken,
    /// A token has this secret or this id.
    #[error("the random bytes were used before")]
    Reused,
    /// There are as many tokens as there may be.
    #[error("there are {TOKENS_MAX} tokens, no more are possible")]
    TooMany,
    /// No such token; an archived one cannot be changed.
    #[error("no such token")]
    Unknown,
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Every token of the house.
///
/// Readers take no lock. Changes block until they are on the disk, so an async caller runs them on a
/// thread for that.
#[derive(Debug)]
pub struct Tokens {
    database: Arc<Database>,
    index: ArcSwap<Index>,
    /// Held while a change is checked, written and published: changes come one after the other. The
    /// epoch of the database that the index was read in.
    change: Mutex<u64>,
}

impl Tokens {
    pub(crate) fn load(database: Arc<Database>) -> Result<Self, StoreError> {
        let epoch = database.epoch();
        let index = Index::load(&database)?;
        Ok(Self {
            database,
            index: ArcSwap::from_pointee(index),
            change: Mutex::new(epoch),
        })
    }

    /// The token of a credential, be it active or suspended, and whether or not its time has run out.
    #[must_use]
    pub fn find(&self, presented: &Presented) -> Option<Arc<TokenRecord>> {
        let index = self.index.load();
        let id = index.by_hash.get(&presented.hash().index_key())?;
        let kept = index.tokens.get(id)?;
        let is_the_one = kept.hash.matches(presented.hash());
        is_the_one.then(|| kept.record.clone())
    }

    /// A token that is not archived.
    #[must_use]
    pub fn get(&self, id: &TokenId) -> Option<Arc<TokenRecord>> {
        self.index
            .load()
            .tokens
            .get(id)
            .map(|kept| kept.record.clone())
    }

    /// The token that is not archived and whose name counts as the same.
    #[must_use]
    pub fn by_name(&self, name: &TokenName) -> Option<Arc<TokenRecord>> {
        let index = self.index.load();
        let id = index.by_slug.get(&name.slug())?;
        index.tokens.get(id).map(|kept| kept.record.clone())
    }

    /// Tokens that are not archived, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<TokenRecord>> {
        let index = self.index.load();
        let mut all: Vec<_> = index
            .tokens
            .values()
            .map(|kept| kept.record.clone())
            .collect();
        all.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        all
    }

    /// Archived tokens, the one that ended first is first.
    #[must_use]
    pub fn archived(&self) -> Vec<Arc<TokenRecord>> {
        let mut all: Vec<_> = self.index.load().archived.values().cloned().collect();
        all.sort_by(|a, b| (a.ended_at, &a.id).cmp(&(b.ended_at, &b.id)));
        all
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`TokenError`] but `Unknown`; then no token came to be.
    pub fn create(
        &self,
        new: NewToken,
        raw: &RawToken,
        now: UtcMicros,
    ) -> Result<Arc<TokenRecord>, TokenError> {
        let _change = self.begin()?;
        let index = self.index.load_full();
        let hash = raw.hash();
        if index.tokens.len() >= TOKENS_MAX {
            return Err(TokenError::TooMany);
        }
        if index.by_slug.contains_key(&new.name.slug()) {
            return Err(TokenError::NameTaken);
        }
        let id_is_used = index.tokens.contains_key(&new.id) || index.archived.contains_key(&new.id);
        if id_is_used || index.by_hash.contains_key(&hash.index_key()) {
            return Err(TokenError::Reused);
        }
        let record = Arc::new(TokenRecord {
            id: new.id,
            name: new.name,
            created_at: now,
            created_by: new.created_by,
            expires_at: new.expires_at,
            status: TokenStatus::Active,
            scope: Arc::new(new.scope),
            rate: new.rate,
            generation: 1,
            updated_at: now,
            ended_at: None,
            last_used: LastUsed::new(None),
        });
        self.keep(Kept { record, hash }).map_err(TokenError::from)
    }

    /// Changes a token.
    ///
    /// # Errors
    /// [`TokenError`]; then the token is as it was.
    pub fn update(
        &self,
        id: &TokenId,
        now: UtcMicros,
        change: impl FnOnce(&mut TokenEdit),
    ) -> Result<Arc<TokenRecord>, TokenError> {
        let _change = self.begin()?;
        let index = self.index.load_full();
        let before = index.tokens.get(id).ok_or(TokenError::Unknown)?;
        let mut edit = TokenEdit {
            name: before.record.name.clone(),
            expires_at: before.record.expires_at,
            suspended: before.record.status == TokenStatus::Suspended,
            scope: Scope::clone(&before.record.scope),
            rate: before.record.rate,
        };
        change(&mut edit);
        let holder = index.by_slug.get(&edit.name.slug());
        if holder.is_some_and(|holder| holder != id) {
            return Err(TokenError::NameTaken);
        }
        let record = TokenRecord {
            name: edit.name,
            expires_at: edit.expires_at,
            status: if edit.suspended {
                TokenStatus::Suspended
            } else {
                TokenStatus::Active
            },
            scope: Arc::new(edit.scope),
            rate: edit.rate,
            ..next(&before.record, now)
        };
        let hash = before.hash.clone();
        self.keep(Kept {
            record: Arc::new(record),
            hash,
        })
        .map_err(TokenError::from)
    }

    /// Gives a token another secret; the one before opens nothing any more.
    ///
    /// # Errors
    /// [`TokenError`]; then the old secret stays.
    pub fn rotate(
        &self,
        id: &TokenId,
        raw: &RawToken,
        now: UtcMicros,
    ) -> Result<Arc<TokenRecord>, TokenError> {
        let _change = self.begin()?;
        let index = self.index.load_full();
        let before = index.tokens.get(id).ok_or(TokenError::Unknown)?;
        let hash = raw.hash();
        if index.by_hash.contains_key(&hash.index_key()) {
            return Err(TokenError::Reused);
        }
        let record = Arc::new(next(&before.record, now));
        self.keep(Kept { record, hash }).map_err(TokenError::from)
    }

    /// Ends a token for its owner; its name is free again.
    ///
    /// # Errors
    /// [`TokenError::Unknown`] and [`TokenError::Store`]; then the token is as it was.
    pub fn revoke(&self, id: &TokenId, now: UtcMicros) -> Result<Arc<TokenRecord>, TokenError> {
        self.end(id, TokenStatus::Revoked, now)
    }

    /// Ends a token whose time ran out; its name is free again.
    ///
    /// # Errors
    /// [`TokenError::Unknown`] and [`TokenError::Store`]; then the token is as it was.
    pub fn expire(&self, id: &TokenId, now: UtcMicros) -> Result<Arc<TokenRecord>, TokenError> {
        self.end(id, TokenStatus::Expired, now)
    }

    /// Deletes an archived token for good.
    ///
    /// # Errors
    /// [`TokenError::Unknown`] for one that is not archived, and [`TokenError::Store`].
    pub fn delete_archived(&self, id: &TokenId) -> Result<(), TokenError> {
        let _change = self.begin()?;
        let mut index = Index::clone(&self.index.load());
        index.archived.remove(id).ok_or(TokenError::Unknown)?;
        self.commit(index, |transaction| {
            transaction
                .open_table(TOKENS_ARCHIVED)?
                .remove(id.as_str())?;
            Ok(())
        })?;
        Ok(())
    }

    /// Writes when each token was used last. Between two calls that is in memory only.
    ///
    /// # Errors
    /// [`StoreError`]; the next call writes it.
    pub fn flush_uses(&self) -> Result<(), StoreError> {
        let _change = self.begin()?;
        let index = self.index.load_full();
        let mut rows = Vec::new();
        for (id, kept) in &index.tokens {
            if kept.record.last_used.take_unsaved() {
                let row = StoredToken::of(&kept.record, Some(&kept.hash)).encode()?;
                rows.push((id, row, &kept.record.last_used));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let written = self.database.write(|transaction| {
            let mut table = transaction.open_table(TOKENS)?;
            for (id, row, _) in &rows {
                table.insert(id.as_str(), row.as_slice())?;
            }
            Ok(())
        });
        if written.is_err() {
            rows.iter()
                .for_each(|(_, _, last_used)| last_used.mark_unsaved());
        }
        written
    }

    /// Waits for its turn, and reads the tables again if a commit may have failed half way.
    fn begin(&self) -> Result<MutexGuard<'_, u64>, StoreError> {
        let mut epoch = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        if *epoch != self.database.epoch() {
            let now = self.database.epoch();
            let mut index = Index::load(&self.database)?;
            index.keep_uses_of(&self.index.load());
            self.index.store(Arc::new(index));
            *epoch = now;
        }
        Ok(epoch)
    }

    fn keep(&self, kept: Kept) -> Result<Arc<TokenRecord>, StoreError> {
        let row = StoredToken::of(&kept.record, Some(&kept.hash)).encode()?;
        let record = kept.record.clone();
        let mut index = Index::clone(&self.index.load());
        index.insert(kept);
        self.commit(index, |transaction| {
            transaction
                .open_table(TOKENS)?
                .insert(record.id.as_str(), row.as_slice())?;
            Ok(())
        })?;
        Ok(record)
    }

    fn end(
        &self,
        id: &TokenId,
        status: TokenStatus,
        now: UtcMicros,
    ) -> Result<Arc<TokenRecord>, TokenError> {
        let _change = self.begin()?;
        let mut index = Index::clone(&self.index.load());
        let before = index.tokens.get(id).ok_or(TokenError::Unknown)?;
        let record = Arc::new(TokenRecord {
            status,
            ended_at: Some(now),
            ..next(&before.record, now)
        });
        let row = StoredToken::of(&record, None).encode()?;
        index.remove(id);
        index.archived.insert(id.clone(), record.clone());
        let surplus = index.archived.len().saturating_sub(TOKENS_ARCHIVED_MAX);
        let mut oldest: Vec<_> = index.archived.values().cloned().collect();
        oldest.sort_by(|a, b| (a.ended_at, &a.id).cmp(&(b.ended_at, &b.id)));
        oldest.truncate(surplus);
        for gone in &oldest {
            index.archived.remove(&gone.id);
        }
        self.commit(index, |transaction| {
            transaction.open_table(TOKENS)?.remove(id.as_str())?;
            let mut archive = transaction.open_table(TOKENS_ARCHIVED)?;
            archive.insert(id.as_str(), row.as_slice())?;
            for gone in &oldest {
                archive.remove(gone.id.as_str())?;
            }
            Ok(())
        })?;
        Ok(record)
    }

    /// Writes, and only then shows readers what was written.
    fn commit(
        &self,
        index: Index,
        write: impl Fn(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        self.database.write(write)?;
        self.index.store(Arc::new(index));
        Ok(())
    }
}

/// The next version of a token.
fn next(before: &TokenRecord, now: UtcMicros) -> TokenRecord {
    TokenRecord {
        generation: before.generation + 1,
        updated_at: now,
        ..before.clone()
    }
}

#[cfg(test)]
mod tests;
