//! Replies of the gateway as results of the library.
//!
//! Results come from the library's constructors alone: those set `resultType`, which newer clients
//! want and which is taken off again for older ones.

use std::sync::Arc;

use housekey_gateway::{Answer, Content, Context, Face, Invalid, Reply, Tool};
use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, CallToolResult, ContentBlock, ErrorCode, GetPromptResult, JsonObject,
    ListPromptsResult, ListResourcesResult, ListToolsResult, MetaObject, Prompt as ListedPrompt,
    PromptMessage, ReadResourceResult, Resource as ListedResource, ResourceContents, Role,
    Tool as Listed, ToolAnnotations,
};

use super::handler::identity;
use crate::limits::LISTS_TTL_MS;

const SERVER_INFO_KEY: &str = "io.modelcontextprotocol/serverInfo";
const UNAUTHORIZED: ErrorCode = ErrorCode(-32006);

/// The result of `tools/list`.
pub(super) fn tools(reply: Reply, is_modern: bool) -> Result<ListToolsResult, ErrorData> {
    let Reply::Answer(Answer::Tools { tools, .. }) = reply else {
        return Err(error(reply));
    };
    let listed = tools.into_iter().map(listed).collect::<Result<_, _>>()?;
    let mut result = ListToolsResult::with_all_items(listed);
    if is_modern {
        result.ttl_ms = Some(LISTS_TTL_MS);
        result.cache_scope = Some(CacheScope::Private);
        result.meta = Some(server_info());
    }
    Ok(result)
}

/// The result of `prompts/list`.
pub(super) fn prompts(reply: Reply, is_modern: bool) -> Result<ListPromptsResult, ErrorData> {
    let Reply::Answer(Answer::Prompts(prompts)) = reply else {
        return Err(error(reply));
    };
    let listed = prompts
        .into_iter()
        .map(|prompt| ListedPrompt::new(prompt.name, Some(prompt.description), None));
    let mut result = ListPromptsResult::with_all_items(listed.collect());
    if is_modern {
        result.ttl_ms = Some(LISTS_TTL_MS);
        result.cache_scope = Some(CacheScope::Private);
        result.meta = Some(server_info());
    }
    Ok(result)
}

/// The result of `prompts/get`.
pub(super) fn prompt(reply: Reply, is_modern: bool) -> Result<GetPromptResult, ErrorData> {
    let Reply::Answer(Answer::Prompt {
        prompt,
        content: Content::Text(text),
    }) = reply
    else {
        return Err(error(reply));
    };
    let message = PromptMessage::new_text(Role::Assistant, text);
    let mut result = GetPromptResult::new(vec![message]).with_description(prompt.description);
    result.meta = is_modern.then(server_info);
    Ok(result)
}

/// The result of `resources/list`.
pub(super) fn resources(reply: Reply, is_modern: bool) -> Result<ListResourcesResult, ErrorData> {
    let Reply::Answer(Answer::Resources(resources)) = reply else {
        return Err(error(reply));
    };
    let listed = resources.into_iter().map(|resource| {
        ListedResource::new(resource.uri, resource.name)
            .with_title(resource.title)
            .with_description(resource.description)
            .with_mime_type(resource.mime_type)
    });
    let mut result = ListResourcesResult::with_all_items(listed.collect());
    if is_modern {
        result.ttl_ms = Some(0);
        result.cache_scope = Some(CacheScope::Private);
        result.meta = Some(server_info());
    }
    Ok(result)
}

/// The result of `resources/read`.
pub(super) fn resource(reply: Reply, is_modern: bool) -> Result<ReadResourceResult, ErrorData> {
    let Reply::Answer(Answer::Resource {
        resource,
        content: Content::Text(text),
    }) = reply
    else {
        return Err(error(reply));
    };
    let contents = ResourceContents::text(text, resource.uri).with_mime_type(resource.mime_type);
    let mut result = ReadResourceResult::new(vec![contents]);
    if is_modern {
        result.ttl_ms = Some(0);
        result.cache_scope = Some(CacheScope::Private);
        result.meta = Some(server_info());
    }
    Ok(result)
}

