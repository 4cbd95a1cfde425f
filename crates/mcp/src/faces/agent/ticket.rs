//! `Ticket`, an admission on its way through the library to the handler that uses it up.

use std::sync::{Arc, Mutex, PoisonError};

use housekey_gateway::Admission;

/// Can be taken once. If nobody does, its end leaves the record of an invalid request.
#[derive(Clone, Debug)]
pub(super) struct Ticket(Arc<Mutex<Option<Admission>>>);

impl Ticket {
    pub(super) fn new(admission: Admission) -> Self {
        Self(Arc::new(Mutex::new(Some(admission))))
    }

    pub(super) fn take(&self) -> Option<Admission> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
