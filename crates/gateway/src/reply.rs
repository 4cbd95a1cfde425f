//! The closed enum of what a caller may get. Doors turn it into their wire and nothing else.

use std::sync::Arc;

use housekey_assist::prompt::Prompt;
use housekey_assist::release::Profile;
use housekey_assist::resource::Resource;
use housekey_assist::tools::Tool;

use crate::access::Access;

/// The answer to a request.
#[derive(Debug)]
pub enum Reply {
    /// What was asked for.
    Answer(Answer),
    /// A tool was asked for something that is not there for this token: not allowed, hidden and
    /// missing read alike.
    NothingFound {
        /// For the agent.
        text: String,
        /// Of the connected release: how the native face wraps the text.
        profile: &'static Profile,
    },
    /// The request is not one that can be answered.
    Invalid(Invalid),
    /// The rate of the token is used up.
    Limited {
        /// Whole seconds until another request is admitted.
        retry_after_s: u64,
    },
    /// No credential, or one that opens nothing. Why is never said.
    Unauthorized,
    /// Something is broken that the caller cannot mend.
    Fault(Fault),
}

/// What was asked for.
#[derive(Debug)]
pub enum Answer {
    /// Nothing to say.
    Done,
    /// Tools, in the order of the face.
    Tools {
        /// The tools.
        tools: Vec<&'static Tool>,
        /// Of the connected release: how the native face lists them.
        profile: &'static Profile,
    },
    /// Prompts, in the order of the face.
    Prompts(Vec<Prompt>),
    /// A prompt.
    Prompt {
        /// Which.
        prompt: Prompt,
        /// What it says.
        content: Content,
    },
    /// Resources, in the order of the face.
    Resources(Vec<Resource>),
    /// A resource.
    Resource {
        /// Which.
        resource: Resource,
        /// What it says.
        content: Content,
    },
    /// What the token opens.
    Access(Access),
    /// The overview of the home.
    LiveContext(Context),
    /// A JSON document as text, in which numbers stay as Home Assistant wrote them.
    Json(String),
}

/// What a prompt or a resource says.
#[derive(Debug)]
pub enum Content {
    /// A text.
    Text(String),
    /// What the token opens, which the face puts into words.
    Access(Access),
}

/// The text of the overview.
#[derive(Debug)]
pub enum Context {
    /// As it reads.
    Plain(String),
    /// Inside the native face's result: escaped for a JSON text inside a JSON text, ASCII only.
    NativeWire(String),
}

/// What is wrong with a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Invalid {
    /// No tool of that name for this token.
    UnknownTool {
        /// The name as it came.
        name: String,
    },
    /// An argument is missing, unknown or of the wrong kind.
    Arguments {
        /// Which, and what is allowed; in the words of Home Assistant.
        text: String,
    },
    /// Arguments do not fit the schema of the tool, for a release whose library looks at that first.
    Schema {
        /// Which, in the words of that library.
        text: String,
    },
    /// No prompt of that name.
    UnknownPrompt {
        /// The name as it came.
        name: String,
    },
    /// No resource of that address.
    UnknownResource {
        /// The address as it came.
        uri: String,
    },
    /// No such method.
    UnknownMethod {
        /// The name as it came.
        method: String,
    },
}

/// A breakage, with what the caller is told and what the log says kept apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What kind it is.
    pub kind: FaultKind,
    /// For the caller: says nothing of the home.
    pub public: &'static str,
    /// For the log.
    pub cause: Arc<str>,
}

/// The kinds of faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Home Assistant is away, and what is known of it is too old.
    HomeAway,
    /// The audit takes no record, so nothing may happen.
    AuditUnavailable,
    /// Too much at once.
    Busy,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, cause: impl Into<Arc<str>>) -> Self {
        let public = match kind {
            FaultKind::HomeAway => "Home Assistant is not reachable at the moment; try again later",
            FaultKind::AuditUnavailable => {
                "the audit log cannot be written, so nothing is answered; ask the owner to look at \
                 housekey's health"
            }
            FaultKind::Busy => "too many requests are under way; try again in a moment",
        };
        Self {
            kind,
            public,
            cause: cause.into(),
        }
    }
}
