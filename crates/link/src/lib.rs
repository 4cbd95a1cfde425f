//! The wire to the house: one task keeps a replica of Home Assistant live and publishes snapshots.
//!
//! Read in this order: [`House`] is what a reader gets, [`Status`] what health and `doctor` get,
//! [`Link`] the handle, [`LinkConfig`] what it needs, [`Query`] what can be asked beside the house.
//!
//! Invariants: **L1** one task owns the session and the replica. **L2** nothing is published before
//! the first complete load. **L3** every reconnect loads everything anew; the old snapshot stays
//! readable as stale until the new one replaces it in one step. **L4** frames already received are
//! applied together and published once.

mod config;
mod handle;
mod house;
mod question;
mod status;

mod backoff;
mod dial;
mod driver;
mod limits;
mod presence;

pub use config::LinkConfig;
pub use dial::{Dial, Dialled, Pipe};
pub use handle::{CallError, Link};
pub use house::{Absence, House};
pub use housekey_home::wire::Secret;
pub use question::{Answer, Everything, Query};
pub use status::{HomeFacts, LinkError, Phase, Status};
