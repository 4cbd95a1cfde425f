//! Lines of bounded length, and the data of events.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// One line of a pipe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// It was longer than lines may be, and was passed over.
    TooLong,
}

/// The lines of a pipe.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    bytes_max: usize,
    begun: Option<Begun>,
}

/// A line whose end has not come.
#[derive(Default, Debug)]
struct Begun {
    line: Vec<u8>,
    is_too_long: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(super) fn new(input: R, bytes_max: usize) -> Self {
        Self {
            input,
            bytes_max,
            begun: None,
        }
    }

    /// The next line; none at the end. A last line need not be ended. Nothing is lost when this is
    /// dropped before it is done.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let available = self.input.fill_buf().await?;
            if available.is_empty() {
                return Ok(self.begun.take().map(Begun::ended));
            }
            let begun = self.begun.get_or_insert_default();
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = available.get(..end.unwrap_or(available.len()));
            let part = part.unwrap_or(available);
            begun.is_too_long |= begun.line.len() + part.len() > self.bytes_max;
            if begun.is_too_long {
                begun.line = Vec::new();
            } else {
                begun.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(self.begun.take().map(Begun::ended));
            }
        }
    }
}

impl Begun {
    fn ended(self) -> Line {
        if self.is_too_long {
            Line::TooLong
        } else {
            Line::Whole(self.line)
        }
    }
}

/// Takes a stream of events apart. Of an event only its data matter.
#[derive(Default, Debug)]
pub(super) struct Events {
    rest: Vec<u8>,
    data: String,
}

impl Events {
    /// The data of the events that end in this part of the stream; empty ones are passed over.
    pub(super) fn take(&mut self, part: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(part);
        let mut ended = Vec::new();
        while let Some(at) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=at).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let data = std::mem::take(&mut self.data);
                ended.extend((!data.is_empty()).then_some(data));
            } else if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
        }
        ended
    }

    /// How much waits for its end.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.rest.len() + self.data.len()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    #[tokio::test]
    async fn lines_have_an_end_and_a_limit() {
        let text = b"ab\n\nabcdefgh\nabcd\r\nlast";
        let mut input = Lines::new(BufReader::with_capacity(3, &text[..]), 5);
        let mut lines = Vec::new();
        while let Some(line) = input.next().await.unwrap() {
            lines.push(line);
        }
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(
            lines,
            [
                whole("ab"),
                whole(""),
                Line::TooLong,
                whole("abcd\r"),
                whole("last")
            ]
        );
    }

    #[tokio::test]
    async fn a_line_that_nobody_waited_for_to_its_end_is_not_lost() {
        use tokio::io::AsyncWriteExt;
        let (near, mut far) = tokio::io::duplex(64);
        let mut input = Lines::new(BufReader::new(near), 64);
        far.write_all(b"fir").await.unwrap();
        let unfinished = std::time::Duration::from_millis(1);
        assert!(
            tokio::time::timeout(unfinished, input.next())
                .await
                .is_err()
        );
        far.write_all(b"st\n").await.unwrap();
        let line = input.next().await.unwrap();
        assert_eq!(line, Some(Line::Whole(b"first".to_vec())));
    }

    #[test]
    fn events_are_put_together() {
        let stream =
            "id: 0\nretry: 3000\ndata:\n\n: ping\n\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata: x";
        for size in [1, 7, 1000] {
            let mut events = Events::default();
            let parts = stream.as_bytes().chunks(size);
            let data: Vec<String> = parts.flat_map(|part| events.take(part)).collect();
            assert_eq!(data, ["{\"a\":\n1}"], "{size}");
            assert_eq!(events.waiting_bytes(), "data: x".len());
        }
    }
}
