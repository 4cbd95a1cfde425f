//! What readers see while the wire misbehaves.

use std::time::Duration;

use crate::rig::{Rig, TOKEN, at, equal, id, world};
use housekey_home::value::Value;
use housekey_home::wire::{StateDiff, StatesEvent};
use housekey_link::{
    Absence, Answer, CallError, House, Link, LinkConfig, LinkError, Phase, Query, Secret,
};
use housekey_sim::{Dump, Fields, Sim, Upgrade};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const MINUTE: Duration = Duration::from_secs(60);

fn minutes(count: u32) -> Duration {
    MINUTE * count
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    Fields::from_pairs(pairs.iter().map(|(k, v)| ((*k).into(), Value::text(v))))
}

#[tokio::test(start_paused = true)]
async fn the_house_is_loaded_and_followed() {
    let mut rig = Rig::new(world());
    assert!(matches!(
        rig.link.house(),
        House::Absent {
            why: Absence::Connecting
        }
    ));
    let house = rig.until(|house| house.snapshot().is_some()).await;
    assert!(matches!(
        house,
        House::Live {
            starting: false,
            ..
        }
    ));
    rig.until_equal().await;
    rig.sim.with(|world| {
        world.set_state(&id("light.bed_light"), "on", None, at(1));
        world.rename_area("kitchen", "Scullery").unwrap();
        world
            .put_entry(fields(&[("id", "new"), ("entity_id", "light.new")]))
            .unwrap();
        world.set_state(&id("light.new"), "on", Some(Fields::default()), at(2));
        world.add_service("probe", "poke");
    });
    let snapshot = rig.until_equal().await;
    assert_eq!(
        &*snapshot
            .entity(&id("light.bed_light"))
            .unwrap()
            .state()
            .state,
        "on"
    );
    let status = rig.link.status();
    assert_eq!(
        (status.phase, status.loads, status.resyncs),
        (Phase::Live, 1, 0)
    );
    let home = status.home.unwrap();
    assert_eq!(home.entities, snapshot.entity_count());
    assert!(home.is_admin && home.exposure_is_known);
}

