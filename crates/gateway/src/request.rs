//! The closed enum of what a caller may ask, and where a request comes from.

use std::net::IpAddr;

use housekey_assist::tools::Face;
use housekey_home::value::Map;
use housekey_store::Presented;

/// One request of an agent.
#[derive(Debug)]
pub enum Request {
    /// A method of the protocol that reads nothing of the home: `initialize`, `ping`, a
    /// notification.
    Protocol {
        /// Its name.
        method: &'static str,
    },
    /// `tools/list`.
    ListTools,
    /// `tools/call`.
    CallTool {
        /// The name as it came; every face accepts both forms of a name (Q12).
        name: String,
        /// The arguments as they came.
        arguments: Map,
    },
    /// `prompts/list`.
    ListPrompts,
    /// `prompts/get`.
    GetPrompt {
        /// The name as it came.
        name: String,
        /// The id of the device that the request comes from, if it says so.
        device: Option<String>,
    },
    /// `resources/list`.
    ListResources,
    /// `resources/read`.
    ReadResource {
        /// The address as it came.
        uri: String,
    },
    /// What the token opens.
    Access,
    /// A method that no face knows.
    UnknownMethod {
        /// Its name.
        method: String,
    },
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The face.
    pub face: Face,
    /// The address of the client; `None` over the local socket.
    pub address: Option<IpAddr>,
    /// Names the request in the audit, the log and the response.
    pub request_id: String,
}

/// What a request presented to prove who it is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing, or nothing that has the form of a credential.
    None,
    /// A bearer that has the form of a token.
    Token(Presented),
}
