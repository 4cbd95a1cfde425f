//! The driver: the one task that owns the socket, the session and the follower (L1).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use housekey_home::follow::{FollowError, Follower};
use housekey_home::session::{Closed, Session, SessionEvent};
use housekey_home::snapshot::{Revision, Snapshot};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::config::LinkConfig;
use crate::dial::{Dial, Socket, connect};
use crate::handle::CallError;
use crate::house::{Absence, House};
use crate::limits::{CLOSE_MAX, FRAMES_PER_TURN_MAX, SEND_MAX, STABLE};
use crate::presence::Presence;
use crate::question::{Ask, Questions, answer};
use crate::status::{HomeFacts, LinkError, Phase, Status};

pub(crate) struct Driver {
    pub(crate) config: LinkConfig,
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) house: watch::Sender<House>,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) asks: mpsc::Receiver<Ask>,
    pub(crate) shutdown: CancellationToken,
}

/// What outlives a connection.
struct Running {
    driver: Driver,
    origin: Instant,
    presence: Presence,
    backoff: Backoff,
    /// Revisions of the next replica are greater.
    revision: Revision,
}

/// One connection.
struct Connection {
    socket: Socket,
    session: Session,
    follower: Follower,
    questions: Questions,
    opened_at: Instant,
    /// When the house was complete.
    loaded_at: Option<Instant>,
    /// What had been added to the counters of the status.
    counted: (u64, u64),
    over: Option<LinkError>,
}

/// Why one turn of the driver begins.
enum Wake {
    Shutdown,
    Frame(Option<Result<Message, Error>>),
    Ask(Option<Ask>),
    Time,
}

impl Driver {
    /// Keeps the house live until it is told to stop.
    pub(crate) async fn run(self) {
        let backoff = Backoff::new(self.config.reconnect_max, self.config.jitter_seed);
        let mut running = Running {
            driver: self,
            origin: Instant::now(),
            presence: Presence::new(),
            backoff,
            revision: Revision::default(),
        };
        running.run().await;
    }
}

impl Running {
    async fn run(&mut self) {
        loop {
            self.set_phase(Phase::Connecting);
            let (dial, url) = (self.driver.dial.clone(), self.driver.config.url.clone());
            let attempt = Box::pin(async move { connect(&*dial, &url).await });
            let error = match self.away(attempt).await {
                None => break,
                Some(Err(error)) => error,
                Some(Ok(socket)) => match Box::pin(self.follow(socket)).await {
                    None => break,
                    Some(error) => error,
                },
            };
            let wait = self.backoff.next(&error);
            self.note(error);
            let until = Instant::now() + wait;
            self.set_phase(Phase::Waiting { until });
            if self.away(tokio::time::sleep_until(until)).await.is_none() {
                break;
            }
        }
        self.presence.lost(Instant::now());
        self.presence.absent(Absence::Stopped);
        self.publish();
        self.set_phase(Phase::Stopped);
    }

    /// Waits for something while there is no connection; `None` at shutdown.
    async fn away<T>(&mut self, what: impl Future<Output = T>) -> Option<T> {
        let mut what = std::pin::pin!(what);
        let mut asks_end = false;
        loop {
            tokio::select! {
                biased;
                () = self.driver.shutdown.cancelled() => return None,
                result = &mut what => return Some(result),
                ask = self.driver.asks.recv(), if !asks_end => match ask {
                    Some(ask) => answer(ask.reply, Err(CallError::NotConnected)),
                    None => asks_end = true,
                },
            }
        }
    }

    /// Follows the house over one connection, to its end; `None` at shutdown.
    async fn follow(&mut self, socket: Socket) -> Option<LinkError> {
        let opened_at = Instant::now();
        let mut connection = Connection::new(
            socket,
            &self.driver.config,
            self.revision,
            opened_at,
            self.since_origin(opened_at),
        );
        self.set_phase(Phase::Loading);
        self.presence.absent(Absence::Loading);
        self.publish();
        let mut asks_end = false;
        let error = loop {
            let now = Instant::now();
            connection.turn(self.since_origin(now)).await;
            self.show(&mut connection, now);
            if let Some(error) = connection.over.take() {
                break Some(error);
            }
            match self.wake(&mut connection, !asks_end).await {
                Wake::Shutdown => {
                    let close = connection.socket.close(None);
                    // Best effort: the peer may be gone.
                    let _ = tokio::time::timeout(CLOSE_MAX, close).await;
                    break None;
                }
                Wake::Frame(frame) => self.take_frames(&mut connection, frame),
                Wake::Ask(Some(ask)) => {
                    let now = self.since_origin(Instant::now());
                    let Connection {
                        questions,
                        session,
                        follower,
                        ..
                    } = &mut connection;
                    questions.begin(ask, session, follower, now);
                }
                Wake::Ask(None) => asks_end = true,
                Wake::Time => {}
            }
        };
        connection.end();
        let now = Instant::now();
        if connection.loaded_at.is_some_and(|at| now >= at + STABLE) {
            self.backoff.reset();
        }
        self.presence.lost(now);
        self.publish();
        error
    }

