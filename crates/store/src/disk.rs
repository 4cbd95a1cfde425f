//! A disk for tests: it can refuse, and in a crash it loses some of what was not synced.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use crate::database::{Database, created};

/// A disk that survives the programs that use it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<State>);

#[derive(Debug, Default)]
struct State {
    content: Mutex<Content>,
    refuses: AtomicBool,
    /// Operations until the power goes; 0 for never.
    left: AtomicU64,
}

#[derive(Clone, Debug, Default)]
struct Content {
    seen: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

impl Disk {
    pub(crate) fn database(&self) -> Database {
        let disk = self.clone();
        Database::new(Box::new(move |builder| {
            created(builder.create_with_backend(disk.clone()))
        }))
        .unwrap()
    }

    /// From here on it refuses, or no longer does.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.0.refuses.store(refuses, Ordering::SeqCst);
    }

    /// The power goes at the given operation from here on, which no longer happens.
    pub(crate) fn cut_at(&self, operation: u64) {
        self.0.left.store(operation, Ordering::SeqCst);
    }

    /// The disk after a loss of power: of the writes since the last sync, those with a bit in `mask`
    /// made it.
    pub(crate) fn after_crash(&self, mask: u64) -> Self {
        let content = self.0.content.lock().unwrap();
        let mut survived = content.synced.clone();
        for (number, (offset, bytes)) in content.unsynced.iter().enumerate() {
            if mask & (1 << (number % 64)) != 0 {
                write(&mut survived, *offset, bytes);
            }
        }
        let content = Content {
            seen: survived.clone(),
            synced: survived,
            unsynced: Vec::new(),
        };
        Self(Arc::new(State {
            content: Mutex::new(content),
            ..State::default()
        }))
    }

    /// Changes one byte of the first place that holds `text`; whether there was one.
    pub(crate) fn flip_byte_of(&self, text: &str) -> bool {
        let mut content = self.0.content.lock().unwrap();
        let place = content
            .seen
            .windows(text.len())
            .position(|bytes| bytes == text.as_bytes());
        if let Some(place) = place {
            content.seen[place] ^= 1;
        }
        place.is_some()
    }

    fn check(&self) -> io::Result<()> {
        if self.0.left.load(Ordering::SeqCst) > 0 && self.0.left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            self.refuse(true);
        }
        if self.0.refuses.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.content.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        let content = self.0.content.lock().unwrap();
        out.copy_from_slice(&content.seen[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        let len = usize::try_from(len).unwrap();
        let mut content = self.0.content.lock().unwrap();
        content.seen.resize(len, 0);
        content.synced.resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()?;
        let mut content = self.0.content.lock().unwrap();
        for (offset, bytes) in std::mem::take(&mut content.unsynced) {
            write(&mut content.synced, offset, &bytes);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        let offset = usize::try_from(offset).unwrap();
        let mut content = self.0.content.lock().unwrap();
        write(&mut content.seen, offset, data);
        content.unsynced.push((offset, data.to_vec()));
        Ok(())
    }
}
