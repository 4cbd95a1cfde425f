//! `Session`, one connection to Home Assistant as a state machine without I/O.
//!
//! Its owner feeds in text frames and the time, and takes out frames to send and events. Times are
//! durations since an origin that the owner chooses.
//!
//! Invariants: **H1** ids strictly increase. **H2** every request resolves exactly once: answer,
//! refusal, deadline or connection lost. **H3** nothing but authentication is sent before
//! `auth_ok`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::limits::{AUTH, PING_EVERY, SILENCE_MAX};
use crate::wire::{Command, Features, Message, Payload, Refused, Secret, WireError};

/// One connection.
pub struct Session {
    token: Secret,
    phase: Phase,
    next_id: u64,
    /// Requests without an answer, each with its deadline.
    pending: BTreeMap<RequestId, Duration>,
    deadlines: BTreeSet<(Duration, RequestId)>,
    /// Frames that wait for `auth_ok`.
    held: VecDeque<String>,
    transmits: VecDeque<String>,
    events: VecDeque<SessionEvent>,
    /// The next ping, or the last moment for a sign of life after one.
    vigil: Vigil,
}

/// Names a request and, if it subscribes, its subscription.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RequestId(u64);

impl RequestId {
    /// The id on the wire.
    #[must_use]
    pub fn wire(self) -> u64 {
        self.0
    }
}

/// What happened on a connection.
#[derive(Debug)]
pub enum SessionEvent {
    /// The token was accepted.
    Ready {
        /// The release of Home Assistant.
        ha_version: String,
    },
    /// A request came to its end.
    Resolved {
        /// Which.
        id: RequestId,
        /// How.
        outcome: Outcome,
    },
    /// An event of a subscription, also of one that was given up.
    Event {
        /// The request that subscribed.
        id: RequestId,
        /// The event.
        event: Body,
    },
    /// An error for a request that had its answer: its subscription lost an event.
    EventLost {
        /// The request that subscribed.
        id: RequestId,
    },
    /// The connection is over; every request is resolved.
    Closed(Closed),
}

/// How a request ended.
#[derive(Debug)]
pub enum Outcome {
    /// With an answer.
    Answer(Body),
    /// With a refusal.
    Refused(Refused),
    /// Without an answer in time; if one comes later it is dropped.
    Deadline,
    /// With the end of the connection: what became of the request is not known.
    Lost,
}

/// Why a connection is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Closed {
    /// Home Assistant refused the token.
    TokenRefused {
        /// Its text.
        message: String,
    },
    /// Authentication took too long.
    AuthTimeout,
    /// No frame came after a ping.
    Silent,
    /// A frame was no message.
    Garbled(WireError),
    /// The owner said so.
    Gone,
}

/// The text of an answer or event.
pub struct Body(Box<str>);

impl Body {
    /// The text, ready to be read as what it is.
    #[must_use]
    pub fn payload(&self) -> Payload<'_> {
        Payload::new(&self.0)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Proving,
    Ready,
    Closed,
}

#[derive(Clone, Copy)]
enum Vigil {
    Auth { until: Duration },
    Ping { at: Duration },
    Reply { until: Duration },
    Over,
}

impl Session {
    /// A connection that was opened at `now`.
    #[must_use]
    pub fn new(token: Secret, now: Duration) -> Self {
        let features = Features {
            coalesce_messages: 1,
        };
        let first = Command::SupportedFeatures { features };
        Self {
            token,
            phase: Phase::Greeting,
            next_id: 2,
            pending: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            held: VecDeque::from([first.to_json(1)]),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            vigil: Vigil::Auth { until: now + AUTH },
        }
    }

    /// Whether the token was accepted and the connection stands.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Requests without an answer.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Sends a command, after authentication if that is still to come. It resolves at `deadline` at
    /// the latest.
    pub fn request(&mut self, command: &Command, deadline: Duration) -> RequestId {
        let id = self.begin(deadline);
        self.send(command.to_json(id.0));
        id
    }

    /// Sends several commands in one frame; ids in the order of the commands.
    pub fn request_batch(&mut self, commands: &[Command], deadline: Duration) -> Vec<RequestId> {
        let numbered: Vec<(u64, Command)> = commands
            .iter()
            .map(|command| (self.begin(deadline).0, command.clone()))
            .collect();
        if !numbered.is_empty() {
            self.send(Command::batch_to_json(&numbered));
        }
        numbered.into_iter().map(|(id, _)| RequestId(id)).collect()
    }

    /// Takes in a text frame.
    pub fn handle_text(&mut self, text: &str, now: Duration) {
        if self.phase == Phase::Closed {
            return;
        }
        self.heard(now);
        match Message::parse_frame(text) {
            Ok(messages) => {
                for message in messages {
                    self.handle_message(message, now);
                }
            }
            Err(error) => self.close(Closed::Garbled(error)),
        }
    }

    /// Takes note of a sign of life that is no text frame.
    pub fn heard(&mut self, now: Duration) {
        if let Vigil::Reply { .. } = self.vigil {
            self.vigil = Vigil::Ping {
                at: now + PING_EVERY,
            };
        }
    }

