//! A small WebSocket client for one Home Assistant: one command at a time, events kept for later.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::poll::within;

/// Every command is bounded by this.
const CALL_DEADLINE: Duration = Duration::from_secs(60);

/// The error that Home Assistant gave to a command.
#[derive(Debug, Clone)]
pub struct CommandError {
    /// Its code, for example `not_found`.
    pub code: String,
    /// Its text.
    pub message: String,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for CommandError {}

/// An authenticated connection.
pub struct Ws {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    id: u64,
    events: VecDeque<Value>,
}

impl Ws {
    /// Connects to `base_url` (`http://…`, no slash at the end) and authenticates.
    ///
    /// # Errors
    /// When the connection fails or the token is refused.
    pub async fn connect(base_url: &str, token: &str) -> Result<Self> {
        within(
            "WebSocket login",
            CALL_DEADLINE,
            // The TLS layer, which no test uses, makes this future a big one.
            Box::pin(Self::login(base_url, token)),
        )
        .await
    }

    async fn login(base_url: &str, token: &str) -> Result<Self> {
        let url = format!("{}/api/websocket", base_url.replacen("http", "ws", 1));
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (socket, _response) = connect_async_with_config(url, Some(config), false).await?;
        let mut ws = Self {
            socket,
            id: 0,
            events: VecDeque::new(),
        };
        ws.receive().await?;
        ws.send(&json!({"type": "auth", "access_token": token}))
            .await?;
        let answer = ws.receive().await?;
        ensure!(kind(&answer) == "auth_ok", "login refused: {answer}");
        Ok(ws)
    }

    /// Sends one command (without its `id`) and gives its result.
    ///
    /// # Errors
    /// [`CommandError`] when Home Assistant refuses, or a broken connection.
    pub async fn call(&mut self, command: &Value) -> Result<Value> {
        let what = kind(command).to_owned();
        within(&what, CALL_DEADLINE, self.call_unbounded(command)).await
    }

    async fn call_unbounded(&mut self, command: &Value) -> Result<Value> {
        self.id += 1;
        let id = self.id;
        let mut message = command.clone();
        message
            .as_object_mut()
            .context("a command is an object")?
            .insert("id".to_owned(), id.into());
        self.send(&message).await?;
        loop {
            let mut answer = self.receive().await?;
            if answer.get("id").and_then(Value::as_u64) != Some(id) || kind(&answer) == "event" {
                self.events.push_back(answer);
                continue;
            }
            if kind(&answer) == "pong" || answer.get("success") == Some(&Value::Bool(true)) {
                return Ok(answer
                    .get_mut("result")
                    .map(Value::take)
                    .unwrap_or_default());
            }
            return Err(command_error(&answer).into());
        }
    }

    /// Calls a service and waits for its end.
    ///
    /// # Errors
    /// As [`Ws::call`].
    pub async fn service(&mut self, domain: &str, service: &str, data: Value) -> Result<Value> {
        let command = json!({"type": "call_service", "domain": domain, "service": service, "service_data": data});
        self.call(&command).await
    }

    /// The next message that no call was waiting for: `{"id", "type": "event", "event"}`.
    ///
    /// # Errors
    /// When none comes within `deadline`, or the connection breaks.
    pub async fn next_event(&mut self, deadline: Duration) -> Result<Value> {
        match self.events.pop_front() {
            Some(event) => Ok(event),
            None => within("the next event", deadline, self.receive()).await,
        }
    }

    /// Waits for the end of the connection, and drops what still comes.
    ///
    /// # Errors
    /// When it is still open after `deadline`.
    pub async fn closed(mut self, deadline: Duration) -> Result<()> {
        let end = async {
            while let Some(Ok(_message)) = self.socket.next().await {}
            Ok(())
        };
        within("the connection ends", deadline, end).await
    }

    async fn send(&mut self, message: &Value) -> Result<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    async fn receive(&mut self) -> Result<Value> {
        loop {
            match self.socket.next().await.context("the connection ended")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Close(frame) => bail!("closed by Home Assistant: {frame:?}"),
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }
}

fn kind(message: &Value) -> &str {
    message
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn command_error(answer: &Value) -> CommandError {
    let text = |key: &str| {
        let error = answer.get("error").and_then(|error| error.get(key));
        error.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    CommandError {
        code: text("code"),
        message: text("message"),
    }
}
