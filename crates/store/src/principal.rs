//! `Principal`, who acts, in memory and as text.

use std::fmt;
use std::sync::Arc;

use crate::token::TokenId;

/// Who acts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Principal {
    /// The holder of a token.
    Token(TokenId),
    /// Somebody logged in to the panel.
    Session,
    /// An administrator of Home Assistant, by user id.
    HaAdmin(Arc<str>),
    /// A user of this machine, by the peer's uid on the local socket.
    Local(u32),
    /// A command that came by MQTT.
    Mqtt,
}

impl Principal {
    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "session" => Some(Self::Session),
            None if text == "mqtt" => Some(Self::Mqtt),
            Some(("token", id)) => TokenId::parse(id).map(Self::Token),
            Some(("ha", user)) if !user.is_empty() => Some(Self::HaAdmin(Arc::from(user))),
            Some(("local", uid)) => uid.parse().ok().map(Self::Local),
            Some(_) | None => None,
        }
    }
}

/// `token:<id>`, `session`, `ha:<user>`, `local:<uid>` or `mqtt`.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(id) => write!(f, "token:{id}"),
            Self::Session => f.write_str("session"),
            Self::HaAdmin(user) => write!(f, "ha:{user}"),
            Self::Local(uid) => write!(f, "local:{uid}"),
            Self::Mqtt => f.write_str("mqtt"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_says_who_it_is() {
        let all = [
            Principal::Token(TokenId::from_random([7; 16])),
            Principal::Session,
            Principal::HaAdmin(Arc::from("0f:1")),
            Principal::Local(1000),
            Principal::Mqtt,
        ];
        for principal in all {
            assert_eq!(Principal::parse(&principal.to_string()), Some(principal));
        }
        for text in [
            "",
            "token:",
            "token:x",
            "local:-1",
            "ha:",
            "session:1",
            "root",
        ] {
            assert_eq!(Principal::parse(text), None, "{text}");
        }
    }
}
