//! `Caller`, who calls as the listener read it off a request: nothing of it is judged yet.
//!
//! It travels as an extension of the HTTP request from the listener to whichever face answers.

use std::net::IpAddr;

use housekey_assist::tools::Face;

use crate::request::{Credential, Origin};

/// What a request says of its sender.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What it presents.
    pub credential: Credential,
    /// The address of the client; `None` over the local socket.
    pub address: Option<IpAddr>,
    /// Names the request.
    pub request_id: String,
}

impl Caller {
    /// The same for [`crate::Gateway::admit`], with the face that answers.
    #[must_use]
    pub fn through(self, face: Face) -> (Credential, Origin) {
        let origin = Origin {
            face,
            address: self.address,
            request_id: self.request_id,
        };
        (self.credential, origin)
    }
}
