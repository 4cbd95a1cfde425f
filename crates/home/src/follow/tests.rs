//! A follower against a scripted Home Assistant: text in, commands and snapshots out.

use serde_json::{Value as Json, json};

use super::*;
use crate::session::Closed;
use crate::wire::Secret;

const HOUSE: [(&str, &str); 8] = [
    (
        "config/area_registry/list",
        r#"[{"area_id":"attic","name":"Attic"}]"#,
    ),
    ("config/floor_registry/list", "[]"),
    ("config/label_registry/list", "[]"),
    ("config/device_registry/list", "[]"),
    (
        "config/entity_registry/list",
        r#"[{"entity_id":"light.a","id":"1"}]"#,
    ),
    (
        "get_config",
        r#"{"version":"2026.11.0","state":"RUNNING","components":["conversation"]}"#,
    ),
    ("get_services", r#"{"light":{"turn_on":{"fields":{}}}}"#),
    (
        "config/entity_registry/get_entries",
        r#"{"light.a":{"entity_id":"light.a","id":"1"}}"#,
    ),
];
const STATES: &str = r#"{"a":{"light.a":{"s":"on","a":{"b":1},"c":"x","lc":1.0},"sun.sun":{"s":"up","a":{},"c":"x","lc":1.0}}}"#;

struct Script {
    session: Session,
    follower: Follower,
    now: Duration,
    /// Types of the commands that were sent, one list a frame.
    sent: Vec<Vec<String>>,
    /// Commands without an answer.
    open: Vec<(u64, Json)>,
    admin: bool,
}

impl Script {
    fn new(admin: bool) -> Self {
        let now = Duration::ZERO;
        let mut session = Session::new(Secret::new("t"), now);
        let follower = Follower::new(&mut session, Revision(0), now);
        let mut script = Self {
            session,
            follower,
            now,
            sent: Vec::new(),
            open: Vec::new(),
            admin,
        };
        script
            .say(&json!({"type": "auth_required", "ha_version": "2026.11.0"}))
            .unwrap();
        script
            .say(&json!({"type": "auth_ok", "ha_version": "2026.11.0"}))
            .unwrap();
        script
    }

    /// Loads the house to the end.
    fn loaded(admin: bool) -> Self {
        let mut script = Self::new(admin);
        script.answer_all().unwrap();
        assert_eq!(script.follower.missing(), Vec::<&str>::new());
        script.sent.clear();
        script
    }

    fn say(&mut self, message: &Json) -> Result<(), FollowError> {
        self.session.handle_text(&message.to_string(), self.now);
        while let Some(event) = self.session.poll_event() {
            self.follower.handle(&mut self.session, event, self.now)?;
        }
        self.turn();
        Ok(())
    }

    fn turn(&mut self) {
        self.follower.handle_timeout(&mut self.session, self.now);
        while let Some(frame) = self.session.poll_transmit() {
            let frame: Json = serde_json::from_str(&frame).unwrap();
            let commands = frame.as_array().cloned().unwrap_or_else(|| vec![frame]);
            let commands = commands.into_iter().filter(|c| c["type"] != "auth");
            let commands: Vec<Json> = commands.collect();
            let kind = |c: &Json| c["type"].as_str().unwrap().to_owned();
            if !commands.is_empty() {
                self.sent.push(commands.iter().map(kind).collect());
            }
            self.open
                .extend(commands.into_iter().map(|c| (c["id"].as_u64().unwrap(), c)));
        }
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.follower.poll_timeout().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.turn();
        }
        self.now = end;
        self.turn();
    }

    fn answer(&mut self, id: u64, result: &Json) -> Result<(), FollowError> {
        self.open.retain(|(open, _)| *open != id);
        self.say(&json!({"id": id, "type": "result", "success": true, "result": result}))
    }

    fn refuse(&mut self, id: u64, code: &str) -> Result<(), FollowError> {
        self.open.retain(|(open, _)| *open != id);
        self.say(&json!({"id": id, "type": "result", "success": false, "error": {"code": code}}))
    }

    fn answer_all(&mut self) -> Result<(), FollowError> {
        while let Some((id, command)) = self.open.first().cloned() {
            let kind = command["type"].as_str().unwrap().to_owned();
            let scripted = HOUSE.iter().find(|(name, _)| *name == kind);
            let result = match (&*kind, scripted) {
                (_, Some((_, json))) => serde_json::from_str(json).unwrap(),
                ("auth/current_user", _) => json!({"id": "u", "is_admin": self.admin}),
                ("homeassistant/expose_entity/list", _) => {
                    json!({"exposed_entities": {"light.a": {"conversation": true}}})
                }
                ("homeassistant/expose_new_entities/get", _) => json!({"expose_new": false}),
                (_, _) => Json::Null,
            };
            self.answer(id, &result)?;
            if kind == "subscribe_entities" {
                self.event(id, &serde_json::from_str(STATES).unwrap())?;
            }
        }
        Ok(())
    }

    fn event(&mut self, id: u64, event: &Json) -> Result<(), FollowError> {
        self.say(&json!({"id": id, "type": "event", "event": event}))
    }

    fn fire(&mut self, event_type: EventType, data: &Json) {
        let (id, _) = self
            .follower
            .events
            .iter()
            .find(|(_, kind)| **kind == event_type)
            .unwrap();
        let id = id.wire();
        self.event(id, &json!({"event_type": "x", "data": data}))
            .unwrap();
    }

    fn states_id(&self) -> u64 {
        self.follower.states.unwrap().wire()
    }

    fn entity_ids(&self) -> Vec<String> {
        let snapshot = self.follower.snapshot().unwrap();
        snapshot
            .entities()
            .map(|e| e.state().entity_id.to_string())
            .collect()
    }
}

