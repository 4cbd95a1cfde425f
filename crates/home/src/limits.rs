//! Every number of this crate, with its unit in its name.

use std::time::Duration;

/// Between the open connection and `auth_ok`; Home Assistant itself gives up after 10 s.
pub(crate) const AUTH: Duration = Duration::from_secs(12);
/// Between two pings of our own.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(25);
/// Without any frame for this long after a ping the connection is dead.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Deadline of the requests of a load and of its upkeep. Home Assistant can be blocked for a minute
/// by one heavy template.
pub(crate) const LOAD: Duration = Duration::from_secs(90);
/// Ids in one request for registry entries; keeps the request far below the 4 MiB that Home
/// Assistant takes.
pub(crate) const ENTRIES_PER_REQUEST_MAX: usize = 5_000;
/// Events of a registry whose list is fetched whole are collected for this long.
pub(crate) const LIST_DEBOUNCE: Duration = Duration::from_millis(150);
/// Events about services are collected for this long.
pub(crate) const SERVICES_DEBOUNCE: Duration = Duration::from_secs(2);
/// Occasions to ask for the exposure are collected for this long.
pub(crate) const EXPOSURE_DEBOUNCE: Duration = Duration::from_millis(500);
/// No event tells of exposure of entities without a registry entry.
pub(crate) const EXPOSURE_EVERY: Duration = Duration::from_secs(45);
/// After a difference with a new attribute, before the entity is fetched whole.
pub(crate) const ORDER_DEBOUNCE: Duration = Duration::from_millis(250);
/// Between two such fetches of one entity.
pub(crate) const ORDER_EVERY: Duration = Duration::from_secs(5);
/// Ids in one such fetch.
pub(crate) const ORDER_IDS_MAX: usize = 500;
/// Between two comparisons with `get_states`.
pub(crate) const COMPARE_EVERY: Duration = Duration::from_secs(12 * 60);
/// Between two fresh subscriptions because a difference did not fit.
pub(crate) const RESYNC_EVERY: Duration = Duration::from_secs(5);
/// The same while the cause stays: the wait doubles up to this.
pub(crate) const RESYNC_EVERY_MAX: Duration = Duration::from_secs(300);

const _: () = assert!(SILENCE_MAX.as_secs() < PING_EVERY.as_secs());
const _: () = assert!(LIST_DEBOUNCE.as_millis() < ORDER_DEBOUNCE.as_millis());