    /// Takes note that the connection is gone; every request resolves as lost.
    pub fn handle_gone(&mut self) {
        self.close(Closed::Gone);
    }

    /// Takes note of the time.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some((deadline, id)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.resolve(id, Outcome::Deadline);
        }
        match self.vigil {
            Vigil::Auth { until } if until <= now => self.close(Closed::AuthTimeout),
            Vigil::Reply { until } if until <= now => self.close(Closed::Silent),
            Vigil::Ping { at } if at <= now => {
                let id = self.next_id;
                self.next_id += 1;
                self.transmits.push_back(Command::Ping.to_json(id));
                self.vigil = Vigil::Reply {
                    until: now + SILENCE_MAX,
                };
            }
            Vigil::Auth { .. } | Vigil::Reply { .. } | Vigil::Ping { .. } | Vigil::Over => {}
        }
    }

    /// When [`Session::handle_timeout`] wants to be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        let vigil = match self.vigil {
            Vigil::Auth { until } | Vigil::Reply { until } => Some(until),
            Vigil::Ping { at } => Some(at),
            Vigil::Over => None,
        };
        [deadline, vigil].into_iter().flatten().min()
    }

    /// The next text frame to send. The first one holds the access token.
    pub fn poll_transmit(&mut self) -> Option<String> {
        self.transmits.pop_front()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    fn begin(&mut self, deadline: Duration) -> RequestId {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.pending.insert(id, deadline);
        self.deadlines.insert((deadline, id));
        if self.phase == Phase::Closed {
            self.resolve(id, Outcome::Lost);
        }
        id
    }

    fn send(&mut self, text: String) {
        match self.phase {
            Phase::Greeting | Phase::Proving => self.held.push_back(text),
            Phase::Ready => self.transmits.push_back(text),
            Phase::Closed => {}
        }
    }

    fn handle_message(&mut self, message: Message<'_>, now: Duration) {
        match (message, self.phase) {
            (_, Phase::Closed) | (Message::Unknown | Message::Pong { .. }, _) => {}
            (Message::AuthRequired { .. }, Phase::Greeting) => {
                self.phase = Phase::Proving;
                self.transmits.push_back(self.proof());
            }
            (Message::AuthOk { ha_version }, Phase::Proving) => {
                self.phase = Phase::Ready;
                self.vigil = Vigil::Ping {
                    at: now + PING_EVERY,
                };
                self.transmits.append(&mut self.held);
                self.events.push_back(SessionEvent::Ready {
                    ha_version: ha_version.into_owned(),
                });
            }
            (Message::AuthInvalid { message }, Phase::Greeting | Phase::Proving) => {
                self.close(Closed::TokenRefused {
                    message: message.into_owned(),
                });
            }
            (Message::Result { id, outcome }, Phase::Ready) => {
                self.handle_result(RequestId(id), outcome);
            }
            (Message::Event { id, event }, Phase::Ready) => {
                self.events.push_back(SessionEvent::Event {
                    id: RequestId(id),
                    event: Body(event.text().into()),
                });
            }
            // Out of turn: nothing that Home Assistant does, and nothing that could be acted on.
            (
                Message::AuthRequired { .. }
                | Message::AuthOk { .. }
                | Message::AuthInvalid { .. }
                | Message::Result { .. }
                | Message::Event { .. },
                Phase::Greeting | Phase::Proving | Phase::Ready,
            ) => {}
        }
    }

    fn handle_result(&mut self, id: RequestId, outcome: Result<Payload<'_>, Refused>) {
        let known = self.pending.contains_key(&id);
        match outcome {
            Ok(payload) if known => {
                self.resolve(id, Outcome::Answer(Body(payload.text().into())));
            }
            Err(refused) if known => self.resolve(id, Outcome::Refused(refused)),
            Err(_) if id.0 < self.next_id => {
                self.events.push_back(SessionEvent::EventLost { id });
            }
            // The answer to something that was given up at its deadline.
            Ok(_) | Err(_) => {}
        }
    }

    fn resolve(&mut self, id: RequestId, outcome: Outcome) {
        if let Some(deadline) = self.pending.remove(&id) {
            self.deadlines.remove(&(deadline, id));
            self.events
                .push_back(SessionEvent::Resolved { id, outcome });
        }
    }

    fn close(&mut self, why: Closed) {
        if self.phase == Phase::Closed {
            return;
        }
        self.phase = Phase::Closed;
        self.vigil = Vigil::Over;
        self.held.clear();
        self.transmits.clear();
        while let Some(id) = self.pending.keys().next().copied() {
            self.resolve(id, Outcome::Lost);
        }
        self.events.push_back(SessionEvent::Closed(why));
    }

    fn proof(&self) -> String {
        serde_json::json!({"type": "auth", "access_token": self.token.expose_secret()}).to_string()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} pending)", self.pending.len())
    }
}

#[cfg(test)]
mod tests;
