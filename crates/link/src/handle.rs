//! `Link`, the handle that readers hold; a test holds the other end of its channel.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::LinkConfig;
use crate::dial::{Dial, Tcp};
use crate::driver::Driver;
use crate::house::{Absence, House};
use crate::limits::ASK_QUEUE_MAX;
use crate::question::{Answer, Ask, Query};
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
    asks: mpsc::Sender<Ask>,
}

impl Link {
    /// Starts the driver on the present runtime; it ends when `shutdown` is cancelled.
    #[must_use]
    pub fn start(config: LinkConfig, shutdown: CancellationToken) -> (Self, JoinHandle<()>) {
        Self::start_over(config, Arc::new(Tcp), shutdown)
    }

    /// The same over streams that `dial` opens.
    #[must_use]
    pub fn start_over(
        config: LinkConfig,
        dial: Arc<dyn Dial>,
        shutdown: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let why = Absence::Connecting;
        let (house_sender, house) = watch::channel(House::Absent { why });
        let (status_sender, status) = watch::channel(Status::new(Phase::Connecting));
        let (asks, asks_receiver) = mpsc::channel(ASK_QUEUE_MAX);
        let driver = Driver {
            config,
            dial,
            house: house_sender,
            status: status_sender,
            asks: asks_receiver,
            shutdown,
        };
        let task = tokio::spawn(driver.run());
        let link = Self {
            house,
            status,
            asks,
        };
        (link, task)
    }

    /// A link without a connection, for tests and tools: it gives out what the channel holds.
    #[must_use]
    pub fn from_houses(house: watch::Receiver<House>) -> Self {
        let (_, status) = watch::channel(Status::new(Phase::Live));
        let (asks, _) = mpsc::channel(1);
        Self {
            house,
            status,
            asks,
        }
    }

    /// Asks Home Assistant itself, over the connection of the replica.
    ///
    /// # Errors
    /// [`CallError`]: a refusal, or no answer.
    pub async fn ask(&self, query: Query, time: Duration) -> Result<Answer, CallError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask { query, time, reply };
        match self.asks.try_send(ask) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(CallError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(CallError::NotConnected),
        }
        // The driver drops questions only when it ends.
        answer.await.unwrap_or(Err(CallError::Lost))
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
