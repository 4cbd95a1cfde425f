//! What each reading request does. Everything comes from the view.

use housekey_assist::date_time::date_time;
use housekey_assist::live_context::{self, Form, NoMatch};
use housekey_assist::states::{self, StateRefusal};
use housekey_assist::tools::{self, Face, ToolId};
use housekey_home::id::EntityId;
use housekey_home::time::UtcMicros;
use housekey_home::value::{Map, Value};
use housekey_policy::verdict::Truth;
use housekey_policy::{Permission, View};

use crate::reply::{Answer, Context, Invalid, Reply};
use crate::request::Request;

/// Requests that read nothing of the home.
pub(crate) fn about_ourselves(face: Face, request: &Request) -> Reply {
    match request {
        Request::ListTools => Reply::Answer(Answer::Tools(tools::listed(face).collect())),
        Request::UnknownMethod { method } => Reply::Invalid(Invalid::UnknownMethod {
            method: method.clone(),
        }),
        Request::Protocol { .. } | Request::CallTool { .. } => Reply::Answer(Answer::Done),
    }
}

/// What a tool did: its reply, and whether the thing that was not found exists, for the record only.
pub(crate) struct Done {
    pub(crate) reply: Reply,
    pub(crate) truth: Option<Truth>,
}

/// Runs a tool.
pub(crate) fn tool(view: &View, face: Face, name: &str, arguments: &Map, now: UtcMicros) -> Done {
    let Some(tool) = tools::find(name) else {
        let unknown = Invalid::UnknownTool {
            name: name.to_owned(),
        };
        return Reply::Invalid(unknown).into();
    };
    match tool.id {
        ToolId::GetLiveContext => overview(view, face, arguments).into(),
        ToolId::GetDateTime => {
            Reply::Answer(Answer::Json(date_time(now, view.time_zone()).json())).into()
        }
        ToolId::GetState => state(view, arguments),
        ToolId::GetStates => Reply::Answer(Answer::Json(states::states_json(view))).into(),
    }
}

fn state(view: &View, arguments: &Map) -> Done {
    match states::asked(view, arguments) {
        Ok(state) => Reply::Answer(Answer::Json(states::state_json(&state).to_owned())).into(),
        Err(refusal @ StateRefusal::NotFound) => Done {
            reply: Reply::NothingFound {
                text: refusal.to_string(),
            },
            truth: Some(truth(view, arguments)),
        },
        Err(refusal @ (StateRefusal::Missing | StateRefusal::NotText(_))) => {
            Reply::Invalid(Invalid::Arguments {
                text: refusal.to_string(),
            })
            .into()
        }
    }
}

/// Why there was nothing for this token. An entity that may be read but has no state is absent.
fn truth(view: &View, arguments: &Map) -> Truth {
    let id = match arguments.get("entity_id") {
        Some(Value::Text(text)) => EntityId::from_home(text).ok(),
        Some(_) | None => None,
    };
    match id.map(|id| view.permission(&id)) {
        Some(Permission::Refused(truth)) => truth,
        Some(Permission::Read | Permission::Write) | None => Truth::Absent,
    }
}

impl From<Reply> for Done {
    fn from(reply: Reply) -> Self {
        Self { reply, truth: None }
    }
}

fn overview(view: &View, face: Face, arguments: &Map) -> Reply {
    let arguments = match live_context::Arguments::read(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            return Reply::Invalid(Invalid::Arguments {
                text: error.to_string(),
            });
        }
    };
    let form = match face {
        Face::Native => Form::Wire,
        Face::Agent | Face::Atm => Form::Text,
    };
    let mut text = String::new();
    match live_context::answer_into(view, &arguments, form, &mut text) {
        Ok(()) => Reply::Answer(Answer::LiveContext(match face {
            Face::Native => Context::NativeWire(text),
            Face::Agent | Face::Atm => Context::Plain(text),
        })),
        Err(NoMatch::NothingExposed) => Reply::NothingFound {
            text: live_context::NOTHING_EXPOSED.to_owned(),
        },
        Err(no_match) => Reply::NothingFound {
            text: no_match.to_string(),
        },
    }
}
