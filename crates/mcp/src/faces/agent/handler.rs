//! `AgentServer`, the library's handler: a message becomes a request of the gateway.
//!
//! The tool list depends on who asks, so it is not built by the library's macros.

use std::borrow::Cow;

use housekey_gateway::{Admission, Gateway, Map, Reply, Request};
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, GetPromptRequestParams, GetPromptResponse,
    Implementation, ListPromptsResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::Deserialize;

use super::render;
use super::ticket::Ticket;

const INSTRUCTIONS: &str = "housekey opens to you the part of one home that its owner has chosen; \
     what is outside of it does not exist here. Start with GetLiveContext for an overview of what \
     there is and how it is, and use get_state for one entity with all its attributes.";

/// Answers the messages of all agents; each brings its own admission.
#[derive(Clone)]
pub(super) struct AgentServer {
    gateway: Gateway,
}

impl AgentServer {
    pub(super) fn new(gateway: Gateway) -> Self {
        Self { gateway }
    }

    async fn ask(
        &self,
        context: &RequestContext<RoleServer>,
        request: Request,
    ) -> Result<Reply, ErrorData> {
        Ok(self.gateway.handle(admission(context)?, request).await)
    }
}

/// Who this server is.
pub(super) fn identity() -> Implementation {
    Implementation::new("housekey", env!("CARGO_PKG_VERSION"))
}

impl ServerHandler for AgentServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(identity())
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let reply = self.ask(&context, Request::ListTools).await?;
        render::tools(reply, is_modern(&context))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let request = Request::CallTool {
            name: Cow::into_owned(call.name),
            arguments: arguments(call.arguments)?,
        };
        let reply = self.ask(&context, request).await?;
        render::tool(reply, is_modern(&context)).map(CallToolResponse::from)
    }

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let reply = self.ask(&context, Request::ListPrompts).await?;
        render::prompts(reply, is_modern(&context))
    }

    async fn get_prompt(
        &self,
        asked: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let request = Request::GetPrompt {
            name: asked.name,
            device: None,
        };
        let reply = self.ask(&context, request).await?;
        render::prompt(reply, is_modern(&context)).map(GetPromptResponse::from)
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let reply = self.ask(&context, Request::ListResources).await?;
        render::resources(reply, is_modern(&context))
    }

    async fn read_resource(
        &self,
        asked: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let request = Request::ReadResource { uri: asked.uri };
        let reply = self.ask(&context, request).await?;
        render::resource(reply, is_modern(&context)).map(ReadResourceResponse::from)
    }
}

/// The admission that the guard sent along; without one nothing is answered.
fn admission(context: &RequestContext<RoleServer>) -> Result<Admission, ErrorData> {
    context
        .extensions
        .get::<Parts>()
        .and_then(|parts| parts.extensions.get::<Ticket>())
        .and_then(Ticket::take)
        .ok_or_else(|| ErrorData::internal_error("the request was not admitted", None))
}

fn arguments(arguments: Option<rmcp::model::JsonObject>) -> Result<Map, ErrorData> {
    match arguments {
        None => Ok(Map::default()),
        Some(arguments) => Map::deserialize(serde_json::Value::Object(arguments))
            .map_err(|error| ErrorData::invalid_params(error.to_string(), None)),
    }
}

fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}
