//! Who sent a request, as the listener read it.

use housekey_gateway::{Caller, Credential};
use http::request::Parts;

/// The caller that the listener put into the extensions; without one a request is anonymous.
pub(crate) fn of(parts: &Parts) -> Caller {
    let caller = parts.extensions.get::<Caller>().cloned();
    caller.unwrap_or_else(|| Caller {
        credential: Credential::None,
        address: None,
        request_id: String::new(),
    })
}
