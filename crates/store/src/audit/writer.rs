//! The one thread that writes the audit: it gathers a batch, commits it, and keeps what the disk
//! refused.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::Record;
use super::begin::{self, Begin};
use super::log::{Batch, Keep};
use super::queue::{AuditUnavailable, Health};
use super::seal::Sealer;
use super::stored::End;
use crate::database::{Database, StoreError};
use crate::limits::AUDIT_BATCH_RECORDS_MAX;

/// What the writer is told.
pub(super) enum Message {
    /// A record to write.
    Entry(Entry),
    /// Write what waits, and end.
    Stop,
}

/// A record on its way, with the place that it occupies until it is on the disk.
pub(super) struct Entry {
    pub(super) record: Box<Record>,
    pub(super) place: Arc<OwnedSemaphorePermit>,
    /// Somebody waits for the disk.
    pub(super) durable: Option<oneshot::Sender<Result<(), AuditUnavailable>>>,
}

/// The state of the thread.
pub(super) struct Writer {
    pub(super) database: Arc<Database>,
    pub(super) inbox: Receiver<Message>,
    pub(super) health: watch::Sender<Health>,
    pub(super) batch: Duration,
    pub(super) retry: Duration,
    pub(super) keep: Keep,
    /// The last record on the disk.
    pub(super) head: End,
    /// Tells the number of that record.
    pub(super) written: watch::Sender<u64>,
    pub(super) sealer: Sealer,
    /// What the first record has to say, until it is on the disk.
    pub(super) begin: Option<Begin>,
    /// The store is marked as open.
    pub(super) is_marked: bool,
    /// What is not on the disk, in order. Bounded by the places that the entries occupy.
    pub(super) waiting: Vec<Entry>,
}

impl Writer {
    pub(super) fn run(mut self) {
        loop {
            let told_to_stop = self.gather();
            self.write_all();
            if told_to_stop {
                // Once more, on a file that is opened anew.
                self.write_all();
                return self.end();
            }
        }
    }

    /// Takes away the mark of a running program, if nothing is left to be said by the next one.
    fn end(&self) {
        if !self.waiting.is_empty() {
            let lost = self.waiting.len();
            tracing::error!(lost, "the audit ends with records that the disk refused");
            return;
        }
        if self.begin.is_some_and(|begin| begin.unclean_stop) || !self.is_marked {
            return;
        }
        if let Err(error) = begin::clear(&self.database) {
            tracing::warn!(%error, "the next start will take this end for an unclean one");
        }
    }

    /// Takes entries until a batch is full, somebody waits for the disk or time is up; after a failed
    /// commit until it is time to try again. Whether the end was asked for.
    fn gather(&mut self) -> bool {
        let failing = *self.health.borrow() != Health::Good;
        let mut until = failing.then(|| Instant::now() + self.retry);
        loop {
            let message = match until {
                None => self
                    .inbox
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
                Some(until) => self
                    .inbox
                    .recv_timeout(until.saturating_duration_since(Instant::now())),
            };
            let entry = match message {
                Ok(Message::Entry(entry)) => entry,
                Err(RecvTimeoutError::Timeout) => return false,
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    self.take_what_is_there();
                    return true;
                }
            };
            let is_waited_for = entry.durable.is_some();
            self.waiting.push(entry);
            if failing {
                self.refuse_waiters();
                continue;
            }
            if is_waited_for || self.waiting.len() >= AUDIT_BATCH_RECORDS_MAX {
                return self.take_what_is_there();
            }
            until = until.or_else(|| Some(Instant::now() + self.batch));
        }
    }

    /// Takes what needs no waiting. Whether the end was asked for.
    fn take_what_is_there(&mut self) -> bool {
        let mut told_to_stop = false;
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                Message::Entry(entry) => self.waiting.push(entry),
                Message::Stop => told_to_stop = true,
            }
        }
        told_to_stop
    }

    /// Commits what waits, batch by batch, until the disk refuses one.
    fn write_all(&mut self) {
        while !self.waiting.is_empty() {
            let size = self.waiting.len().min(AUDIT_BATCH_RECORDS_MAX);
            match self.write(size) {
                Ok(()) => {
                    for entry in self.waiting.drain(..size) {
                        answer(entry);
                    }
                    if *self.health.borrow() != Health::Good {
                        tracing::info!("the audit is written again");
                        self.health.send_replace(Health::Good);
                    }
                }
                Err(error) => {
                    let why: Arc<str> = Arc::from(error.to_string());
                    if *self.health.borrow() == Health::Good {
                        tracing::error!(%error, "the audit cannot be written");
                    }
                    self.health.send_replace(Health::Failing(why));
                    self.refuse_waiters();
                    return;
                }
            }
        }
    }

    fn write(&mut self, size: usize) -> Result<(), StoreError> {
        self.mark()?;
        let first = self.begin.zip(self.waiting.first());
        let first = first.map(|(begin, e)| begin.record(self.head.seq + 1, e.record.at));
        let waiting = self.waiting.iter().take(size).map(|e| &*e.record);
        let key = self.sealer.key();
        let batch = Batch::of(&self.head, first.iter().chain(waiting), key)?;
        self.sealer.prepare()?;
        // A commit that failed in its last moment may be on the disk all the same. The next attempt
        // begins at the same record and writes the same bytes under the same numbers.
        self.head = batch.write(&self.database, self.keep, key)?;
        self.begin = None;
        if let Err(error) = self.sealer.keep() {
            tracing::error!(%error, "the key of the audit has not got its last name");
        }
        self.written.send_replace(self.head.seq);
        Ok(())
    }

    /// Marks the store as open, if it could not be when it was opened.
    fn mark(&mut self) -> Result<(), StoreError> {
        if !self.is_marked {
            let unclean_stop = begin::mark(&self.database)?;
            self.is_marked = true;
            let seal = self.begin.and_then(|begin| begin.seal);
            let begin = Begin { unclean_stop, seal };
            self.begin = Some(begin).filter(|begin| begin.has_something_to_say());
        }
        Ok(())
    }

    /// Lets nobody wait for a disk that refuses; the records stay.
    fn refuse_waiters(&mut self) {
        let Health::Failing(why) = self.health.borrow().clone() else {
            return;
        };
        for entry in &mut self.waiting {
            if let Some(durable) = entry.durable.take() {
                // Whoever waited may be gone.
                let _ = durable.send(Err(AuditUnavailable::Failing(why.clone())));
            }
        }
    }
}

/// Tells whoever waits for it that it is on the disk, and frees its place.
fn answer(entry: Entry) {
    let Entry { durable, place, .. } = entry;
    if let Some(durable) = durable {
        // Whoever waited may be gone.
        let _ = durable.send(Ok(()));
    }
    drop(place);
}
