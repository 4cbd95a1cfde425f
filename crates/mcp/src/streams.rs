//! `Streams`, the streams of events that are open: which token opened which, what goes out on them.
//!
//! A stream belongs to the token that opened it (M3): for another one it does not exist. It ends with
//! its token, with the server, and when its client goes, and is forgotten at once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use bytes::Bytes;
use housekey_gateway::TokenId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::limits::{STREAM_COMMENT, STREAM_EVENTS_MAX, STREAMS_PER_TOKEN_MAX};

/// The streams of a face; `S` is what it keeps of each.
#[derive(Debug)]
pub(crate) struct Streams<S> {
    open: Arc<Mutex<BTreeMap<String, Line<S>>>>,
}

/// A stream, as messages for it find it.
#[derive(Debug)]
pub(crate) struct Line<S> {
    token: TokenId,
    events: mpsc::Sender<String>,
    /// What the face keeps of it.
    pub(crate) state: Arc<Mutex<S>>,
}

/// The token has as many streams as it may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooMany;

/// Nothing more can be said on a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unheard;

impl<S: Default> Streams<S> {
    pub(crate) fn new() -> Self {
        Self {
            open: Arc::default(),
        }
    }

    /// Opens a stream under an id that nobody can guess. It is open as long as what is returned.
    pub(crate) fn open(&self, id: &str, token: TokenId) -> Result<Stream<S>, TooMany> {
        let mut open = self.lock();
        let of_token = open.values().filter(|line| line.token == token);
        if of_token.count() >= STREAMS_PER_TOKEN_MAX {
            return Err(TooMany);
        }
        let (sender, events) = mpsc::channel(STREAM_EVENTS_MAX);
        let line = Line {
            token,
            events: sender,
            state: Arc::default(),
        };
        open.insert(id.to_owned(), line);
        Ok(Stream {
            _seat: Seat {
                id: id.to_owned(),
                streams: self.clone(),
            },
            events,
        })
    }

    /// The stream of an id, if this token opened it.
    pub(crate) fn find(&self, id: &str, token: &TokenId) -> Option<Line<S>> {
        let open = self.lock();
        open.get(id).filter(|line| line.token == *token).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Line<S>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Clone for Streams<S> {
    fn clone(&self) -> Self {
        Self {
            open: Arc::clone(&self.open),
        }
    }
}

impl<S> Clone for Line<S> {
    fn clone(&self) -> Self {
        Self {
            token: self.token.clone(),
            events: self.events.clone(),
            state: Arc::clone(&self.state),
        }
    }
}

impl<S> Line<S> {
    /// Says something, unless the client does not read or is gone.
    pub(crate) fn say(&self, event: String) -> Result<(), Unheard> {
        self.events.try_send(event).map_err(|_| Unheard)
    }
}

/// An open stream, from its other end.
#[derive(Debug)]
pub(crate) struct Stream<S: Default> {
    _seat: Seat<S>,
    events: mpsc::Receiver<String>,
}

/// A place among the open streams, given up with its end.
#[derive(Debug)]
struct Seat<S: Default> {
    id: String,
    streams: Streams<S>,
}

impl<S: Default> Drop for Seat<S> {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.id);
    }
}

impl<S: Default + Send + 'static> Stream<S> {
    /// The body of the answer: a first event, then what is said, with a comment whenever nothing is.
    pub(crate) fn body(
        self,
        first: String,
        comment: &'static str,
        ends: [CancellationToken; 2],
    ) -> Body {
        let state = (self, Some(first), ends);
        let events =
            futures_util::stream::unfold(state, move |(mut stream, first, ends)| async move {
                let event = match first {
                    Some(first) => first,
                    None => stream.next(comment, &ends).await?,
                };
                let event = Ok::<_, Infallible>(Bytes::from(event));
                Some((event, (stream, None, ends)))
            });
        Body::from_stream(events)
    }

    async fn next(&mut self, comment: &str, ends: &[CancellationToken; 2]) -> Option<String> {
        let [token, server] = ends;
        tokio::select! {
            biased;
            () = token.cancelled() => None,
            () = server.cancelled() => None,
            event = self.events.recv() => event,
            () = tokio::time::sleep(STREAM_COMMENT) => Some(comment.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::time::Instant;

    use super::*;

    fn token(number: u8) -> TokenId {
        TokenId::from_random([number; 16])
    }

    #[test]
    fn a_stream_belongs_to_its_token_and_is_forgotten_with_its_end() {
        let streams = Streams::<()>::new();
        let stream = streams.open("a", token(1)).unwrap();
        assert!(streams.find("a", &token(1)).is_some());
        assert!(streams.find("a", &token(2)).is_none());
        let line = streams.find("a", &token(1)).unwrap();
        drop(stream);
        assert!(streams.find("a", &token(1)).is_none());
        assert_eq!(line.say("x".to_owned()), Err(Unheard));
    }

    #[test]
    fn a_token_has_five_streams_and_a_stream_holds_a_hundred_events() {
        let streams = Streams::<()>::new();
        let mut open: Vec<_> = (0..STREAMS_PER_TOKEN_MAX)
            .map(|at| streams.open(&at.to_string(), token(1)).unwrap())
            .collect();
        assert_eq!(streams.open("more", token(1)).err(), Some(TooMany));
        assert!(streams.open("other", token(2)).is_ok());
        open.pop();
        open.push(streams.open("more", token(1)).unwrap());
        let line = streams.find("0", &token(1)).unwrap();
        for _ in 0..STREAM_EVENTS_MAX {
            assert_eq!(line.say(String::new()), Ok(()));
        }
        assert_eq!(line.say(String::new()), Err(Unheard));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_by_comments_until_the_end() {
        let streams = Streams::<()>::new();
        let ends = [CancellationToken::new(), CancellationToken::new()];
        let stream = streams.open("a", token(1)).unwrap();
        let body = stream.body("first".to_owned(), ":", ends.clone());
        let mut body = body.into_data_stream();
        let started = Instant::now();
        assert_eq!(body.next().await.unwrap().unwrap(), "first");
        assert_eq!(body.next().await.unwrap().unwrap(), ":");
        assert_eq!(Instant::now(), started + STREAM_COMMENT);
        let line = streams.find("a", &token(1)).unwrap();
        line.say("said".to_owned()).unwrap();
        assert_eq!(body.next().await.unwrap().unwrap(), "said");
        ends[1].cancel();
        assert!(body.next().await.is_none());
        drop(body);
        assert!(streams.find("a", &token(1)).is_none());
    }
}
