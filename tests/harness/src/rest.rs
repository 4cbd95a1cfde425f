//! A small REST client for one Home Assistant.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::{Client, Method};
use serde_json::Value;

/// Every request is bounded by this.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// An answer of Home Assistant that is not a success.
#[derive(Debug)]
pub struct Rejected {
    /// The HTTP status.
    pub status: u16,
    /// The body as it came.
    pub body: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}: {}", self.status, self.body)
    }
}

impl std::error::Error for Rejected {}

/// Requests to one base URL with one bearer token.
#[derive(Clone)]
pub struct Rest {
    client: Client,
    base_url: String,
    token: Option<String>,
}

impl Rest {
    /// Makes a client; `base_url` has no slash at its end.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(base_url: &str, token: Option<&str>) -> Result<Self> {
        // No idle connections: one that another test's runtime opened dies with that runtime.
        let client = Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(REQUEST_DEADLINE)
            .build()?;
        Ok(Self {
            client,
            base_url: base_url.to_owned(),
            token: token.map(str::to_owned),
        })
    }

    /// `GET path`.
    ///
    /// # Errors
    /// [`Rejected`] for an answer that is no success, or a broken connection.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, None).await
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// `DELETE path`.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub async fn delete(&self, path: &str) -> Result<Value> {
        self.send(Method::DELETE, path, None).await
    }

    /// `POST path` with a form, as the token endpoint wants it.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Result<Value> {
        let request = self
            .client
            .post(format!("{}{path}", self.base_url))
            .form(form);
        answer(path, request).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base_url))
            .header("accept", "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(path, request).await
    }
}

async fn answer(path: &str, request: reqwest::RequestBuilder) -> Result<Value> {
    let response = request.send().await.with_context(|| path.to_owned())?;
    let status = response.status();
    let body = response.text().await.with_context(|| path.to_owned())?;
    if !status.is_success() {
        return Err(Rejected {
            status: status.as_u16(),
            body,
        })
        .with_context(|| path.to_owned());
    }
    // Some answers are plain text (the check of the configuration, an empty 202).
    Ok(serde_json::from_str(&body).unwrap_or(Value::String(body)))
}
