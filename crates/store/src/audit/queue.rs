//! `Audit`, the way into the log: a place is reserved before anything happens, and what was promised
//! a place cannot be lost on the way.

use std::fmt;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use housekey_home::time::UtcMicros;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::Record;
use super::begin::{self, Begin};
use super::check::{self, Chain};
use super::failed::{FailedAuthentication, FailedAuthentications};
use super::log::{self, Keep, Kept};
use super::seal::{KeyPlace, Sealer};
use super::stored::End;
use super::writer::{Entry, Message, Writer};
use crate::database::{Database, StoreError};
use crate::limits::{
    AUDIT_BATCH_MS, AUDIT_KEEP_DAYS_MAX, AUDIT_KEEP_RECORDS_MAX, AUDIT_QUEUE_RECORDS_MAX,
    AUDIT_RETRY_MS, FAILED_QUEUE_RECORDS_MAX,
};

/// How the audit behaves.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    /// How long a record that nobody waits for waits for others, in milliseconds.
    pub batch_ms: u64,
    /// How long the writer waits after a failed commit, in milliseconds.
    pub retry_ms: u64,
    /// Most records that are kept.
    pub keep_records_max: u64,
    /// How long records are kept, in days, counted back from the newest one.
    pub keep_days_max: Option<u32>,
    /// Most records that wait for the disk.
    pub queue_records_max: usize,
    /// When a reader gets its answer.
    pub reads: Reads,
}

/// When a reader gets its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reads {
    /// At once; its record is on the disk a batch later. A crash can lose as much.
    #[default]
    Batched,
    /// When its record is on the disk.
    BeforeAnswer,
}

impl Reads {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Batched, Self::BeforeAnswer];

    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Batched => "batched",
            Self::BeforeAnswer => "before_answer",
        }
    }

    /// The way of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reads| reads.name() == name)
    }
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            batch_ms: AUDIT_BATCH_MS,
            retry_ms: AUDIT_RETRY_MS,
            keep_records_max: AUDIT_KEEP_RECORDS_MAX,
            keep_days_max: Some(AUDIT_KEEP_DAYS_MAX),
            queue_records_max: AUDIT_QUEUE_RECORDS_MAX,
            reads: Reads::default(),
        }
    }
}

/// No record can be taken, so nothing may be done that needs one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AuditUnavailable {
    /// No place became free in time.
    #[error("the audit is busy")]
    Busy,
    /// The disk does not take records.
    #[error("the audit cannot be written: {0}")]
    Failing(Arc<str>),
    /// The audit takes no more requests.
    #[error("the audit is closed")]
    Closed,
}

/// Whether the disk takes records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// It does.
    Good,
    /// It refused the last commit, for this reason; what waits is kept and tried again.
    Failing(Arc<str>),
}

/// The audit of the house. A handle: its clones are the same audit.
#[derive(Clone)]
pub struct Audit(Arc<Shared>);

