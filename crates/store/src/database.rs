//! The database file: opening, checking its schema, and opening it anew after an I/O error.

use std::error::Error;
use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{Builder, DatabaseError, ReadTransaction, ReadableDatabase, WriteTransaction};

use crate::limits::DATABASE_CACHE_BYTES;
use crate::schema;
use crate::stored::Stored;

/// Name of the database inside its directory.
const FILE: &str = "housekey.redb";

/// What goes wrong with the disk.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A newer program wrote the database.
    #[error("the database has schema {found}, this program knows schemas up to {supported}")]
    Schema {
        /// What the database has.
        found: u32,
        /// The newest that this program knows.
        supported: u32,
    },
    /// Another process has the database open.
    #[error("the database is in use by another process")]
    InUse,
    /// What the database holds makes no sense.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The disk refused.
    #[error("cannot {doing}: {cause}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Reads an error of the database library, all of whose kinds convert to one.
    fn of(doing: &str) -> impl Fn(redb::Error) -> Self {
        move |error| {
            if let redb::Error::DatabaseAlreadyOpen = error {
                return Self::InUse;
            }
            let is_no_database = matches!(
                &error, redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData
            );
            let is_damage = matches!(
                error,
                redb::Error::Corrupted(_)
                    | redb::Error::UpgradeRequired(_)
                    | redb::Error::TableTypeMismatch { .. }
                    | redb::Error::TableDoesNotExist(_)
            );
            if is_no_database || is_damage {
                return Self::Corrupt(error.to_string());
            }
            Self::Io {
                doing: doing.to_owned(),
                cause: Box::new(error),
            }
        }
    }

    pub(crate) fn io(doing: &str, path: &Path) -> impl Fn(io::Error) -> Self {
        let doing = format!("{doing} {}", path.display());
        move |cause| Self::Io {
            doing: doing.clone(),
            cause: Box::new(cause),
        }
    }
}

type Open = dyn Fn(&Builder) -> Result<redb::Database, StoreError> + Send + Sync;

/// The one handle of the database.
///
/// The library refuses everything after an I/O error until the file is opened anew, which the next
/// transaction does. Transactions hold the lock shared, the exchange holds it alone.
pub(crate) struct Database {
    handle: RwLock<Handle>,
    failed: AtomicBool,
    epoch: AtomicU64,
    open: Box<Open>,
}

enum Handle {
    Open(redb::Database),
    /// An attempt to open the file anew failed; the next transaction tries again.
    Broken,
    Closed,
}

impl Database {
    /// Opens or creates the database of a directory, both for their owner only.
    pub(crate) fn in_directory(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        make_private(directory, &path)?;
        Self::new(Box::new(move |builder| open_file(builder, &path)))
    }

    /// A database that ends with the process.
    pub(crate) fn in_memory() -> Result<Self, StoreError> {
        Self::new(Box::new(|builder| {
            created(builder.create_with_backend(InMemoryBackend::new()))
        }))
    }

    pub(crate) fn new(open: Box<Open>) -> Result<Self, StoreError> {
        let database = Self {
            handle: RwLock::new(Handle::Broken),
            failed: AtomicBool::new(true),
            epoch: AtomicU64::new(0),
            open,
        };
        database.heal()?;
        Ok(database)
    }

    /// Grows each time the file is opened. What a failed commit left behind, all or nothing of it, is
    /// known from the next epoch on.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Closes the file for good.
    pub(crate) fn close(&self) {
        *self.handle.write().unwrap_or_else(PoisonError::into_inner) = Handle::Closed;
    }

