//! `Exchange`, one message and what comes of it, on either of native's transports.

use axum::response::Response;
use housekey_gateway::{Admission, Gateway, Reply, Request as Asked};
use http::HeaderMap;

use super::answer::{self, Said};
use super::dialect::Dialect;
use super::message::{Incoming, Message};
use super::method::{self, Call, Era, Refusal};
use super::wire::{self, Manner};

/// What an answer depends on besides the message.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) dialect: Dialect,
    /// Those that choose the way of speaking.
    pub(super) headers: &'a HeaderMap,
    /// The name that the request was sent to.
    pub(super) host: &'a str,
}

/// What a message was and came to.
#[derive(Debug)]
pub(super) enum Heard {
    /// It wants no answer.
    Notice {
        /// What it was.
        method: &'static str,
        /// What is answered all the same when it cannot be taken.
        refusal: Option<Response>,
    },
    /// A request.
    Request {
        /// What it asked for.
        method: String,
        /// The answer.
        said: Said,
    },
}

impl Exchange<'_> {
    /// Takes a message, if the body is one; a method that is not welcome is refused for its shape.
    pub(super) async fn hear(
        self,
        admission: Admission,
        body: &[u8],
        is_welcome: impl FnOnce(&str) -> bool,
    ) -> Option<Heard> {
        let request = match Message::parse(body)? {
            Message::Request(request) => request,
            Message::Notice { method } => {
                let asked = Asked::Protocol { method };
                let reply = self.gateway.handle(admission, asked).await;
                let refusal = (!matches!(reply, Reply::Answer(_))).then(|| answer::refused(&reply));
                return Some(Heard::Notice { method, refusal });
            }
        };
        let said = if is_welcome(&request.method) {
            self.answer(admission, &request).await
        } else {
            drop(admission);
            let refusal = Refusal::InvalidParams;
            Said::Error(wire::error(&request.id, &refusal, &request.method))
        };
        let method = request.method;
        Some(Heard::Request { method, said })
    }

    async fn answer(self, admission: Admission, request: &Incoming<'_>) -> Said {
        let (era, call) = match method::read(request, self.headers, self.dialect) {
            Ok(understood) => understood,
            Err(refusal) => {
                if matches!(refusal, Refusal::UnknownMethod(_)) {
                    let method = request.method.clone();
                    let asked = Asked::UnknownMethod { method };
                    self.gateway.handle(admission, asked).await;
                } else {
                    drop(admission);
                }
                return Said::Error(wire::error(&request.id, &refusal, &request.method));
            }
        };
        self.carry_out(admission, &request.id, era, call).await
    }

    async fn carry_out(self, admission: Admission, id: &str, era: Era, call: Call) -> Said {
        let manner = Manner {
            era,
            dialect: self.dialect,
            host: self.host,
        };
        let protocol = |method| Asked::Protocol { method };
        match call {
            Call::Initialize { version } => {
                let asked = protocol("initialize");
                let reply = self.gateway.handle(admission, asked).await;
                answer::with(&reply, id, || wire::initialize(version, manner))
            }
            Call::Ping => {
                let reply = self.gateway.handle(admission, protocol("ping")).await;
                answer::with(&reply, id, || "{}".to_owned())
            }
            Call::Discover => {
                let asked = protocol("server/discover");
                let reply = self.gateway.handle(admission, asked).await;
                answer::with(&reply, id, || wire::discover(manner))
            }
            Call::ListTools => {
                let reply = self.gateway.handle(admission, Asked::ListTools).await;
                answer::tools(&reply, id, manner)
            }
            Call::Tool { name, arguments } => {
                let asked = Asked::CallTool { name, arguments };
                let reply = self.gateway.handle(admission, asked).await;
                answer::tool(reply, id, manner)
            }
            Call::ListPrompts => {
                let reply = self.gateway.handle(admission, Asked::ListPrompts).await;
                answer::prompts(&reply, id, manner)
            }
            Call::Prompt { name, device } => {
                let asked = Asked::GetPrompt { name, device };
                let reply = self.gateway.handle(admission, asked).await;
                answer::prompt(&reply, id, manner)
            }
            Call::ListResources => {
                let reply = self.gateway.handle(admission, Asked::ListResources).await;
                answer::resources(&reply, id, manner)
            }
            Call::Resource { uri } => {
                let asked = Asked::ReadResource { uri };
                let reply = self.gateway.handle(admission, asked).await;
                answer::resource(&reply, id, manner)
            }
        }
    }
}