    /// Waits for the next thing to do.
    async fn wake(&mut self, connection: &mut Connection, asks: bool) -> Wake {
        let timers = [
            connection.session.poll_timeout(),
            connection.follower.poll_timeout(),
        ];
        let timer = timers
            .into_iter()
            .flatten()
            .min()
            .map(|time| self.origin + time);
        let timer = timer.into_iter().chain(self.presence.poll_timeout()).min();
        // Without a timer there is still the session's; a day is as good as never.
        let timer = timer.unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
        tokio::select! {
            biased;
            () = self.driver.shutdown.cancelled() => Wake::Shutdown,
            frame = connection.socket.next() => Wake::Frame(frame),
            ask = self.driver.asks.recv(), if asks => Wake::Ask(ask),
            () = tokio::time::sleep_until(timer) => Wake::Time,
        }
    }

    /// Takes in a frame and those that have arrived behind it (L4).
    fn take_frames(&self, connection: &mut Connection, first: Option<Result<Message, Error>>) {
        connection.take_frame(first, self.since_origin(Instant::now()));
        for _ in 1..FRAMES_PER_TURN_MAX {
            if connection.over.is_some() {
                return;
            }
            let Some(frame) = connection.socket.next().now_or_never() else {
                return;
            };
            connection.take_frame(frame, self.since_origin(Instant::now()));
        }
    }

    /// Publishes what changed.
    fn show(&mut self, connection: &mut Connection, now: Instant) {
        self.presence.handle_timeout(now);
        if let Some(snapshot) = connection.follower.poll_snapshot() {
            self.revision = snapshot.revision();
            let first = connection.loaded_at.is_none();
            connection.loaded_at.get_or_insert(now);
            self.note_home(connection, &snapshot, first);
            self.presence.update(snapshot, now);
        }
        self.count(connection);
        self.publish();
    }

    fn publish(&self) {
        let house = self.presence.house();
        let published = self.driver.house.send_if_modified(|shown| {
            let differs = !shown.is_same_as(house);
            if differs {
                shown.clone_from(house);
            }
            differs
        });
        if published {
            self.driver.status.send_if_modified(|status| {
                status.published += 1;
                false
            });
        }
    }

    fn note_home(&self, connection: &Connection, snapshot: &Snapshot, first: bool) {
        let config = snapshot.config();
        let loading = connection.loaded_at.map(|at| at - connection.opened_at);
        let home = HomeFacts {
            name: config.location_name.clone(),
            version: config.version.clone(),
            entities: snapshot.entity_count(),
            sync_ms: loading.map_or(0, |time| {
                u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
            }),
            is_admin: connection.follower.facts().is_admin,
            exposure_is_known: snapshot.exposure_is_known(),
        };
        if first {
            tracing::info!(
                version = &*home.version,
                entities = home.entities,
                sync_ms = home.sync_ms,
                is_admin = home.is_admin,
                "the house is loaded"
            );
        }
        self.driver.status.send_if_modified(|status| {
            let differs = first || status.home.as_ref() != Some(&home);
            status.loads += u64::from(first);
            if first {
                status.phase = Phase::Live;
            }
            status.home = Some(home);
            differs
        });
    }

    /// Adds to the counters of the status what the follower counted since.
    fn count(&self, connection: &mut Connection) {
        let facts = connection.follower.facts();
        let (resyncs, drifted) = connection.counted;
        let more = (facts.resyncs - resyncs, facts.drifted - drifted);
        if more == (0, 0) {
            return;
        }
        connection.counted = (facts.resyncs, facts.drifted);
        tracing::warn!(
            resyncs = more.0,
            drifted = more.1,
            "the replica was put right"
        );
        self.driver.status.send_modify(|status| {
            status.resyncs += more.0;
            status.drifted += more.1;
        });
    }

    fn note(&mut self, error: LinkError) {
        tracing::warn!(error = %error, "no connection to Home Assistant");
        let why = match &error {
            LinkError::TokenRefused { .. } => Absence::TokenRefused,
            LinkError::Banned => Absence::Banned,
            LinkError::Incompatible { .. } => Absence::Incompatible,
            LinkError::Unreachable { .. }
            | LinkError::NotReady { .. }
            | LinkError::Lost { .. }
            | LinkError::InvalidUrl { .. } => Absence::Unreachable,
        };
        self.presence.absent(why);
        self.publish();
        let error = Some((error, Instant::now()));
        self.driver
            .status
            .send_modify(|status| status.last_error = error);
    }

