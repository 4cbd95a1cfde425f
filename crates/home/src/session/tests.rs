//! Laws H1 to H3 over random connections, and the clock of a connection step by step.

use proptest::prelude::*;

use super::*;

const TOKEN: &str = "the-token";

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn opened() -> Session {
    let mut session = Session::new(Secret::new(TOKEN), at(0));
    session.handle_text(
        r#"{"type":"auth_required","ha_version":"2026.11.0"}"#,
        at(0),
    );
    let proof = session.poll_transmit().unwrap();
    assert_eq!(proof, r#"{"type":"auth","access_token":"the-token"}"#);
    session.handle_text(r#"{"type":"auth_ok","ha_version":"2026.11.0"}"#, at(0));
    assert!(matches!(
        session.poll_event(),
        Some(SessionEvent::Ready { .. })
    ));
    assert!(
        session
            .poll_transmit()
            .unwrap()
            .contains("supported_features")
    );
    session
}

#[test]
fn the_token_is_not_printed() {
    let session = Session::new(Secret::new(TOKEN), at(0));
    assert!(!format!("{session:?}").contains(TOKEN));
}

#[test]
fn a_refused_token_ends_the_session_and_its_requests() {
    let mut session = Session::new(Secret::new(TOKEN), at(0));
    let id = session.request(&Command::GetStates, at(60));
    session.handle_text(r#"{"type":"auth_required"}"#, at(0));
    session.poll_transmit();
    session.handle_text(r#"{"type":"auth_invalid","message":"no"}"#, at(1));
    assert!(matches!(
        session.poll_event(),
        Some(SessionEvent::Resolved { id: lost, outcome: Outcome::Lost }) if lost == id
    ));
    let Some(SessionEvent::Closed(Closed::TokenRefused { message })) = session.poll_event() else {
        panic!("closed");
    };
    assert_eq!(message, "no");
    assert!(session.poll_transmit().is_none() && session.poll_timeout().is_none());
    // A late request does not hang.
    let late = session.request(&Command::GetStates, at(60));
    assert!(matches!(
        session.poll_event(),
        Some(SessionEvent::Resolved { id, outcome: Outcome::Lost }) if id == late
    ));
}

#[test]
fn silence_after_a_ping_is_death_and_any_frame_is_life() {
    let mut session = opened();
    assert_eq!(session.poll_timeout(), Some(at(25)));
    session.handle_timeout(at(25));
    assert!(session.poll_transmit().unwrap().contains("\"ping\""));
    session.handle_text(
        r#"{"id":1,"type":"result","success":true,"result":null}"#,
        at(30),
    );
    assert_eq!(session.poll_timeout(), Some(at(55)));
    session.handle_timeout(at(55));
    session.handle_timeout(at(64));
    assert!(session.poll_event().is_none());
    session.handle_timeout(at(65));
    assert!(matches!(
        session.poll_event(),
        Some(SessionEvent::Closed(Closed::Silent))
    ));
}

#[test]
fn authentication_has_a_deadline_of_its_own() {
    let mut session = Session::new(Secret::new(TOKEN), at(0));
    session.handle_timeout(session.poll_timeout().unwrap());
    assert!(matches!(
        session.poll_event(),
        Some(SessionEvent::Closed(Closed::AuthTimeout))
    ));
}

#[test]
fn an_error_after_the_answer_is_a_lost_event() {
    let mut session = opened();
    let id = session.request(&Command::SubscribeEntities { entity_ids: None }, at(60));
    let wire = id.wire();
    let error = format!(
        r#"{{"type":"result","success":false,"error":{{"code":"unknown_error","message":"Invalid JSON in response"}},"id":{wire}}}"#
    );
    session.handle_text(
        &format!(r#"[{{"id":{wire},"type":"result","success":true,"result":null}},{error}]"#),
        at(1),
    );
    assert!(matches!(
        session.poll_event(),
        Some(SessionEvent::Resolved {
            outcome: Outcome::Answer(_),
            ..
        })
    ));
    assert!(
        matches!(session.poll_event(), Some(SessionEvent::EventLost { id: lost }) if lost == id)
    );
}

#[derive(Clone, Debug)]
enum Step {
    Request { deadline: u64 },
    Batch { count: usize },
    Greet,
    Accept,
    Refuse,
    Answer { id: u64, ok: bool },
    Event { id: u64 },
    Coalesced { first: u64, second: u64 },
    Garble,
    Wait { seconds: u64 },
    Gone,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u64..40).prop_map(|deadline| Step::Request { deadline }),
        2 => (0usize..4).prop_map(|count| Step::Batch { count }),
        3 => Just(Step::Greet),
        3 => Just(Step::Accept),
        1 => Just(Step::Refuse),
        8 => (0u64..20, any::<bool>()).prop_map(|(id, ok)| Step::Answer { id, ok }),
        3 => (0u64..20).prop_map(|id| Step::Event { id }),
        3 => (0u64..20, 0u64..20).prop_map(|(first, second)| Step::Coalesced { first, second }),
        1 => Just(Step::Garble),
        4 => (0u64..15).prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Gone),
    ]
}

/// What a transmitted frame holds: its ids, or `None` for authentication.
fn ids_of(frame: &str) -> Option<Vec<u64>> {
    let json: serde_json::Value = serde_json::from_str(frame).unwrap();
    if let Some(commands) = json.as_array() {
        return Some(commands.iter().map(|c| c["id"].as_u64().unwrap()).collect());
    }
    (json["type"] != "auth").then(|| vec![json["id"].as_u64().unwrap()])
}

fn answer(id: u64, ok: bool) -> String {
    if ok {
        format!(r#"{{"id":{id},"type":"result","success":true,"result":[]}}"#)
    } else {
        format!(r#"{{"id":{id},"type":"result","success":false,"error":{{"code":"x"}}}}"#)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn h1_h2_h3_hold_for_any_connection(steps in prop::collection::vec(step(), 0..60)) {
        let mut session = Session::new(Secret::new(TOKEN), at(0));
        let mut now = 0;
        let mut asked = Vec::new();
        let mut resolved = BTreeMap::<RequestId, u32>::new();
        let (mut last_id, mut accepted, mut closed) = (0, false, 0);
        for step in steps.into_iter().chain([Step::Gone]) {
            match step {
                Step::Request { deadline } => {
                    asked.push(session.request(&Command::GetStates, at(now + deadline)));
                }
                Step::Batch { count } => {
                    asked.extend(session.request_batch(&vec![Command::AreaList; count], at(now + 30)));
                }
                Step::Greet => session.handle_text(r#"{"type":"auth_required"}"#, at(now)),
                Step::Accept => session.handle_text(r#"{"type":"auth_ok"}"#, at(now)),
                Step::Refuse => session.handle_text(r#"{"type":"auth_invalid"}"#, at(now)),
                Step::Answer { id, ok } => session.handle_text(&answer(id, ok), at(now)),
                Step::Event { id } => session
                    .handle_text(&format!(r#"{{"id":{id},"type":"event","event":{{}}}}"#), at(now)),
                Step::Coalesced { first, second } => session.handle_text(
                    &format!("[{},{}]", answer(first, true), answer(second, false)),
                    at(now),
                ),
                Step::Garble => session.handle_text("<html>", at(now)),
                Step::Wait { seconds } => {
                    now += seconds;
                    session.handle_timeout(at(now));
                    if let Some(next) = session.poll_timeout() {
                        prop_assert!(next > at(now), "what was due is done");
                    }
                }
                Step::Gone => session.handle_gone(),
            }
            while let Some(event) = session.poll_event() {
                match event {
                    SessionEvent::Ready { .. } => accepted = true,
                    SessionEvent::Resolved { id, .. } => *resolved.entry(id).or_default() += 1,
                    SessionEvent::Closed(_) => closed += 1,
                    SessionEvent::Event { .. } | SessionEvent::EventLost { .. } => {
                        prop_assert!(accepted && closed == 0);
                    }
                }
            }
            while let Some(frame) = session.poll_transmit() {
                if let Some(ids) = ids_of(&frame) {
                    prop_assert!(accepted, "H3: {frame} before auth_ok");
                    for id in ids {
                        prop_assert!(id > last_id, "H1: {id} after {last_id}");
                        last_id = id;
                    }
                } else {
                    prop_assert!(!accepted && closed == 0);
                }
            }
        }
        prop_assert_eq!(closed, 1);
        prop_assert_eq!(session.pending(), 0);
        for id in asked {
            prop_assert_eq!(resolved.remove(&id), Some(1), "H2");
        }
        prop_assert!(resolved.is_empty(), "only what was asked is resolved");
    }
}
