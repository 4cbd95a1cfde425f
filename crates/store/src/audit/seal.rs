//! The seal of the chain's ends: a keyed code, with the key in a file of its own beside the database.
//!
//! Whoever can write the database but has not the key can no longer cut the log, or write it anew,
//! without that being found. A log whose seal cannot be trusted is continued under a key all the
//! same, because nothing happens without a record; the first record after says so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::stored::End;
use crate::database::{StoreError, tighten};

/// Name of the key inside the store's directory.
const FILE: &str = "audit.key";
/// Name of a key under which nothing is sealed yet.
const FILE_NEW: &str = "audit.key.new";
const OWNER_ONLY: u32 = 0o600;
const FINGERPRINT_BYTES: usize = 8;

/// Why the seal of a log cannot be trusted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SealFault {
    /// The file with the key is gone.
    KeyMissing,
    /// The file holds another key than the one that sealed the log, or none.
    KeyReplaced,
    /// The log has no seal.
    Unsealed,
    /// The seal is not one that the key made.
    Forged,
    /// There is a key, but nothing that it sealed.
    Emptied,
}

impl SealFault {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::KeyMissing,
        Self::KeyReplaced,
        Self::Unsealed,
        Self::Forged,
        Self::Emptied,
    ];

    /// The name in records and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KeyMissing => "key_missing",
            Self::KeyReplaced => "key_replaced",
            Self::Unsealed => "unsealed",
            Self::Forged => "seal_forged",
            Self::Emptied => "emptied",
        }
    }

    /// The fault of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// What happened, in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::KeyMissing => "the file with the key of the audit (audit.key) is missing",
            Self::KeyReplaced => {
                "the file audit.key holds another key than the log was sealed with"
            }
            Self::Unsealed => "the log has no seal",
            Self::Forged => "the seal of the log was not made with its key",
            Self::Emptied => "there is a key, but the log that it sealed is gone",
        }
    }
}

/// The key. It prints as nothing.
#[derive(Clone)]
pub(super) struct Key([u8; 32]);

impl Key {
    fn code(&self, purpose: &str, end: Option<&End>) -> [u8; 32] {
        // The length of a key never makes this fail.
        let Ok(mut code) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return [0; 32];
        };
        code.update(b"housekey audit\0");
        code.update(purpose.as_bytes());
        if let Some(end) = end {
            code.update(b"\0");
            code.update(&end.seq.to_be_bytes());
            code.update(end.hash.as_bytes());
        }
        code.finalize().into_bytes().into()
    }

    /// Names the key without telling it.
    fn fingerprint(&self) -> String {
        let code = self.code("key", None);
        hex::encode(code.get(..FINGERPRINT_BYTES).unwrap_or_default())
    }

    /// Seals an end; `name` keeps the one end from standing in for the other.
    pub(super) fn seal(&self, name: &str, end: &mut End) {
        end.key = Some(self.fingerprint());
        end.mac = Some(hex::encode(self.code(name, Some(end))));
    }

    /// What is wrong with the seal of an end.
    fn fault(&self, name: &str, end: &End) -> Option<SealFault> {
        let (Some(key), Some(mac)) = (&end.key, &end.mac) else {
            return Some(SealFault::Unsealed);
        };
        if *key != self.fingerprint() {
            return Some(SealFault::KeyReplaced);
        }
        let made = hex::encode(self.code(name, Some(end)));
        let fits: bool = made.as_bytes().ct_eq(mac.as_bytes()).into();
        (!fits).then_some(SealFault::Forged)
    }
}

/// Where the key lies.
#[derive(Clone)]
pub(crate) struct KeyPlace {
    /// `None` for a store that ends with the process: its key is the fresh one.
    directory: Option<PathBuf>,
    /// What becomes the key where there is none.
    fresh: Key,
}

impl KeyPlace {
    pub(crate) fn in_directory(directory: &Path, fresh: [u8; 32]) -> Self {
        Self {
            directory: Some(directory.to_owned()),
            fresh: Key(fresh),
        }
    }

    pub(crate) fn in_memory() -> Self {
        Self {
            directory: None,
            fresh: Key([0; 32]),
        }
    }

    /// The key of a log with this head.
    fn find(&self, head: Option<&End>) -> Result<Found, StoreError> {
        let Some(directory) = &self.directory else {
            return Ok(Found::Kept(self.fresh.clone()));
        };
        let under_last_name = read(&directory.join(FILE))?;
        if !matches!(under_last_name, Found::Nothing) {
            return Ok(under_last_name);
        }
        // A crash between the first sealed record and the last name of the key leaves the key under
        // its first name.
        let sealed_by = head.and_then(|head| head.key.clone());
        Ok(match read(&directory.join(FILE_NEW))? {
            Found::Kept(key) if Some(key.fingerprint()) == sealed_by => Found::New(key),
            Found::Kept(_) | Found::New(_) | Found::Unusable | Found::Nothing => Found::Nothing,
        })
    }

