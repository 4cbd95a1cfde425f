//! Replies of the gateway as results of the library.
//!
//! Results come from the library's constructors alone: those set `resultType`, which newer clients
//! want and which is taken off again for older ones.

use std::sync::Arc;

use housekey_gateway::{Answer, Context, Face, Invalid, Reply, Tool};
use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, CallToolResult, ContentBlock, ErrorCode, JsonObject, ListToolsResult, MetaObject,
    Tool as Listed, ToolAnnotations,
};

use super::handler::identity;
use crate::limits::TOOLS_TTL_MS;

const SERVER_INFO_KEY: &str = "io.modelcontextprotocol/serverInfo";
const UNAUTHORIZED: ErrorCode = ErrorCode(-32006);

/// The result of `tools/list`.
pub(super) fn tools(reply: Reply, is_modern: bool) -> Result<ListToolsResult, ErrorData> {
    match reply {
        Reply::Answer(Answer::Tools(tools)) => {
            let listed = tools.into_iter().map(listed).collect::<Result<_, _>>()?;
            let mut result = ListToolsResult::with_all_items(listed);
            if is_modern {
                result.ttl_ms = Some(TOOLS_TTL_MS);
                result.cache_scope = Some(CacheScope::Private);
                result.meta = Some(server_info());
            }
            Ok(result)
        }
        Reply::Answer(Answer::Done | Answer::LiveContext(_) | Answer::Json(_))
        | Reply::NothingFound { .. }
        | Reply::Invalid(_)
        | Reply::Limited { .. }
        | Reply::Unauthorized
        | Reply::Fault(_) => Err(error(reply)),
    }
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
            Answer::Done | Answer::Tools(_) | Answer::LiveContext(Context::NativeWire(_)),
        )
        | Reply::Invalid(Invalid::UnknownTool { .. } | Invalid::UnknownMethod { .. })
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
        Reply::Answer(_) | Reply::NothingFound { .. } => {
            ErrorData::internal_error("Internal error", None)
        }
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