#[test]
fn the_first_sync_leaves_no_gap() {
    let mut script = Script::new(true);
    assert_eq!(script.sent[0], ["supported_features"]);
    let first = &script.sent[1];
    assert_eq!(
        first
            .iter()
            .filter(|kind| *kind == "subscribe_events")
            .count(),
        9
    );
    assert_eq!(first.last().unwrap(), "config/entity_registry/list");
    assert_eq!(
        script.sent[2],
        ["get_config", "get_services", "auth/current_user"]
    );
    assert!(script.follower.poll_snapshot().is_none());
    script.answer_all().unwrap();
    assert_eq!(
        script.sent[3..],
        [
            vec!["config/entity_registry/get_entries"],
            vec!["subscribe_entities"],
            vec![
                "homeassistant/expose_entity/list",
                "homeassistant/expose_new_entities/get"
            ],
        ]
    );
    let snapshot = script.follower.poll_snapshot().unwrap();
    assert!(snapshot.exposure_is_known() && snapshot.revision() > Revision(0));
    assert!(script.follower.poll_snapshot().is_none(), "given out once");
}

#[test]
fn without_administrator_rights_the_registry_decides_on_exposure() {
    let script = Script::loaded(false);
    assert!(!script.follower.snapshot().unwrap().exposure_is_known());
    // Rights that were lost since: the list is refused.
    let mut script = Script::loaded(true);
    script.wait(EXPOSURE_EVERY);
    assert_eq!(script.sent.len(), 1);
    for id in [script.open[0].0, script.open[1].0] {
        script.refuse(id, "unauthorized").unwrap();
    }
    assert!(!script.follower.snapshot().unwrap().exposure_is_known());
    assert!(!script.follower.facts().is_admin);
}

#[test]
fn a_refused_part_is_an_error_that_names_it() {
    let mut script = Script::new(true);
    let asked = script
        .open
        .iter()
        .find(|(_, c)| c["type"] == "get_config")
        .unwrap()
        .0;
    let error = script.refuse(asked, "unknown_command").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration was refused: unknown_command"
    );
    let mut script = Script::new(true);
    let asked = script
        .open
        .iter()
        .find(|(_, c)| c["type"] == "get_config")
        .unwrap()
        .0;
    assert!(script.answer(asked, &json!("nonsense")).is_err());
}