fn listed(tool: &'static Tool) -> Result<Listed, ErrorData> {
    let schema: JsonObject = serde_json::from_str(tool.schema_on(Face::Agent))
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let annotations = ToolAnnotations::new()
        .read_only(tool.hints.read_only)
        .destructive(tool.hints.destructive)
        .idempotent(tool.hints.idempotent)
        .open_world(tool.hints.open_world);
    Ok(
        Listed::new(tool.bare_name, tool.description, Arc::new(schema))
            .with_title(tool.title)
            .with_annotations(annotations),
    )
}

/// The result of `tools/call`. What a model should read is a result, also when nothing came of it.
pub(super) fn tool(reply: Reply, is_modern: bool) -> Result<CallToolResult, ErrorData> {
    let mut result = match reply {
        Reply::Answer(Answer::LiveContext(Context::Plain(text))) => said(text),
        Reply::Answer(Answer::Json(json)) => {
            let structured = serde_json::from_str(&json).ok();
            let mut result = said(json);
            result.structured_content = structured;
            result
        }
        Reply::NothingFound { text, .. }
        | Reply::Invalid(Invalid::Arguments { text } | Invalid::Schema { text }) => refused(text),
        Reply::Fault(fault) => refused(fault.public),
        Reply::Limited { retry_after_s } => refused(format!(
            "Rate limit exceeded; try again in {retry_after_s} s"
        )),
        reply @ (Reply::Answer(
            Answer::Done
            | Answer::Tools { .. }
            | Answer::Prompts(_)
            | Answer::Prompt { .. }
            | Answer::Resources(_)
            | Answer::Resource { .. }
            | Answer::Access(_)
            | Answer::LiveContext(Context::NativeWire(_)),
        )
        | Reply::Invalid(
            Invalid::UnknownTool { .. }
            | Invalid::UnknownPrompt { .. }
            | Invalid::UnknownResource { .. }
            | Invalid::UnknownMethod { .. },
        )
        | Reply::Unauthorized) => return Err(error(reply)),
    };
    if is_modern {
        result.meta = Some(server_info());
    }
    Ok(result)
}

fn said(text: String) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn refused(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

fn error(reply: Reply) -> ErrorData {
    match reply {
        Reply::Invalid(Invalid::UnknownTool { name }) => {
            ErrorData::invalid_params(format!("Unknown tool: {name}"), None)
        }
        Reply::Invalid(Invalid::UnknownPrompt { name }) => {
            ErrorData::invalid_params(format!("Unknown prompt: {name}"), None)
        }
        Reply::Invalid(Invalid::UnknownResource { uri }) => ErrorData::resource_not_found(
            format!("Unknown resource: {uri}"),
            Some(serde_json::json!({ "uri": uri })),
        ),
        Reply::Invalid(Invalid::UnknownMethod { method }) => {
            ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None)
        }
        Reply::Invalid(Invalid::Arguments { text } | Invalid::Schema { text }) => {
            ErrorData::invalid_params(text, None)
        }
        Reply::Unauthorized => ErrorData::new(UNAUTHORIZED, "The token is not valid here", None),
        Reply::Limited { retry_after_s } => {
            let text = format!("Rate limit exceeded; try again in {retry_after_s} s");
            ErrorData::internal_error(text, None)
        }
        Reply::Fault(fault) => ErrorData::internal_error(fault.public, None),
        Reply::NothingFound { text, .. } => ErrorData::internal_error(text, None),
        Reply::Answer(_) => ErrorData::internal_error("Internal error", None),
    }
}

/// Who answered; newer clients want to see it in every result.
fn server_info() -> MetaObject {
    let mut meta = MetaObject::default();
    if let Ok(identity) = serde_json::to_value(identity()) {
        meta.0.insert(SERVER_INFO_KEY.to_owned(), identity);
    }
    meta
}
