//! The one path every request takes: who, how often, may it, do it, write it down.
//!
//! Read in this order: [`request`] and [`reply`] are all that may be asked and got; [`gateway`] is
//! the path, [`admission`] what it lets in; `offers` is what there is on a face, `reads` does what a tool asks, [`access`] is what
//! a token opens; `record` says what the audit keeps; [`admin`] is what an owner may ask; `anchors`
//! and `lifecycle` are what happens by itself; [`limiter`] and `counters` count.
//!
//! Front doors see the home's words only as they are re-exported here.

pub mod access;
pub mod admin;
pub mod admission;
mod anchors;
pub mod caller;
mod counters;
pub mod gateway;
pub mod health;
mod lifecycle;
pub mod limiter;
pub mod limits;
mod offers;
mod reads;
mod record;
pub mod reply;
pub mod request;

pub use access::{Access, Opened};
pub use admin::{
    AdminReply, AdminRequest, AuditQuery, GrantEdit, Grants, ScopeListing, TokenChange, TokenOrder,
};
pub use admission::{Admission, NoApi, TurnedAway};
pub use caller::Caller;
pub use counters::Usage;
pub use gateway::{Gateway, GatewayConfig, Surroundings};
pub use health::Health;
pub use limiter::Allowance;
pub use reply::{Answer, Content, Context, Fault, FaultKind, Invalid, Reply};
pub use request::{Credential, Origin, Request};

pub use housekey_assist::json;
pub use housekey_assist::prompt::Prompt;
pub use housekey_assist::release::{Profile, Release};
pub use housekey_assist::resource::Resource;
pub use housekey_assist::tools::{self, Face, Tool};
pub use housekey_home::id::EntityId;
pub use housekey_home::time::UtcMicros;
pub use housekey_home::value::{Map, Value};
pub use housekey_policy::capability::{Capability, Extent};
pub use housekey_policy::tree::{Anchor, Color, Node};
pub use housekey_policy::verdict::{Explanation, Level, Permission, Step, Truth};
pub use housekey_store::audit::{Chain, Kept, Payload};
pub use housekey_store::token::Rate;
pub use housekey_store::{Presented, Principal, RawToken, TokenId, TokenRecord, TokenStatus};
