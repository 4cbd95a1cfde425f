//! What the server said besides the answers of tools: prompts and resources, listed and read.

use housekey_assist::prompt::{self, Reader, Requester};
use housekey_assist::resource::{self, NoResource, SNAPSHOT_URI};
use housekey_assist::tools::Face;
use housekey_home::id::DeviceId;
use serde_json::{Map, Value, json};

use super::Recording;

impl Recording<'_> {
    /// Compares an object if it is one of those.
    pub(super) fn said(&mut self, value: &Value) {
        let list = |key: &str| value.get(key).and_then(Value::as_array);
        if let Some(prompts) = list("prompts") {
            self.prompts(prompts);
        } else if list("messages").is_some() {
            self.prompt(value);
        } else if value.get("prompt_tail").is_some() {
            self.prompt_on_device(value);
        } else if let Some(resources) = list("resources") {
            let resources = Value::from(resources.clone());
            self.resources(&resources);
        } else if let Some(contents) = list("contents") {
            for content in contents {
                self.resource(content);
            }
        } else if value.get("code").is_some() && value.get("message").is_some() {
            self.refusal(value);
        }
    }

    fn prompts(&mut self, recorded: &[Value]) {
        let ours = prompt::listed(self.profile, self.api);
        let ours = json!([{"name": ours.name, "description": ours.description}]);
        self.same_json("prompts", &Value::from(recorded.to_vec()), &ours);
    }

    fn prompt(&mut self, recorded: &Value) {
        let said = recorded.pointer("/messages/0/content/text");
        let said = said.and_then(Value::as_str).unwrap_or_default();
        let (assist, homeassistant) = (tools_in(said, "assist"), tools_in(said, "homeassistant"));
        let reader = Reader {
            face: Face::Native,
            api: self.api,
            requester: None,
            assist_tools: &assist,
            homeassistant_tools: &homeassistant,
        };
        let ours = prompt::text(self.view, &reader);
        self.same_text("prompt", said, &ours);
        let ours = json!({
            "description": prompt::listed(self.profile, self.api).description,
            "messages": [{"role": "assistant", "content": {"type": "text", "text": said}}],
        });
        self.same_json("prompt's frame", recorded, &ours);
    }

    /// The end of the prompt that a device gets; what it can do is seen from its tools.
    fn prompt_on_device(&mut self, recorded: &Value) {
        let text = |key| {
            recorded
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let tools = recorded.get("tool_names").and_then(Value::as_array);
        let mut tools = tools.into_iter().flatten();
        let requester = Requester {
            device: DeviceId::new(text("device_id")),
            has_timers: tools.any(|name| name == "intent__HassStartTimer"),
        };
        let reader = Reader {
            face: Face::Native,
            api: self.api,
            requester: Some(&requester),
            assist_tools: &[],
            homeassistant_tools: &[],
        };
        let ours = prompt::text(self.view, &reader);
        let tail = text("prompt_tail");
        let before = ours.chars().count().saturating_sub(tail.chars().count());
        let ours: String = ours.chars().skip(before).collect();
        self.same_text(&format!("prompt on {}", text("label")), tail, &ours);
    }

    fn resources(&mut self, recorded: &Value) {
        let ours = match resource::listed(self.profile, self.api) {
            Ok(resources) => resources
                .into_iter()
                .map(|resource| {
                    json!({
                        "name": resource.name,
                        "title": resource.title,
                        "uri": resource.uri,
                        "description": resource.description,
                        "mimeType": resource.mime_type,
                    })
                })
                .collect(),
            Err(refusal) => json_rpc(&refusal),
        };
        self.same_json("resources", recorded, &ours);
    }

    fn resource(&mut self, recorded: &Value) {
        let text = |key| {
            recorded
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let uri = text("uri");
        let ours = resource::read(self.view, self.api, uri);
        let ours = ours.unwrap_or_else(|refusal| refusal.to_string());
        self.same_text("context snapshot", text("text"), &ours);
        let mut frame: Map<String, Value> = recorded.as_object().cloned().unwrap_or_default();
        frame.remove("text");
        let ours = json!({"uri": SNAPSHOT_URI, "mimeType": "text/plain"});
        self.same_json("context snapshot's frame", &frame.into(), &ours);
    }

    /// A method that was refused: resources are what has been refused in recordings.
    fn refusal(&mut self, recorded: &Value) {
        let ours = if self.name.contains("resources_list") {
            resource::listed(self.profile, self.api).err()
        } else {
            resource::read(self.view, self.api, SNAPSHOT_URI).err()
        };
        let ours = ours.map_or(Value::Null, |refusal| json_rpc(&refusal));
        self.same_json("refusal", recorded, &ours);
    }
}

/// The names of an API's tools in a merged prompt. They are the listing's, not the prompt's.
fn tools_in<'t>(prompt: &'t str, api: &str) -> Vec<&'t str> {
    let heading = format!("Follow these instructions for tools from \"{api}\" (");
    let behind = prompt.split_once(&heading).map(|(_, behind)| behind);
    let names = behind.and_then(|behind| behind.split_once("):\n"));
    names.map_or(Vec::new(), |(names, _)| names.split(", ").collect())
}

fn json_rpc(refusal: &NoResource) -> Value {
    let code = match refusal {
        NoResource::Unsupported => -32601,
        NoResource::Unknown(_) | NoResource::NothingExposed => 0,
    };
    json!({"code": code, "message": refusal.to_string()})
}