    /// Reads in one transaction.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.run("read the database", |database| {
            read(&database.begin_read()?)
        })
    }

    /// Writes in one transaction, which is on the disk when the call returns `Ok`. When it does not,
    /// nothing of it is, unless the disk failed in the last moment; see [`Database::epoch`].
    pub(crate) fn write<T>(
        &self,
        write: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.run("write the database", |database| {
            let transaction = database.begin_write()?;
            let value = write(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
    }

    fn run<T>(
        &self,
        doing: &str,
        run: impl FnOnce(&redb::Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.heal()?;
        let handle = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        let database = match &*handle {
            Handle::Open(database) => database,
            Handle::Broken | Handle::Closed => return Err(StoreError::Closed),
        };
        run(database).map_err(|error| {
            self.failed.store(true, Ordering::Release);
            StoreError::of(doing)(error)
        })
    }

    /// Opens the file anew if something failed.
    fn heal(&self) -> Result<(), StoreError> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut handle = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*handle, Handle::Closed) {
            return Err(StoreError::Closed);
        }
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        // The lock on the file goes with the old handle.
        *handle = Handle::Broken;
        let mut builder = Builder::new();
        builder.set_cache_size(DATABASE_CACHE_BYTES);
        let database = (self.open)(&builder)?;
        check_schema(&database)?;
        *handle = Handle::Open(database);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.failed.store(false, Ordering::Release);
        Ok(())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

fn make_private(directory: &Path, file: &Path) -> Result<(), StoreError> {
    let opened = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    opened.map_err(StoreError::io("create", directory))?;
    tighten(directory, 0o700)?;
    let options = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file);
    options.map_err(StoreError::io("create", file))?;
    tighten(file, 0o600)
}

/// Takes from a path what others may do with it.
pub(crate) fn tighten(path: &Path, mode: u32) -> Result<(), StoreError> {
    let has = fs::metadata(path).map_err(StoreError::io("read", path))?;
    if has.permissions().mode() & 0o777 & !mode == 0 {
        return Ok(());
    }
    let permissions = Permissions::from_mode(mode);
    fs::set_permissions(path, permissions).map_err(StoreError::io("make private", path))
}

fn open_file(builder: &Builder, path: &Path) -> Result<redb::Database, StoreError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(StoreError::io("open", path))?;
    let backend = FileBackend::new(file);
    created(backend.and_then(|backend| builder.create_with_backend(backend)))
}

/// Reads the answer of the database library to an attempt to open.
pub(crate) fn created(
    opened: Result<redb::Database, DatabaseError>,
) -> Result<redb::Database, StoreError> {
    opened.map_err(|error| StoreError::of("open the database")(error.into()))
}

/// Writes the schema into a fresh database and refuses one of a newer program.
fn check_schema(database: &redb::Database) -> Result<(), StoreError> {
    let of = StoreError::of("read the schema");
    let read = || -> Result<Option<Vec<u8>>, redb::Error> {
        match database.begin_read()?.open_table(schema::META) {
            Ok(table) => Ok(table
                .get(schema::META_SCHEMA)?
                .map(|value| value.value().to_vec())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    };
    if let Some(bytes) = read().map_err(of)? {
        let found = schema::SchemaRow::decode(&bytes)?.schema;
        return match found {
            schema::SCHEMA => Ok(()),
            found if found > schema::SCHEMA => Err(StoreError::Schema {
                found,
                supported: schema::SCHEMA,
            }),
            found => Err(StoreError::Corrupt(format!("schema {found} never was"))),
        };
    }
    let row = schema::SchemaRow {
        schema: schema::SCHEMA,
    };
    let row = row.encode()?;
    let write = || -> Result<(), redb::Error> {
        let transaction = database.begin_write()?;
        transaction
            .open_table(schema::META)?
            .insert(schema::META_SCHEMA, row.as_slice())?;
        // Readers then never meet a table that is not there yet.
        transaction.open_table(schema::TOKENS)?;
        transaction.open_table(schema::TOKENS_ARCHIVED)?;
        transaction.open_table(schema::AUDIT)?;
        transaction.open_table(schema::AUDIT_ENDS)?;
        transaction.commit()?;
        Ok(())
    };
    write().map_err(StoreError::of("write the schema"))
}