#[tokio::test(start_paused = true)]
async fn after_a_cut_there_are_no_ghosts() {
    let mut rig = Rig::live().await;
    let before = rig.link.house().snapshot().unwrap().revision();
    rig.sim.set_net(|net| net.upgrade = Upgrade::Refuse);
    rig.sim.cut();
    let cut_at = Instant::now();
    let house = rig
        .until(|house| matches!(house, House::Stale { .. }))
        .await;
    assert!(
        house
            .snapshot()
            .unwrap()
            .entity(&id("light.bed_light"))
            .is_some()
    );
    rig.sim.with(|world| {
        world.remove_entry(&id("light.bed_light"));
        world.set_state(&id("sensor.born"), "1", Some(Fields::default()), at(1));
    });
    tokio::time::sleep(MINUTE).await;
    let House::Stale { since, .. } = rig.link.house() else {
        panic!("it is stale");
    };
    assert!(since - cut_at < Duration::from_secs(1));
    assert!(rig.link.house().stale_for(Instant::now()).unwrap() >= MINUTE);
    // 0, 1, 2, 3, 4, 5, 5, … seconds: about fifteen attempts a minute.
    assert!(
        (10..20).contains(&rig.dial_count()),
        "{} attempts",
        rig.dial_count()
    );
    rig.sim.set_net(|net| net.upgrade = Upgrade::Accept);
    let snapshot = rig.until_equal().await;
    assert!(snapshot.entity(&id("light.bed_light")).is_none());
    assert!(snapshot.entity(&id("sensor.born")).is_some());
    assert!(
        snapshot.revision() > before,
        "no revision stands for two houses"
    );
    assert_eq!(rig.link.status().loads, 2);
    assert!(matches!(
        rig.link.status().last_error,
        Some((LinkError::Unreachable { .. }, _))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_dead_within_forty_seconds() {
    let mut rig = Rig::live().await;
    rig.sim.set_net(|net| net.stalled = true);
    let stalled_at = Instant::now();
    rig.until(|house| matches!(house, House::Stale { .. }))
        .await;
    let took = Instant::now() - stalled_at;
    assert!(took <= Duration::from_secs(40), "{took:?}");
    rig.sim
        .with(|world| world.set_state(&id("light.bed_light"), "on", None, at(1)));
    rig.sim.set_net(|net| {
        net.stalled = false;
        net.epoch += 1;
    });
    rig.until_equal().await;
}

#[tokio::test(start_paused = true)]
async fn a_live_connection_without_news_stays() {
    let rig = Rig::live().await;
    tokio::time::sleep(minutes(120)).await;
    assert!(matches!(rig.link.house(), House::Live { .. }));
    assert_eq!((rig.dial_count(), rig.link.status().loads), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_tried_once_a_minute_at_most() {
    let mut refusing = world();
    refusing.refuse_auth(Some("Invalid access token or password"));
    let mut rig = Rig::new(refusing);
    rig.until(|house| {
        matches!(
            house,
            House::Absent {
                why: Absence::TokenRefused
            }
        )
    })
    .await;
    tokio::time::sleep(minutes(10)).await;
    assert!(
        (6..=11).contains(&rig.dial_count()),
        "{} attempts",
        rig.dial_count()
    );
    let Some((LinkError::TokenRefused { message }, _)) = rig.link.status().last_error else {
        panic!("the reason is told");
    };
    assert_eq!(&*message, "Invalid access token or password");
    // The token was put right in Home Assistant.
    rig.sim.with(|world| world.refuse_auth(None));
    rig.until_equal().await;
}

#[tokio::test(start_paused = true)]
async fn a_ban_is_left_alone() {
    let mut rig = Rig::live().await;
    rig.sim.set_net(|net| {
        net.upgrade = Upgrade::Status(403);
        net.epoch += 1;
    });
    rig.until_status(|status| matches!(status.last_error, Some((LinkError::Banned, _))))
        .await;
    assert!(matches!(rig.link.house(), House::Stale { .. }));
    let before = rig.dial_count();
    tokio::time::sleep(minutes(60)).await;
    assert!(
        rig.dial_count() - before <= 12,
        "{} attempts",
        rig.dial_count() - before
    );
    rig.sim.set_net(|net| net.upgrade = Upgrade::Accept);
    rig.until_equal().await;
}

#[tokio::test(start_paused = true)]
async fn a_proxy_without_its_backend_is_waited_for() {
    let sim = Sim::new(world());
    sim.set_net(|net| net.upgrade = Upgrade::Status(502));
    let mut rig = Rig::over(sim);
    rig.until(|house| {
        matches!(
            house,
            House::Absent {
                why: Absence::Unreachable
            }
        )
    })
    .await;
    tokio::time::sleep(MINUTE).await;
    let error = rig.link.status().last_error.unwrap().0;
    assert_eq!(error, LinkError::NotReady { status: 502 });
    rig.sim.set_net(|net| net.upgrade = Upgrade::Accept);
    let asked_at = Instant::now();
    rig.until_equal().await;
    assert!(Instant::now() - asked_at < Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn frames_that_have_arrived_are_published_once() {
    for coalesces in [true, false] {
        let sim = Sim::new(world());
        sim.with(|world| world.set_coalescing(coalesces));
        let mut rig = Rig::over(sim);
        rig.until_equal().await;
        let before = rig.link.house().snapshot().unwrap().revision();
        // No await in between: all frames wait when the driver wakes.
        rig.sim.with(|world| {
            for n in 0..600 {
                world.set_state(
                    &id("sensor.burst"),
                    &n.to_string(),
                    Some(Fields::default()),
                    at(n),
                );
            }
        });
        let published = rig.link.status().published;
        rig.until_equal().await;
        let after = rig.link.house().snapshot().unwrap().revision();
        assert!(after.0 - before.0 >= 600);
        let published = rig.link.status().published - published;
        assert!(
            (1..=4).contains(&published),
            "{published} times, coalescing: {coalesces}"
        );
        // More frames than one turn takes: none is lost on the way.
        assert_eq!(rig.link.status().resyncs, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_difference_that_does_not_fit_is_healed_on_the_same_connection() {
    let mut rig = Rig::live().await;
    let unknown = id("sensor.nobody");
    let diff: StateDiff = serde_json::from_str(r#"{"+":{"s":"1"}}"#).unwrap();
    let event = StatesEvent {
        changed: vec![(unknown.clone(), diff)],
        ..StatesEvent::default()
    };
    rig.sim.with(|world| {
        world.set_state_silently(&id("light.bed_light"), "lost", at(1));
        world.spoof(&unknown, &event);
    });
    let snapshot = rig.until_equal().await;
    assert_eq!(
        &*snapshot
            .entity(&id("light.bed_light"))
            .unwrap()
            .state()
            .state,
        "lost"
    );
    let status = rig.link.status();
    assert_eq!((status.loads, status.resyncs, rig.dial_count()), (1, 1, 1));
    // An event that could not be sent is the other way to part.
    tokio::time::sleep(MINUTE).await;
    rig.sim
        .with(|world| world.set_state_and_lose_event(&id("light.bed_light"), "on", at(2)));
    rig.until_equal().await;
    assert_eq!(rig.link.status().resyncs, 2);
    // The nine kinds of events and one subscription of states: the others are closed.
    tokio::time::sleep(MINUTE).await;
    assert_eq!(rig.sim.with(|world| world.subscription_count()), 10);
}

#[tokio::test(start_paused = true)]
async fn a_silent_difference_is_found_by_the_comparison() {
    let mut rig = Rig::live().await;
    rig.sim
        .with(|world| world.set_state_silently(&id("light.bed_light"), "odd", at(1)));
    let before = Instant::now();
    rig.until_equal().await;
    assert!(Instant::now() - before <= minutes(15));
    assert_eq!(rig.link.status().drifted, 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_old_house_stays_until_the_new_one_runs() {
    let mut rig = Rig::live().await;
    let old_count = rig.link.house().snapshot().unwrap().entity_count();
    rig.sim.with(|world| {
        let mut parts = Dump::demo().parts().unwrap();
        parts.states.truncate(5);
        world.restart(parts);
        world.set_config("state", Value::text("STARTING"));
    });
    let house = rig.until(House::is_starting).await;
    assert!(matches!(house, House::Stale { .. }));
    assert_eq!(house.snapshot().unwrap().entity_count(), old_count);
    tokio::time::sleep(MINUTE).await;
    assert!(matches!(
        rig.link.house(),
        House::Stale { starting: true, .. }
    ));
    rig.sim.with(|world| {
        world.set_state(&id("light.late"), "on", Some(Fields::default()), at(1));
        world.set_config("state", Value::text("RUNNING"));
    });
    let house = rig.until(|house| matches!(house, House::Live { .. })).await;
    assert!(!house.is_starting());
    // One step: never the five states of a house that starts.
    assert_eq!(house.snapshot().unwrap().entity_count(), 6);
    rig.until_equal().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_takes_too_long_is_shown_as_it_is() {
    let mut rig = Rig::live().await;
    rig.sim.with(|world| {
        let mut parts = Dump::demo().parts().unwrap();
        parts.states.truncate(5);
        world.restart(parts);
        world.set_config("state", Value::text("STARTING"));
    });
    rig.until(House::is_starting).await;
    let before = Instant::now();
    let house = rig.until(|house| matches!(house, House::Live { .. })).await;
    let took = Instant::now() - before;
    assert!(
        took <= Duration::from_secs(121) && took >= Duration::from_secs(119),
        "{took:?}"
    );
    assert!(house.is_starting());
    assert_eq!(house.snapshot().unwrap().entity_count(), 5);
}

#[tokio::test(start_paused = true)]
async fn on_our_own_first_start_a_starting_house_is_served() {
    let mut starting = world();
    starting.set_config("state", Value::text("STARTING"));
    let mut rig = Rig::new(starting);
    let house = rig.until(|house| house.snapshot().is_some()).await;
    assert!(matches!(house, House::Live { starting: true, .. }));
    rig.sim
        .with(|world| world.set_config("state", Value::text("RUNNING")));
    rig.until(|house| {
        matches!(
            house,
            House::Live {
                starting: false,
                ..
            }
        )
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_normal_user_gets_a_house_without_exposure() {
    let mut normal = world();
    normal.set_admin(false);
    let mut rig = Rig::new(normal);
    rig.until_equal().await;
    let home = rig.link.status().home.unwrap();
    assert!(!home.is_admin && !home.exposure_is_known);
    let Answer::Everything(everything) = rig.link.ask(Query::Everything, MINUTE).await.unwrap();
    assert!(everything.exposed.is_none());
}

#[tokio::test(start_paused = true)]
async fn exposure_without_an_event_is_found_by_asking() {
    let mut rig = Rig::live().await;
    let unregistered = id("sensor.unregistered");
    rig.sim.with(|world| {
        world.set_state(&unregistered, "1", Some(Fields::default()), at(1));
    });
    rig.until_equal().await;
    tokio::time::sleep(MINUTE).await;
    rig.sim.with(|world| world.expose(&unregistered, true));
    let before = Instant::now();
    rig.until(|house| {
        house
            .snapshot()
            .is_some_and(|s| s.is_exposed(&unregistered))
    })
    .await;
    assert!(Instant::now() - before <= MINUTE);
}

#[tokio::test(start_paused = true)]
async fn home_assistants_own_word_can_be_asked_for() {
    let rig = Rig::live().await;
    let Answer::Everything(everything) = rig.link.ask(Query::Everything, MINUTE).await.unwrap();
    let snapshot = &everything.snapshot;
    assert!(
        snapshot
            .entities()
            .map(|e| e.state())
            .eq(everything.states.iter())
    );
    let registry = snapshot.registry();
    assert!(
        registry
            .entities()
            .map(|e| &e.entity_id)
            .eq(everything.entity_ids.iter())
    );
    let entries = everything
        .entries
        .iter()
        .filter_map(|(_, entry)| entry.as_ref());
    assert!(registry.entities().eq(entries));
    assert!(registry.devices().eq(everything.devices.iter()));
    assert!(registry.areas().eq(everything.areas.iter()));
    let exposed = everything.exposed.unwrap();
    let shown = snapshot.entities().map(|e| &e.state().entity_id);
    assert!(
        shown
            .filter(|id| snapshot.is_exposed(id))
            .all(|id| exposed.contains(id))
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_ends() {
    let mut rig = Rig::live().await;
    rig.sim.set_net(|net| net.stalled = true);
    let error = rig
        .link
        .ask(Query::Everything, Duration::from_secs(3))
        .await
        .unwrap_err();
    assert_eq!(error, CallError::Deadline);
    let link = rig.link.clone();
    let asked = tokio::spawn(async move { link.ask(Query::Everything, MINUTE * 5).await });
    tokio::task::yield_now().await;
    rig.sim.set_net(|net| {
        net.upgrade = Upgrade::Refuse;
        net.epoch += 1;
        net.stalled = false;
    });
    assert_eq!(asked.await.unwrap().unwrap_err(), CallError::Lost);
    rig.until(|house| matches!(house, House::Stale { .. }))
        .await;
    let error = rig.link.ask(Query::Everything, MINUTE).await.unwrap_err();
    assert_eq!(error, CallError::NotConnected);
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_the_task_and_leaves_the_last_house() {
    let mut rig = Rig::live().await;
    rig.shutdown.cancel();
    tokio::time::timeout(MINUTE, &mut rig.task)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(rig.link.house(), House::Stale { .. }));
    assert_eq!(rig.link.status().phase, Phase::Stopped);
    let error = rig.link.ask(Query::Everything, MINUTE).await.unwrap_err();
    assert_eq!(error, CallError::NotConnected);
    assert_eq!(rig.sim.with(|world| world.client_count()), 0);
}

/// Over a real socket, in real time.
#[tokio::test]
async fn the_same_over_tcp() {
    let sim = Sim::new(world());
    let (address, server) = sim.bind().await.unwrap();
    let config = LinkConfig::new(&address.to_string(), Secret::new(TOKEN), 7);
    let shutdown = CancellationToken::new();
    let (mut link, task) = Link::start(config, shutdown.clone());
    let deadline = Instant::now() + Duration::from_secs(30);
    link.loaded(deadline).await.unwrap();
    sim.with(|world| world.set_state(&id("light.bed_light"), "on", None, at(1)));
    loop {
        let snapshot = link.house().snapshot().unwrap().clone();
        if equal(&snapshot, &sim.with(|world| world.truth())) {
            break;
        }
        tokio::time::timeout_at(deadline, link.changed())
            .await
            .unwrap();
    }
    shutdown.cancel();
    task.await.unwrap();
    server.abort();
}