    fn set_phase(&self, phase: Phase) {
        self.driver.status.send_if_modified(|status| {
            let differs = status.phase != phase;
            status.phase = phase;
            differs
        });
    }

    /// The time as session and follower count it.
    fn since_origin(&self, now: Instant) -> Duration {
        now - self.origin
    }
}

impl Connection {
    fn new(
        socket: Socket,
        config: &LinkConfig,
        after: Revision,
        opened_at: Instant,
        now: Duration,
    ) -> Self {
        let mut session = Session::new(config.token.clone(), now);
        let follower = Follower::new(&mut session, after, now);
        Self {
            socket,
            session,
            follower,
            questions: Questions::default(),
            opened_at,
            loaded_at: None,
            counted: (0, 0),
            over: None,
        }
    }

    fn take_frame(&mut self, frame: Option<Result<Message, Error>>, now: Duration) {
        let cause = match frame {
            Some(Ok(Message::Text(text))) => {
                self.session.handle_text(&text, now);
                self.take_events(now);
                return;
            }
            Some(Ok(
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_),
            )) => {
                self.session.heard(now);
                return;
            }
            // Its code says nothing: refusals, revocation and shutdown all close with 1000.
            Some(Ok(Message::Close(_))) | None => "Home Assistant closed it".into(),
            Some(Err(error)) => Arc::from(error.to_string()),
        };
        self.over.get_or_insert(LinkError::Lost { cause });
    }

    /// Does what is due and sends what waits.
    async fn turn(&mut self, now: Duration) {
        self.session.handle_timeout(now);
        self.take_events(now);
        self.follower.handle_timeout(&mut self.session, now);
        while let Some(text) = self.session.poll_transmit() {
            let sent = tokio::time::timeout(SEND_MAX, self.socket.send(Message::text(text))).await;
            let cause = match sent {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => Arc::from(error.to_string()),
                Err(_) => "a frame of ours does not leave".into(),
            };
            // What Home Assistant said last tells more, if it said something.
            self.take_rest(now);
            self.over.get_or_insert(LinkError::Lost { cause });
            return;
        }
    }

    /// Takes in what had arrived before the connection broke.
    fn take_rest(&mut self, now: Duration) {
        while self.over.is_none()
            && let Some(frame) = self.socket.next().now_or_never()
        {
            self.take_frame(frame, now);
        }
    }

    fn take_events(&mut self, now: Duration) {
        while let Some(event) = self.session.poll_event() {
            match self.follower.handle(&mut self.session, event, now) {
                Ok(None) => {}
                Ok(Some(event)) => self.take_event(event),
                Err(error) => {
                    self.over.get_or_insert(of_follow(&error));
                }
            }
        }
    }

    /// Takes what is not the follower's.
    fn take_event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Ready { ha_version } => {
                tracing::debug!(%ha_version, "the token was accepted");
            }
            SessionEvent::Resolved { id, outcome } => {
                self.questions.resolve(id, outcome, &self.follower);
            }
            SessionEvent::Event { .. } | SessionEvent::EventLost { .. } => {}
            SessionEvent::Closed(closed) => {
                self.over.get_or_insert(of_closed(closed));
            }
        }
    }

    /// Answers the questions that are still open.
    fn end(&mut self) {
        self.session.handle_gone();
        while let Some(event) = self.session.poll_event() {
            if let SessionEvent::Resolved { id, outcome } = event {
                self.questions.resolve(id, outcome, &self.follower);
            }
        }
    }
}

fn of_closed(closed: Closed) -> LinkError {
    match closed {
        Closed::TokenRefused { message } => LinkError::TokenRefused {
            message: message.into(),
        },
        Closed::AuthTimeout => LinkError::Lost {
            cause: "authentication took too long".into(),
        },
        Closed::Silent => LinkError::Lost {
            cause: "no sign of life after a ping".into(),
        },
        Closed::Garbled(error) => LinkError::Incompatible {
            cause: error.to_string().into(),
        },
        Closed::Gone => LinkError::Lost {
            cause: "closed by us".into(),
        },
    }
}

fn of_follow(error: &FollowError) -> LinkError {
    let cause = error.to_string().into();
    match error {
        FollowError::Deadline { .. } => LinkError::Lost { cause },
        // A command whose integration is not set up yet: Home Assistant has just begun to start.
        FollowError::Refused { code, .. } if code == "unknown_command" => LinkError::Lost { cause },
        FollowError::Refused { .. } | FollowError::Unreadable { .. } => {
            LinkError::Incompatible { cause }
        }
    }
}
