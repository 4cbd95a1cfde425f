//! Serving one client over a pipe: a bridge between its lines and the requests of `/mcp`.
//!
//! Everything passes the agent face, be it that of a running server behind its socket or one's own:
//! so a line is judged, limited and put on record as if it had come by HTTP, once, and both ways of
//! speaking are served. Nothing but messages is written to the pipe.

mod lines;
mod message;

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::StreamExt;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Mutex, RwLock};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::lines::{Events, Line, Lines};
use self::message::Message;
use crate::limits::{
    BODY_BYTES_MAX, STDIO_ANSWER_BYTES_MAX, STDIO_LAST_ANSWERS_MAX, STDIO_REQUESTS_MAX,
};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const READY: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

const UNAUTHORIZED: i64 = -32006;
const LIMITED: i64 = -32000;
const INTERNAL: i64 = -32603;
const PARSE: i64 = -32700;
const INVALID: i64 = -32600;

/// Why a pipe is served no longer.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// The token has a form that no token has.
    #[error("the token is not one that could be sent")]
    Token,
    /// The pipe is broken.
    #[error("the client's pipe is broken")]
    Pipe(#[from] io::Error),
}

/// Serves a client on a pipe under one token, until it goes or `stop` is cancelled. `ask` sends a
/// request to `/mcp`.
///
/// # Errors
/// [`StdioError`]. What goes wrong with a request is answered to the client.
pub async fn serve_stdio<A, F, R, W>(
    ask: A,
    token: &str,
    input: R,
    output: W,
    stop: CancellationToken,
) -> Result<(), StdioError>
where
    A: Fn(Request<Body>) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<Response>> + Send + 'static,
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let authorization = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut authorization = authorization.map_err(|_| StdioError::Token)?;
    authorization.set_sensitive(true);
    let bridge = Arc::new(Bridge {
        ask,
        authorization,
        session: RwLock::default(),
        output: Mutex::new(output),
    });
    let mut input = Lines::new(BufReader::new(input), BODY_BYTES_MAX);
    let mut under_way = JoinSet::new();
    let served = loop {
        let line = tokio::select! {
            () = stop.cancelled() => break Ok(()),
            line = input.next() => line,
            Some(done) = under_way.join_next() => match done {
                Ok(Err(error)) => break Err(error),
                Ok(Ok(())) | Err(_) => continue,
            },
        };
        match line {
            Ok(Some(line)) => {
                if let Err(error) = take(&bridge, line, &mut under_way).await {
                    break Err(error);
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let rest = async { while under_way.join_next().await.is_some() {} };
    let rest = tokio::time::timeout(STDIO_LAST_ANSWERS_MAX, rest).await;
    if rest.is_err() {
        tracing::debug!("answers that were still under way at the end are dropped");
    }
    bridge.close().await;
    Ok(served?)
}

/// Takes a line. Requests are answered side by side; what changes a session and what wants no answer
/// keeps its place.
async fn take<A, F, W>(
    bridge: &Arc<Bridge<A, W>>,
    line: Line,
    under_way: &mut JoinSet<io::Result<()>>,
) -> io::Result<()>
where
    A: Fn(Request<Body>) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<Response>> + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let line = match line {
        Line::Whole(line) => line,
        Line::TooLong => {
            let text = "a message has at most 1 MiB";
            return bridge.say(&message::error_without_id(INVALID, text)).await;
        }
    };
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    let message = Message::read(&line);
    if message.id.is_none() || message.method == "initialize" {
        return bridge.pass(&message, line).await;
    }
    while under_way.len() >= STDIO_REQUESTS_MAX {
        if let Some(Ok(done)) = under_way.join_next().await {
            done?;
        }
    }
    let bridge = Arc::clone(bridge);
    under_way.spawn(async move { bridge.pass(&message, line).await });
    Ok(())
}

struct Bridge<A, W> {
    ask: A,
    authorization: HeaderValue,
    session: RwLock<Option<Session>>,
    output: Mutex<W>,
}

/// The session of the older way of speaking, and the message that opened it.
#[derive(Clone)]
struct Session {
    id: HeaderValue,
    opening: Vec<u8>,
}

impl<A, F, W> Bridge<A, W>
where
    A: Fn(Request<Body>) -> F,
    F: Future<Output = io::Result<Response>>,
    W: AsyncWrite + Unpin,
{
    /// Sends a message and says what is answered.
    async fn pass(&self, message: &Message, line: Vec<u8>) -> io::Result<()> {
        let session = if message.is_modern() || message.method == "initialize" {
            None
        } else {
            self.session.read().await.clone()
        };
        let response = self.post(message, line.clone(), session.as_ref()).await;
        let response = match (response, session) {
            (Ok(response), Some(lost)) if response.status() == StatusCode::NOT_FOUND => {
                // The server was started anew, or has forgotten the session for another reason.
                match self.open_again(&lost).await {
                    Some(session) => self.post(message, line, Some(&session)).await,
                    None => Ok(response),
                }
            }
            (Ok(response), _) => {
                self.remember(message, line, response.headers()).await;
                Ok(response)
            }
            (Err(error), _) => Err(error),
        };
        match response {
            Ok(response) => self.answer(message, response).await,
            Err(error) => {
                tracing::warn!(%error, "the server cannot be reached");
                let text = "housekey cannot be reached; is it running?";
                self.say_if(message.error(INTERNAL, text)).await
            }
        }
    }

    async fn post(
        &self,
        message: &Message,
        line: Vec<u8>,
        session: Option<&Session>,
    ) -> io::Result<Response> {
        let mut request = self.request(Method::POST, Body::from(line));
        let headers = request.headers_mut();
        for (name, value) in [
            (header::ACCEPT, "application/json, text/event-stream"),
            (header::CONTENT_TYPE, "application/json"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        message.write(headers);
        if let Some(session) = session {
            headers.insert(SESSION, session.id.clone());
        }
        (self.ask)(request).await
    }

    fn request(&self, method: Method, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = http::Uri::from_static("/mcp");
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        request
    }

    async fn remember(&self, message: &Message, opening: Vec<u8>, answered: &HeaderMap) {
        if let Some(id) = answered.get(SESSION)
            && message.method == "initialize"
        {
            let id = id.clone();
            *self.session.write().await = Some(Session { id, opening });
        }
    }

    /// Opens a session once more, unless another message has done so.
    async fn open_again(&self, lost: &Session) -> Option<Session> {
        let mut session = self.session.write().await;
        if let Some(present) = session.as_ref().filter(|present| present.id != lost.id) {
            return Some(present.clone());
        }
        let opening = Message::read(&lost.opening);
        let response = self.post(&opening, lost.opening.clone(), None).await.ok()?;
        let opened = Session {
            id: response.headers().get(SESSION)?.clone(),
            opening: lost.opening.clone(),
        };
        response.into_body().collect().await.ok()?;
        let ready = Message::read(READY);
        self.post(&ready, READY.to_vec(), Some(&opened))
            .await
            .ok()?;
        *session = Some(opened.clone());
        Some(opened)
    }

    async fn answer(&self, message: &Message, response: Response) -> io::Result<()> {
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.map_or(&b""[..], HeaderValue::as_bytes);
        if kind.starts_with(b"text/event-stream") {
            return self.relay(message, response).await;
        }
        let body = Limited::new(response.into_body(), STDIO_ANSWER_BYTES_MAX);
        let Ok(body) = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
        else {
            let text = "the answer could not be read";
            return self.say_if(message.error(INTERNAL, text)).await;
        };
        if let Some(line) = message.line(&body) {
            return self.say(&line).await;
        }
        if status.is_success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&body);
        let code = match status {
            StatusCode::UNAUTHORIZED => UNAUTHORIZED,
            StatusCode::TOO_MANY_REQUESTS => LIMITED,
            _ => INTERNAL,
        };
        if message.method.is_empty() {
            return self.say(&message::error_without_id(PARSE, &text)).await;
        }
        self.say_if(message.error(code, &text)).await
    }

    /// Says what comes on a stream, until it ends.
    async fn relay(&self, message: &Message, response: Response) -> io::Result<()> {
        let mut events = Events::default();
        let mut stream = response.into_body().into_data_stream();
        while let Some(Ok(part)) = stream.next().await {
            for data in events.take(&part) {
                self.say_if(message::on_one_line(data.as_bytes())).await?;
            }
            if events.waiting_bytes() > STDIO_ANSWER_BYTES_MAX {
                let text = "the answer is too long";
                return self.say_if(message.error(INTERNAL, text)).await;
            }
        }
        Ok(())
    }

    async fn say(&self, line: &str) -> io::Result<()> {
        let mut output = self.output.lock().await;
        output.write_all(line.as_bytes()).await?;
        output.write_all(b"\n").await?;
        output.flush().await
    }

    async fn say_if(&self, line: Option<String>) -> io::Result<()> {
        match line {
            Some(line) => self.say(&line).await,
            None => Ok(()),
        }
    }

    /// Ends the session, so that it does not count any longer.
    async fn close(&self) {
        let Some(session) = self.session.write().await.take() else {
            return;
        };
        let mut request = self.request(Method::DELETE, Body::empty());
        request.headers_mut().insert(SESSION, session.id);
        if let Err(error) = (self.ask)(request).await {
            tracing::debug!(%error, "the session could not be closed");
        }
    }
}