    /// What is wrong with the seals of a log, judged by the key that lies there at this moment.
    pub(super) fn fault(&self, ends: &Ends) -> Result<Option<SealFault>, StoreError> {
        let found = self.find(ends.head.as_ref())?;
        Ok(match (&found, &ends.head) {
            (Found::Nothing, None) => None,
            (Found::Nothing, Some(head)) if head.mac.is_none() => Some(SealFault::Unsealed),
            (Found::Nothing, Some(_)) => Some(SealFault::KeyMissing),
            (Found::Unusable, Some(_)) => Some(SealFault::KeyReplaced),
            (Found::Kept(_) | Found::New(_) | Found::Unusable, None) => {
                self.directory.is_some().then_some(SealFault::Emptied)
            }
            (Found::Kept(key) | Found::New(key), Some(head)) => {
                let anchor = ends.anchor.as_ref();
                let of_anchor = || anchor.and_then(|anchor| key.fault(ANCHOR, anchor));
                key.fault(HEAD, head).or_else(of_anchor)
            }
        })
    }
}

/// What lies where the key should.
enum Found {
    /// The key.
    Kept(Key),
    /// The key, under its first name.
    New(Key),
    /// A file that holds no key.
    Unusable,
    /// No file.
    Nothing,
}

const HEAD: &str = crate::schema::AUDIT_HEAD;
const ANCHOR: &str = crate::schema::AUDIT_ANCHOR;

/// Both ends of the chain as they are stored.
pub(super) struct Ends {
    /// `None` before the first record.
    pub(super) head: Option<End>,
    /// `None` while nothing was pruned.
    pub(super) anchor: Option<End>,
}

/// The key of the writer.
pub(super) struct Sealer {
    place: KeyPlace,
    key: Key,
    /// The key is in no file yet, or not under its last name.
    unkept: bool,
}

impl Sealer {
    /// Finds the key with which the log goes on, and what is wrong with the seal so far.
    pub(super) fn open(
        place: KeyPlace,
        ends: &Ends,
    ) -> Result<(Self, Option<SealFault>), StoreError> {
        let fault = place.fault(ends)?;
        let (key, unkept) = match place.find(ends.head.as_ref())? {
            Found::Kept(key) => (key, false),
            Found::New(key) => (key, true),
            Found::Unusable | Found::Nothing => (place.fresh.clone(), true),
        };
        Ok((Self { place, key, unkept }, fault))
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Puts a fresh key on the disk, under its first name. To be done before something is sealed.
    pub(super) fn prepare(&self) -> Result<(), StoreError> {
        let Some(directory) = self.place.directory.as_ref().filter(|_| self.unkept) else {
            return Ok(());
        };
        let path = directory.join(FILE_NEW);
        match read(&path)? {
            // A commit that failed in its last moment may have sealed with it: it is not touched.
            Found::Kept(key) if key.0 == self.key.0 => Ok(()),
            Found::Kept(_) | Found::New(_) | Found::Unusable | Found::Nothing => {
                write(&path, &self.key)
            }
        }
    }

    /// Gives a fresh key its last name, once something is sealed with it.
    pub(super) fn keep(&mut self) -> Result<(), StoreError> {
        let Some(directory) = self.place.directory.as_ref().filter(|_| self.unkept) else {
            return Ok(());
        };
        let path = directory.join(FILE);
        let broken = |cause| StoreError::io("write", &path)(cause);
        fs::rename(directory.join(FILE_NEW), &path).map_err(broken)?;
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(broken)?;
        self.unkept = false;
        Ok(())
    }
}

fn read(path: &Path) -> Result<Found, StoreError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(StoreError::io("read", path)(error)),
    };
    tighten(path, OWNER_ONLY)?;
    let mut key = [0; 32];
    let digits = text.strip_suffix(b"\n").unwrap_or(&text);
    Ok(match hex::decode_to_slice(digits, &mut key) {
        Ok(()) => Found::Kept(Key(key)),
        Err(_) => Found::Unusable,
    })
}

fn write(path: &Path, key: &Key) -> Result<(), StoreError> {
    let written = || -> io::Result<()> {
        // One that a crash left behind under which nothing was sealed.
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(OWNER_ONLY)
            .open(path)?;
        file.write_all(format!("{}\n", hex::encode(key.0)).as_bytes())?;
        file.sync_all()?;
        let directory = path.parent().unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    };
    written().map_err(StoreError::io("write", path))
}
