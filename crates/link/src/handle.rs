//! `Link`, the handle that readers hold; a test holds the other end of its channel.

use tokio::sync::watch;
use tokio::time::Instant;

use crate::house::House;
use crate::status::{Phase, Status};

/// A question that got no answer from Home Assistant, or a refusal.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallError {
    /// Home Assistant answered with an error.
    #[error("Home Assistant refused: {code}")]
    Refused {
        /// Its code.
        code: String,
        /// Its text; may echo values, so it is not for agents.
        message: String,
    },
    /// The connection was lost before the answer came.
    #[error("the connection was lost before the answer came")]
    Lost,
    /// No answer within the deadline.
    #[error("no answer within the deadline")]
    Deadline,
    /// There is no connection.
    #[error("not connected to Home Assistant")]
    NotConnected,
    /// Too many questions are under way.
    #[error("too many requests to Home Assistant are under way")]
    Busy,
    /// The answer is not what Home Assistant promises.
    #[error("the answer could not be read: {0}")]
    Unreadable(String),
}

/// The handle of the link; clones share one connection.
#[derive(Clone, Debug)]
pub struct Link {
    house: watch::Receiver<House>,
    status: watch::Receiver<Status>,
}

impl Link {
    /// A link without a connection, for tests and tools: it gives out what the channel holds.
    #[must_use]
    pub fn from_houses(house: watch::Receiver<House>) -> Self {
        let (_, status) = watch::channel(Status {
            phase: Phase::Live,
            home: None,
            last_error: None,
            loads: 0,
            resyncs: 0,
            drifted: 0,
        });
        Self { house, status }
    }

    /// The house as far as it is known at this moment.
    #[must_use]
    pub fn house(&self) -> House {
        self.house.borrow().clone()
    }

    /// Where the link stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Waits until the house differs from what this clone of the handle saw last; `false` when the
    /// link has ended.
    pub async fn changed(&mut self) -> bool {
        self.house.changed().await.is_ok()
    }

    /// Waits until a snapshot is there, live or stale; `None` at the deadline or when the link ends.
    pub async fn loaded(&self, deadline: Instant) -> Option<House> {
        let mut house = self.house.clone();
        let wait = house.wait_for(|house| house.snapshot().is_some());
        let found = tokio::time::timeout_at(deadline, wait).await.ok()?.ok()?;
        Some(found.clone())
    }
}
