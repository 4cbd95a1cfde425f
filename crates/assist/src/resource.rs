//! The overview as a resource, for clients that attach it instead of calling a tool.

use housekey_policy::View;

use crate::live_context::{self, Arguments};
use crate::prompt::Api;
use crate::release::Profile;

/// The address of the overview.
pub const SNAPSHOT_URI: &str = "homeassistant://assist/context-snapshot";

/// A resource as it is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// Its name for programs.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its address.
    pub uri: &'static str,
    /// What it is.
    pub description: String,
    /// What kind of text it is.
    pub mime_type: &'static str,
}

/// Why there is no resource.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoResource {
    /// The release has none at all, so that the method is unknown.
    #[error("Method not found")]
    Unsupported,
    /// None has this address.
    #[error("Unknown resource: {0}")]
    Unknown(String),
    /// There is nothing to show.
    #[error("An error occurred while reading the Assist context snapshot")]
    NothingExposed,
}

/// The resources of an API.
///
/// # Errors
/// [`NoResource::Unsupported`] before 2026.5.
pub fn listed(profile: &Profile, api: Api) -> Result<Vec<Resource>, NoResource> {
    let tool = match profile.live_context {
        Some(tool) if profile.has_snapshot => tool.name,
        Some(_) | None => return Err(NoResource::Unsupported),
    };
    if !api.has_assist() {
        return Ok(Vec::new());
    }
    Ok(vec![Resource {
        name: "assist_context_snapshot",
        title: "Assist context snapshot",
        uri: SNAPSHOT_URI,
        description: format!(
            "A snapshot of the current Assist context, matching the existing {tool} tool output."
        ),
        mime_type: "text/plain",
    }])
}

/// The text of a resource: that of the whole overview.
///
/// # Errors
/// [`NoResource`].
pub fn read(view: &View, api: Api, uri: &str) -> Result<String, NoResource> {
    let resources = listed(Profile::of(view.release()), api)?;
    if !resources.iter().any(|resource| resource.uri == uri) {
        return Err(NoResource::Unknown(uri.to_owned()));
    }
    live_context::answer(view, &Arguments::default()).map_err(|_| NoResource::NothingExposed)
}

#[cfg(test)]
mod tests;
