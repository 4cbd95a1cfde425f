//! `Door`, one MCP endpoint as its client sees it: ours on either face, or Home Assistant's own.

use std::time::Duration;

use anyhow::{Context as _, Result};
use http::HeaderMap;
use reqwest::Client;
use serde_json::{Value, json};

const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
const MODERN: &str = "2026-07-28";

/// An endpoint with a token.
#[derive(Clone)]
pub struct Door {
    client: Client,
    url: String,
    token: String,
    is_modern: bool,
}

/// An HTTP answer as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Door {
    /// `/api/mcp`, ours or Home Assistant's.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn native(base_url: &str, token: &str) -> Result<Self> {
        Self::new(format!("{base_url}/api/mcp"), token, false)
    }

    /// `/mcp`, without a handshake (protocol 2026-07-28).
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn agent(base_url: &str, token: &str) -> Result<Self> {
        Self::new(format!("{base_url}/mcp"), token, true)
    }

    fn new(url: String, token: &str, is_modern: bool) -> Result<Self> {
        // No idle connections: one that another test's runtime opened dies with that runtime.
        let client = Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(REQUEST_DEADLINE)
            .build()?;
        Ok(Self {
            client,
            url,
            token: token.to_owned(),
            is_modern,
        })
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// When no HTTP answer comes.
    pub async fn call(&self, tool: &str, arguments: &Value) -> Result<Answer> {
        let params = json!({"name": tool, "arguments": arguments});
        self.request("tools/call", params).await
    }

    /// Sends any request.
    ///
    /// # Errors
    /// When no HTTP answer comes.
    pub async fn request(&self, method: &str, mut params: Value) -> Result<Answer> {
        let mut post = self
            .client
            .post(&self.url)
            .bearer_auth(&self.token)
            .header("accept", "application/json");
        if self.is_modern {
            post = post
                .header("mcp-protocol-version", MODERN)
                .header("mcp-method", method);
            if let Some(name) = params.get("name").and_then(Value::as_str) {
                post = post.header("mcp-name", name);
            }
            if let Some(params) = params.as_object_mut() {
                let meta = json!({
                    "io.modelcontextprotocol/protocolVersion": MODERN,
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
                params.insert("_meta".to_owned(), meta);
            }
        }
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let response = post
            .json(&message)
            .send()
            .await
            .with_context(|| self.url.clone())?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.with_context(|| self.url.clone())?,
        })
    }
}

impl Answer {
    /// The first text of a tool's result, and whether it is a failure.
    ///
    /// # Errors
    /// When this is no result of a tool.
    pub fn tool_text(&self) -> Result<(String, bool)> {
        let answer: Value = serde_json::from_str(&self.body)
            .with_context(|| format!("{}: {}", self.status, self.body))?;
        let text = answer
            .pointer("/result/content/0/text")
            .and_then(Value::as_str);
        let is_error = answer.pointer("/result/isError").and_then(Value::as_bool);
        match text {
            Some(text) => Ok((text.to_owned(), is_error.unwrap_or(false))),
            None => anyhow::bail!("no result of a tool: {}: {}", self.status, self.body),
        }
    }

    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
