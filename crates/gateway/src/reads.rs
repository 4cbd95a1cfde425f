//! What each reading tool does. Everything comes from the view.

use housekey_assist::arguments::ArgumentError;
use housekey_assist::date_time::date_time;
use housekey_assist::live_context::{self, Form, atm};
use housekey_assist::release::Profile;
use housekey_assist::states::{self, StateRefusal};
use housekey_assist::tools::{self, Face, ToolId};
use housekey_home::id::EntityId;
use housekey_home::time::UtcMicros;
use housekey_home::value::{Map, Value};
use housekey_policy::verdict::Truth;
use housekey_policy::{Permission, View};

use crate::offers::Address;
use crate::reply::{Answer, Context, Invalid, Reply};

/// What a request came to: its reply, and whether the thing that was not found exists, for the record only.
pub(crate) struct Done {
    pub(crate) reply: Reply,
    pub(crate) truth: Option<Truth>,
}

/// Runs a tool.
pub(crate) fn tool(
    view: &View,
    address: Address,
    name: &str,
    arguments: &Map,
    now: UtcMicros,
) -> Done {
    let Some(tool) = tools::find(name).filter(|tool| address.has(tool)) else {
        let unknown = Invalid::UnknownTool {
            name: name.to_owned(),
        };
        return Reply::Invalid(unknown).into();
    };
    let profile = Profile::of(view.release());
    let face = address.face;
    match tool.id {
        ToolId::GetLiveContext if is_atms_own(view, face) => {
            Reply::Answer(Answer::LiveContext(Context::Plain(atm::overview(view)))).into()
        }
        ToolId::GetLiveContext => overview(view, profile, face, arguments).into(),
        ToolId::GetDateTime => {
            let time = date_time(now, view.time_zone());
            let time = match face {
                Face::Agent | Face::Native => time.json(),
                Face::Atm => time.json_with_offset(),
            };
            json(profile, face, time).into()
        }
        ToolId::GetState => state(view, profile, face, arguments),
        ToolId::GetStates => json(profile, face, states::states_json(view)).into(),
    }
}

/// Whether the overview is the one that ATM gives; a token that passes through gets Home Assistant's.
pub(crate) fn is_atms_own(view: &View, face: Face) -> bool {
    match face {
        Face::Atm => !view.scope().pass_through,
        Face::Agent | Face::Native => false,
    }
}

/// JSON as a face tells it: the native one as the connected release wraps it.
fn json(profile: &Profile, face: Face, json: String) -> Reply {
    Reply::Answer(Answer::Json(match face {
        Face::Native => profile.answer(json),
        Face::Agent | Face::Atm => json,
    }))
}

fn state(view: &View, profile: &'static Profile, face: Face, arguments: &Map) -> Done {
    match states::asked(view, arguments) {
        Ok(state) => json(profile, face, states::state_json(&state).to_owned()).into(),
        Err(refusal @ StateRefusal::NotFound) => Done {
            reply: Reply::NothingFound {
                text: refusal.to_string(),
                profile,
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

fn overview(view: &View, profile: &'static Profile, face: Face, arguments: &Map) -> Reply {
    let read = match face {
        Face::Native => live_context::Arguments::read_as(profile, arguments),
        Face::Agent | Face::Atm => live_context::Arguments::read(arguments),
    };
    let arguments = match read {
        Ok(arguments) => arguments,
        Err(ArgumentError::Home(text)) => return Reply::Invalid(Invalid::Arguments { text }),
        Err(ArgumentError::Schema(text)) => return Reply::Invalid(Invalid::Schema { text }),
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
        Err(no_match) => Reply::NothingFound {
            text: no_match.to_string(),
            profile,
        },
    }
}