struct Shared {
    database: Arc<Database>,
    key_place: KeyPlace,
    reads: Reads,
    written: watch::Receiver<u64>,
    places: Arc<Semaphore>,
    places_max: u32,
    /// Places of records of failed authentications, which nobody reserves.
    failed_places: Arc<Semaphore>,
    failed: Mutex<FailedAuthentications>,
    messages: Sender<Message>,
    health: watch::Receiver<Health>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Audit {
    pub(crate) fn start(
        database: Arc<Database>,
        key_place: KeyPlace,
        config: &AuditConfig,
    ) -> Result<Self, StoreError> {
        let places_max = u32::try_from(config.queue_records_max.max(1)).unwrap_or(u32::MAX);
        let (messages, inbox) = std::sync::mpsc::channel();
        let (health_of, health) = watch::channel(Health::Good);
        let ends = database
            .read(log::ends)?
            .ok_or_else(|| StoreError::Corrupt("the ends of the audit".to_owned()))?;
        let (sealer, seal) = Sealer::open(key_place.clone(), &ends)?;
        if let Some(fault) = seal {
            tracing::error!("the audit cannot be trusted up to here: {}", fault.text());
        }
        let marked = begin::mark(&database);
        if let Err(error) = &marked {
            tracing::warn!(%error, "the audit cannot be written yet");
        }
        let begin = Begin {
            unclean_stop: matches!(marked, Ok(true)),
            seal,
        };
        let head = ends.head.unwrap_or_else(End::before_the_first);
        let (written_of, written) = watch::channel(head.seq);
        let writer = Writer {
            head,
            written: written_of,
            sealer,
            begin: Some(begin).filter(|begin| begin.has_something_to_say()),
            is_marked: marked.is_ok(),
            database: database.clone(),
            inbox,
            health: health_of,
            batch: Duration::from_millis(config.batch_ms),
            retry: Duration::from_millis(config.retry_ms),
            keep: Keep {
                records_max: config.keep_records_max.max(1),
                days_max: config.keep_days_max,
            },
            waiting: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())
            .map_err(|cause| StoreError::Io {
                doing: "start the audit's thread".to_owned(),
                cause: Box::new(cause),
            })?;
        Ok(Self(Arc::new(Shared {
            database,
            key_place,
            reads: config.reads,
            written,
            places: Arc::new(Semaphore::new(places_max as usize)),
            places_max,
            failed_places: Arc::new(Semaphore::new(FAILED_QUEUE_RECORDS_MAX)),
            failed: Mutex::default(),
            messages,
            health,
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// Reserves a place for a request, or for an act with its intent and its end.
    ///
    /// # Errors
    /// [`AuditUnavailable`] when the disk refuses, when no place is free by the deadline, or after
    /// [`Audit::drain`].
    pub async fn reserve(&self, deadline: Instant) -> Result<Slot, AuditUnavailable> {
        let shared = &self.0;
        if let Health::Failing(why) = &*shared.health.borrow() {
            return Err(AuditUnavailable::Failing(why.clone()));
        }
        let place = match shared.places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => timeout_at(deadline, shared.places.clone().acquire_owned())
                .await
                .map_err(|_| AuditUnavailable::Busy)?
                .map_err(|_| AuditUnavailable::Closed)?,
        };
        Ok(Slot {
            place: Arc::new(place),
            messages: shared.messages.clone(),
            reads: shared.reads,
        })
    }

    /// Counts a failed authentication; the first of a client in a minute is a record of its own.
    pub fn failed_authentication(&self, attempt: FailedAuthentication) {
        let mut failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.end_windows(attempt.at, |record| self.send_unreserved(record));
        failed.count(attempt, |record| self.send_unreserved(record));
    }

    /// Ends what ends with time: counts of failed authentications whose minute is over become
    /// records. The gateway's timer calls it.
    pub fn tick(&self, now: UtcMicros) {
        let mut failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.end_windows(now, |record| self.send_unreserved(record));
    }

    /// Whether the disk takes records.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.health.borrow().clone()
    }

    /// How many records, or requests that reserved a place, are not on the disk.
    #[must_use]
    pub fn pending(&self) -> usize {
        (self.0.places_max as usize).saturating_sub(self.0.places.available_permits())
    }

    /// Up to `limit` records, the newest first, leaving out `offset` of them. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] from the disk.
    pub fn read(&self, limit: usize, offset: usize) -> Result<Vec<Kept>, StoreError> {
        self.read_where(usize::MAX, limit, offset, |_| true)
    }

    /// The same of those that match among the newest `window`. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] from the disk.
    pub fn read_where(
        &self,
        window: usize,
        limit: usize,
        offset: usize,
        matches: impl Fn(&Record) -> bool,
    ) -> Result<Vec<Kept>, StoreError> {
        log::read(&self.0.database, window, limit, offset, matches)
    }

    /// Up to `limit` records after a number, the oldest first. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] from the disk.
    pub fn read_after(&self, after: u64, limit: usize) -> Result<Vec<Kept>, StoreError> {
        log::read_after(&self.0.database, after, limit)
    }

    /// The records of one request, the oldest first; the newest `limit` of them. Blocks for as long
    /// as it takes to look through the log.
    ///
    /// # Errors
    /// [`StoreError`] from the disk.
    pub fn of_request(&self, request_id: &str, limit: usize) -> Result<Vec<Kept>, StoreError> {
        log::of_request(&self.0.database, request_id, limit)
    }

    /// The number of the last record on the disk, once it is greater than `seen`, or at the deadline.
    pub async fn grown(&self, seen: u64, deadline: Instant) -> u64 {
        let mut written = self.0.written.clone();
        let grown = timeout_at(deadline, written.wait_for(|seq| *seq > seen)).await;
        match grown {
            Ok(Ok(seq)) => *seq,
            Ok(Err(_)) | Err(_) => *self.0.written.borrow(),
        }
    }

    /// Checks the chain of the whole log and its seals. Blocks for as long as it takes to read it.
    ///
    /// # Errors
    /// [`StoreError`] from the disk.
    pub fn check(&self) -> Result<Chain, StoreError> {
        check::check(&self.0.database, &self.0.key_place)
    }

    /// Takes no more requests and waits until everything that was promised a place is on the disk.
    /// Whether it is by the deadline.
    pub async fn drain(&self, deadline: Instant) -> bool {
        let shared = &self.0;
        let all = shared.places.clone().acquire_many_owned(shared.places_max);
        let drained = timeout_at(deadline, all).await.is_ok();
        shared.places.close();
        drained
    }

    /// Writes what waits and ends the writer. Blocks.
    pub(crate) fn stop(&self) {
        let shared = &self.0;
        shared.places.close();
        {
            let mut failed = shared.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.end_all(|record| self.send_unreserved(record));
        }
        let thread = shared
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return };
        // A writer that is gone took nothing with it: it ends only when told to.
        let told = shared.messages.send(Message::Stop);
        if told.is_err() || thread.join().is_err() {
            tracing::error!("the audit's thread ended before it was told to");
        }
    }

    /// Sends a record for which nobody reserved a place. Whether there was one.
    fn send_unreserved(&self, record: Record) -> bool {
        let Ok(place) = self.0.failed_places.clone().try_acquire_owned() else {
            return false;
        };
        let entry = Entry {
            record: Box::new(record),
            place: Arc::new(place),
            durable: None,
        };
        self.0.messages.send(Message::Entry(entry)).is_ok()
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audit({:?})", self.health())
    }
}

/// A place in the queue. Dropped unused, it is free again.
#[must_use]
pub struct Slot {
    place: Arc<OwnedSemaphorePermit>,
    messages: Sender<Message>,
    reads: Reads,
}

impl Slot {
    /// Gives the record of a read to the writer, and waits for the disk if readers have to.
    ///
    /// # Errors
    /// [`AuditUnavailable`] when the disk refused; the read must not be answered. The record is kept
    /// and may reach the disk later.
    pub async fn finish(mut self, record: Record) -> Result<(), AuditUnavailable> {
        match self.reads {
            Reads::Batched => {
                self.send(record);
                Ok(())
            }
            Reads::BeforeAnswer => self.commit(record).await,
        }
    }

    /// Gives the record to the writer. The place makes that certain; the record is on the disk a
    /// batch later.
    pub fn send(self, record: Record) {
        let entry = Entry {
            record: Box::new(record),
            place: self.place,
            durable: None,
        };
        if self.messages.send(Message::Entry(entry)).is_err() {
            tracing::error!("a record came after the audit was closed and is lost");
        }
    }

    /// Writes a record and waits until it is on the disk, together with whatever else waits; the
    /// place stays for the record of how the act ended.
    ///
    /// # Errors
    /// [`AuditUnavailable`] when the disk refused; the act must not happen. The record is kept and
    /// may reach the disk later.
    pub async fn commit(&mut self, record: Record) -> Result<(), AuditUnavailable> {
        let (durable, done) = oneshot::channel();
        let entry = Entry {
            record: Box::new(record),
            place: self.place.clone(),
            durable: Some(durable),
        };
        self.messages
            .send(Message::Entry(entry))
            .map_err(|_| AuditUnavailable::Closed)?;
        done.await.unwrap_or(Err(AuditUnavailable::Closed))
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}
