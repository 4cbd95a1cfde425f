//! The WebSocket vocabulary of Home Assistant 2026.11, as far as it is used: what is sent, what
//! comes, and the compressed state format of `subscribe_entities`.
//!
//! Unknown keys are ignored everywhere. Shared with the pretend Home Assistant of the tests, which
//! speaks the other half.

mod command;
mod message;
mod payload;
mod secret;
mod states;

pub use command::{Command, EntityIds, EventType, Features};
pub use message::{Message, Payload, Refused, WireError};
pub use payload::{CurrentUser, DeviceEvent, EntryAction, EntryEvent};
pub use secret::Secret;
pub use states::{
    ContextDiff, ContextParts, StateAddition, StateDiff, StateRemoval, StatesEvent, WireContext,
    WireState, state_diff,
};