#[test]
fn a_lost_event_or_an_unknown_difference_brings_a_fresh_subscription() {
    let mut script = Script::loaded(true);
    let old = script.states_id();
    let lost =
        json!({"id": old, "type": "result", "success": false, "error": {"code": "unknown_error"}});
    script.say(&lost).unwrap();
    assert_eq!(script.sent, [["subscribe_entities"]]);
    let fresh = script.open[0].0;
    script.answer(fresh, &Json::Null).unwrap();
    // What the old subscription still says is applied until the new one has spoken.
    script
        .event(old, &json!({"c": {"sun.sun": {"+": {"s": "down"}}}}))
        .unwrap();
    script
        .event(
            fresh,
            &json!({"a": {"sun.moon": {"s": "x", "a": {}, "c": "x", "lc": 2.0}}}),
        )
        .unwrap();
    assert_eq!(script.entity_ids(), ["sun.moon"]);
    assert_eq!(script.sent[1..], [["unsubscribe_events"]]);
    assert_eq!(script.open[0].1["subscription"], old);
    script
        .event(old, &json!({"c": {"sun.sun": {"+": {"s": "late"}}}}))
        .unwrap();
    assert_eq!(script.entity_ids(), ["sun.moon"]);
    // A difference for an unknown entity, soon after: the next one waits.
    script.sent.clear();
    script
        .event(fresh, &json!({"c": {"sun.sun": {"+": {"s": "x"}}}}))
        .unwrap();
    assert!(script.sent.is_empty());
    script.wait(RESYNC_EVERY);
    assert_eq!(script.sent, [["subscribe_entities"]]);
    assert_eq!(script.follower.facts().resyncs, 2);
}

#[test]
fn a_first_event_that_is_lost_leaves_nothing_open() {
    let mut script = Script::loaded(true);
    let lost = |id: u64| json!({"id": id, "type": "result", "success": false, "error": {"code": "unknown_error"}});
    let old = script.states_id();
    script.say(&lost(old)).unwrap();
    let fresh = script.open[0].0;
    script.answer(fresh, &Json::Null).unwrap();
    script.say(&lost(fresh)).unwrap();
    assert_eq!(
        script.sent,
        [["subscribe_entities"], ["unsubscribe_events"]]
    );
    assert_eq!(script.open[0].1["subscription"], fresh);
    assert_eq!(script.states_id(), old);
    script.wait(RESYNC_EVERY * 2);
    assert_eq!(script.sent[2..], [["subscribe_entities"]]);
    // The same for an entity that is fetched alone.
    let mut script = Script::loaded(true);
    let states = script.states_id();
    script
        .event(states, &json!({"c": {"light.a": {"+": {"a": {"new": 1}}}}}))
        .unwrap();
    script.wait(Duration::from_secs(1));
    let alone = script.open[0].0;
    script.answer(alone, &Json::Null).unwrap();
    script.say(&lost(alone)).unwrap();
    assert_eq!(
        script.sent,
        [["subscribe_entities"], ["unsubscribe_events"]]
    );
}

#[test]
fn an_entity_of_unknown_order_is_fetched_once_and_alone() {
    let mut script = Script::loaded(true);
    let states = script.states_id();
    let diff = json!({"c": {"light.a": {"+": {"a": {"new": 1}}}}});
    script.event(states, &diff).unwrap();
    script.event(states, &diff).unwrap();
    assert!(script.sent.is_empty());
    script.wait(Duration::from_secs(1));
    assert_eq!(script.sent, [["subscribe_entities"]]);
    let (id, command) = script.open[0].clone();
    assert_eq!(command["entity_ids"], json!(["light.a"]));
    script.answer(id, &Json::Null).unwrap();
    script
        .event(
            id,
            &json!({"a": {"light.a": {"s": "on", "a": {"new": 1, "b": 1}, "c": "x", "lc": 1.0}}}),
        )
        .unwrap();
    assert_eq!(script.sent[1..], [["unsubscribe_events"]]);
    let snapshot = script.follower.snapshot().unwrap();
    let id = EntityId::parse("light.a").unwrap();
    let keys = snapshot.entity(&id).unwrap().state().attributes.iter();
    assert_eq!(
        keys.map(|(key, _)| key.to_string()).collect::<Vec<_>>(),
        ["new", "b"]
    );
}

