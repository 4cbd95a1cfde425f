//! A client that costs as little as it can: one kept connection, one request text.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: std::net::SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(1 << 20),
        })
    }

    /// Sends a request and gives the body of the answer, which must be 200.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (head, length) = loop {
            self.more().await?;
            if let Some(head) = find(&self.buffer, b"\r\n\r\n") {
                let text = std::str::from_utf8(self.buffer.get(..head).context("head")?)?;
                if !text.starts_with("HTTP/1.1 200") {
                    let shown = String::from_utf8_lossy(&self.buffer);
                    bail!(
                        "not answered: {}",
                        shown.chars().take(500).collect::<String>()
                    );
                }
                break (head + 4, content_length(text)?);
            }
        };
        while self.buffer.len() < head + length {
            self.more().await?;
        }
        self.buffer.get(head..head + length).context("body")
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the connection ended");
        }
        Ok(())
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn content_length(head: &str) -> anyhow::Result<usize> {
    let line = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(str::to_owned)
        })
        .context("the answer is streamed")?;
    Ok(line.trim().parse()?)
}

/// Median and 99th percentile of one connection's requests.
#[expect(
    clippy::disallowed_methods,
    reason = "it is a clock that is measured with"
)]
pub(crate) async fn latencies(
    address: std::net::SocketAddr,
    request: &[u8],
    count: usize,
) -> anyhow::Result<(Duration, Duration)> {
    let mut client = Client::connect(address).await?;
    let mut times = Vec::with_capacity(count);
    for number in 0..count + count / 10 {
        let start = Instant::now();
        client.ask(request).await?;
        // The first tenth warms the connection up.
        if number >= count / 10 {
            times.push(start.elapsed());
        }
    }
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok((at(50), at(99)))
}

/// Requests a second over `connections` connections at once.
#[expect(
    clippy::disallowed_methods,
    reason = "it is a clock that is measured with"
)]
pub(crate) async fn rate(
    address: std::net::SocketAddr,
    request: &[u8],
    count: usize,
    connections: usize,
) -> anyhow::Result<f64> {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let request = request.to_vec();
        tasks.spawn(async move {
            let mut client = Client::connect(address).await?;
            for _ in 0..count / connections + 1 {
                client.ask(&request).await?;
            }
            anyhow::Ok(count / connections + 1)
        });
    }
    let mut done = 0;
    while let Some(result) = tasks.join_next().await {
        done += result??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let done = done as f64;
    Ok(done / start.elapsed().as_secs_f64())
}
