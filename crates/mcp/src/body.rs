//! Reading the body of a request that was admitted.

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::limits::BODY_BYTES_MAX;

/// A body that cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unreadable {
    /// Longer than a request may be.
    TooLong,
    /// The connection ended within it.
    Broken,
}

/// The whole body, up to the limit. One that announces to be longer is not read at all.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Unreadable> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(Unreadable::TooLong);
    }
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if is_too_long(&*error) => Err(Unreadable::TooLong),
        Err(_) => Err(Unreadable::Broken),
    }
}

/// The listener bounds bodies too; its error is wrapped in axum's.
fn is_too_long(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return true;
        }
        next = error.source();
    }
    false
}