#[test]
fn a_burst_of_registry_events_is_one_fetch() {
    let mut script = Script::loaded(true);
    for _ in 0..100 {
        script.fire(
            EventType::AreaRegistryUpdated,
            &json!({"action": "update", "area_id": "attic"}),
        );
    }
    assert!(script.sent.is_empty());
    script.wait(Duration::from_secs(1));
    assert_eq!(script.sent, [["config/area_registry/list"]]);
    script.sent.clear();
    for _ in 0..100 {
        let change = json!({"action": "update", "entity_id": "light.a", "changes": {"name": null}});
        script.fire(EventType::EntityRegistryUpdated, &change);
    }
    // The first goes out at once, the rest when it is answered.
    assert_eq!(script.sent, [["config/entity_registry/get_entries"]]);
    script.answer_all().unwrap();
    assert_eq!(script.sent.len(), 2);
}

#[test]
fn an_entity_is_not_shown_before_its_entry_and_its_device() {
    let mut script = Script::loaded(true);
    let id = EntityId::parse("light.b").unwrap();
    let shown = |script: &mut Script| {
        let snapshot = script.follower.poll_snapshot().unwrap();
        snapshot.entity(&id).is_some()
    };
    let states = script.states_id();
    let create = json!({"action": "create", "entity_id": "light.b"});
    script.fire(EventType::EntityRegistryUpdated, &create);
    script.fire(
        EventType::DeviceRegistryUpdated,
        &json!({"action": "create", "device_id": "d"}),
    );
    let added = json!({"a": {"light.b": {"s": "on", "a": {}, "c": "x", "lc": 3.0}}});
    script.event(states, &added).unwrap();
    assert!(!shown(&mut script));
    assert_eq!(script.follower.snapshot().unwrap().entity_count(), 3);
    let (asked, _) = script.open[0].clone();
    let entries = json!({"light.b": {"entity_id": "light.b", "id": "2", "device_id": "d"}});
    script.answer(asked, &entries).unwrap();
    assert!(!shown(&mut script));
    script.wait(LIST_DEBOUNCE);
    let (asked, command) = script.open[0].clone();
    assert_eq!(command["type"], "config/device_registry/list");
    script.answer(asked, &json!([{"id": "d"}])).unwrap();
    assert!(shown(&mut script));
}

#[test]
fn a_renamed_or_removed_entity_is_never_seen_without_its_entry() {
    let mut script = Script::loaded(true);
    let id = |text: &str| EntityId::parse(text).unwrap();
    let rename = json!({"action": "update", "entity_id": "light.z", "old_entity_id": "light.a", "changes": {}});
    script.fire(EventType::EntityRegistryUpdated, &rename);
    let snapshot = script.follower.poll_snapshot().unwrap();
    assert!(snapshot.entity(&id("light.a")).is_none());
    let moved = snapshot.registry().entity(&id("light.z")).unwrap();
    assert_eq!(moved.id.as_str(), "1");
    let remove = json!({"action": "remove", "entity_id": "light.z"});
    script
        .event(
            script.states_id(),
            &json!({"a": {"light.z": {"s": "on", "a": {}, "c": "x", "lc": 3.0}}}),
        )
        .unwrap();
    script.fire(EventType::EntityRegistryUpdated, &remove);
    let snapshot = script.follower.poll_snapshot().unwrap();
    assert!(snapshot.entity(&id("light.z")).is_none());
}

#[test]
fn what_is_not_the_followers_is_given_back() {
    let mut script = Script::loaded(true);
    let mine = script
        .session
        .request(&Command::GetStates, script.now + LOAD);
    script.session.handle_text(
        &json!({"id": mine.wire(), "type": "result", "success": true, "result": []}).to_string(),
        script.now,
    );
    let event = script.session.poll_event().unwrap();
    let back = script
        .follower
        .handle(&mut script.session, event, script.now)
        .unwrap();
    assert!(matches!(back, Some(SessionEvent::Resolved { id, .. }) if id == mine));
    script.session.handle_gone();
    let mut closed = 0;
    while let Some(event) = script.session.poll_event() {
        let back = script
            .follower
            .handle(&mut script.session, event, script.now)
            .unwrap();
        closed += u32::from(matches!(back, Some(SessionEvent::Closed(Closed::Gone))));
    }
    assert_eq!(closed, 1);
}
