//! What prompts, resources and tools a face offers. The native face offers what the connected
//! release does; the others have names of their own that do not change.

use housekey_assist::prompt::{self, Api, Prompt, Reader, Requester};
use housekey_assist::release::Profile;
use housekey_assist::resource::{self, NoResource, Resource, SNAPSHOT_URI};
use housekey_assist::tools::{self, Face, Tool};
use housekey_assist::{live_context, release};
use housekey_home::id::DeviceId;
use housekey_policy::View;

use crate::access::Access;
use crate::reads;
use crate::reply::{Answer, Content, Invalid, Reply};

/// The prompt of `/mcp`.
const ASSIST: &str = "assist";
/// ATM's name of Home Assistant's prompt.
const ATM_ASSIST: &str = "Default prompt for Home Assistant Assist";
/// ATM's prompt that says what a token opens.
const ATM_ACCESS: &str = "ATM access context";
/// ATM's resource that says the same in brief.
const ATM_SERVER_INFO: &str = "atm://server-info";

/// Where a request is addressed to: a face and, on the native one, an API of Home Assistant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub(crate) face: Face,
    pub(crate) api: Api,
}

impl Address {
    pub(crate) fn of(
        face: Face,
        named: Option<Api>,
        passes_through: bool,
        profile: &Profile,
    ) -> Self {
        let api = match face {
            Face::Native => named.unwrap_or_else(|| Api::of_token(passes_through, profile)),
            Face::Agent | Face::Atm => Api::Assist,
        };
        Self { face, api }
    }

    /// The tools that are listed.
    pub(crate) fn tools(self, profile: &Profile) -> Vec<&'static Tool> {
        let is_offered = |tool: &&Tool| match self.face {
            Face::Native => tool.is_in(self.api) && tool.native_in(profile).is_some(),
            Face::Agent | Face::Atm => true,
        };
        tools::listed(self.face).filter(is_offered).collect()
    }

    /// Whether a tool can be called, listed or not.
    pub(crate) fn has(self, tool: &Tool) -> bool {
        tool.is_in(self.api)
    }

    /// The prompts that are listed.
    pub(crate) fn prompts(self, profile: &Profile) -> Vec<Prompt> {
        match self.face {
            Face::Native => vec![prompt::listed(profile, self.api)],
            Face::Agent => vec![Prompt {
                name: ASSIST,
                description: "What there is in this home and how to act on it.".to_owned(),
            }],
            Face::Atm => vec![
                Prompt {
                    name: ATM_ACCESS,
                    description: "Describes the Home Assistant entities and capabilities \
                                  accessible to this token"
                        .to_owned(),
                },
                Prompt {
                    name: ATM_ASSIST,
                    description: format!("{ATM_ASSIST} API"),
                },
            ],
        }
    }

    /// The resources that are listed; none at all for a release that does not know them.
    pub(crate) fn resources(self, profile: &Profile) -> Result<Vec<Resource>, NoResource> {
        match self.face {
            Face::Native => resource::listed(profile, self.api),
            Face::Agent => resource::listed(release::newest(), self.api).map(|mut all| {
                for snapshot in &mut all {
                    snapshot.description =
                        "The overview of this home, as GetLiveContext gives it.".to_owned();
                }
                all
            }),
            Face::Atm => Ok(vec![
                Resource {
                    name: "Assist Context Snapshot",
                    title: "",
                    uri: SNAPSHOT_URI,
                    description: "A snapshot of the current Assist context, matching the existing \
                                  GetLiveContext tool output"
                        .to_owned(),
                    mime_type: "text/plain",
                },
                Resource {
                    name: "ATM Server Info",
                    title: "",
                    uri: ATM_SERVER_INFO,
                    description: String::new(),
                    mime_type: "application/json",
                },
            ]),
        }
    }
}

/// The device that a request says it comes from. No registry tells whether it has timers.
pub(crate) fn requester(device: &str) -> Requester {
    Requester {
        device: DeviceId::new(device),
        has_timers: false,
    }
}

/// Reads a prompt.
pub(crate) fn prompt(
    view: &View,
    address: Address,
    name: &str,
    requester: Option<&Requester>,
    access: impl FnOnce() -> Access,
) -> Reply {
    let profile = Profile::of(view.release());
    let mut prompts = address.prompts(profile).into_iter();
    let Some(prompt) = prompts.find(|prompt| prompt.name == name) else {
        return Reply::Invalid(Invalid::UnknownPrompt {
            name: name.to_owned(),
        });
    };
    let content = if prompt.name == ATM_ACCESS {
        Content::Access(access())
    } else {
        let names = |api| tool_names(Address { api, ..address }, profile);
        let (assist, homeassistant) = (names(Api::Assist), names(Api::HomeAssistant));
        let reader = Reader {
            face: address.face,
            api: address.api,
            requester,
            assist_tools: &assist,
            homeassistant_tools: &homeassistant,
        };
        Content::Text(prompt::text(view, &reader))
    };
    Reply::Answer(Answer::Prompt { prompt, content })
}

fn tool_names(address: Address, profile: &Profile) -> Vec<&'static str> {
    let tools = address.tools(profile).into_iter();
    tools
        .map(|tool| match address.face {
            Face::Native => tool
                .native_in(profile)
                .map_or(tool.bare_name, |tool| tool.name),
            Face::Agent | Face::Atm => tool.bare_name,
        })
        .collect()
}

/// Reads a resource.
pub(crate) fn resource(
    view: &View,
    address: Address,
    uri: &str,
    access: impl FnOnce() -> Access,
) -> Reply {
    let profile = Profile::of(view.release());
    let unknown = || {
        Reply::Invalid(Invalid::UnknownResource {
            uri: uri.to_owned(),
        })
    };
    let resources = match address.resources(profile) {
        Ok(resources) => resources,
        Err(error) => return no_resource(&error, "resources/read", profile),
    };
    let Some(resource) = resources.into_iter().find(|resource| resource.uri == uri) else {
        return unknown();
    };
    let text = match address.face {
        Face::Native => resource::read(view, address.api, uri),
        Face::Atm if uri == SNAPSHOT_URI && reads::is_atms_own(view, address.face) => {
            Ok(live_context::atm::overview(view))
        }
        Face::Agent | Face::Atm if uri == SNAPSHOT_URI => {
            live_context::answer(view, &live_context::Arguments::default())
                .map_err(|_| NoResource::NothingExposed)
        }
        Face::Agent | Face::Atm => {
            let content = Content::Access(access());
            return Reply::Answer(Answer::Resource { resource, content });
        }
    };
    match text {
        Ok(text) => Reply::Answer(Answer::Resource {
            resource,
            content: Content::Text(text),
        }),
        Err(error) => no_resource(&error, "resources/read", profile),
    }
}

/// The answer where there is no resource.
pub(crate) fn no_resource(
    error: &NoResource,
    method: &'static str,
    profile: &'static Profile,
) -> Reply {
    match error {
        NoResource::Unsupported => Reply::Invalid(Invalid::UnknownMethod {
            method: method.to_owned(),
        }),
        NoResource::Unknown(uri) => Reply::Invalid(Invalid::UnknownResource { uri: uri.clone() }),
        NoResource::NothingExposed => Reply::NothingFound {
            text: error.to_string(),
            profile,
        },
    }
}
