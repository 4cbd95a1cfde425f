//! The way of a record to the disk, with disks that refuse and crash.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::disk::Disk;
use crate::store::{Store, StoreConfig};

/// Long enough for any machine; only a test that fails waits for it.
pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn now() -> Instant {
    Instant::now()
}

pub(super) fn record(number: i64) -> Record {
    Record {
        request_id: format!("request-{number}"),
        at: UtcMicros(number),
        token_id: Some(TokenId::from_random([1; 16])),
        token_name: Some("phone".to_owned()),
        principal: Some(Principal::Token(TokenId::from_random([1; 16]))),
        face: "rest".into(),
        method: "GET".into(),
        resource: format!("/api/{number}"),
        outcome: Outcome::Allowed,
        client: Client::parse("192.0.2.7"),
        pass_through: false,
        payload: Some(Payload::new("{}".to_owned())),
        stale_s: Some(3),
        phase: Phase::Read,
        count: 1,
    }
}

pub(super) fn open(disk: &Disk, audit: AuditConfig) -> Store {
    Store::of(
        disk.database(),
        KeyPlace::in_memory(),
        &StoreConfig { audit },
    )
    .unwrap()
}

/// Batches that end only when somebody waits for them.
fn unhurried() -> AuditConfig {
    AuditConfig {
        batch_ms: 3_600_000,
        ..AuditConfig::default()
    }
}

async fn send(audit: &Audit, record: Record) {
    audit.reserve(soon()).await.unwrap().send(record);
}

pub(super) async fn commit(audit: &Audit, record: Record) -> Result<(), AuditUnavailable> {
    audit.reserve(soon()).await?.commit(record).await
}

fn numbers(store: &Store) -> Vec<i64> {
    let kept = store.audit().read(usize::MAX, 0).unwrap();
    kept.iter().map(|kept| kept.record.at.0).collect()
}

#[tokio::test]
async fn records_come_back_as_they_went_newest_first() {
    let store = Store::in_memory().unwrap();
    let audit = store.audit();
    for number in 1..=5 {
        commit(audit, record(number)).await.unwrap();
    }
    let all = audit.read(10, 0).unwrap();
    assert_eq!(
        all.iter().map(|k| k.seq).collect::<Vec<_>>(),
        [5, 4, 3, 2, 1]
    );
    assert_eq!(all[0].record, record(5));
    let some = audit.read(2, 1).unwrap();
    assert_eq!(some.iter().map(|k| k.seq).collect::<Vec<_>>(), [4, 3]);
    let odd = |record: &Record| record.at.0 % 2 == 1;
    let some = audit.read_where(4, 10, 1, odd).unwrap();
    assert_eq!(
        some.iter().map(|k| k.seq).collect::<Vec<_>>(),
        [3],
        "5 is left out, 1 too old"
    );
    assert_eq!(audit.check().unwrap(), Chain::Whole { records: 5 });
}

#[tokio::test]
async fn a_place_is_free_again_when_its_record_is_written_or_never_comes() {
    let config = AuditConfig {
        queue_records_max: 2,
        ..unhurried()
    };
    let store = open(&Disk::default(), config);
    let audit = store.audit();
    let one = audit.reserve(now()).await.unwrap();
    let two = audit.reserve(now()).await.unwrap();
    assert_eq!(
        audit.reserve(now()).await.unwrap_err(),
        AuditUnavailable::Busy
    );
    drop(one);
    let mut three = audit.reserve(now()).await.unwrap();
    two.send(record(1));
    assert_eq!(
        audit.reserve(now()).await.unwrap_err(),
        AuditUnavailable::Busy,
        "not written"
    );
    three.commit(record(2)).await.unwrap();
    let four = audit.reserve(soon()).await.unwrap();
    let busy = audit.reserve(now()).await.unwrap_err();
    assert_eq!(
        busy,
        AuditUnavailable::Busy,
        "the end of the act has its place"
    );
    three.send(record(3));
    drop(four);
    store.close();
    assert_eq!(
        audit.reserve(soon()).await.unwrap_err(),
        AuditUnavailable::Closed
    );
}

#[tokio::test]
async fn an_intent_survives_a_crash_and_takes_along_what_waits() {
    for mask in [0, u64::MAX, 0x5555_5555_5555_5555, 0xdead_beef] {
        let disk = Disk::default();
        let store = open(&disk, unhurried());
        send(store.audit(), record(1)).await;
        send(store.audit(), record(2)).await;
        commit(store.audit(), record(3)).await.unwrap();
        send(store.audit(), record(4)).await;
        let after = open(&disk.after_crash(mask), unhurried());
        assert_eq!(numbers(&after), [3, 2, 1], "at most the batch is lost");
        assert_eq!(after.audit().check().unwrap(), Chain::Whole { records: 3 });
        commit(after.audit(), record(5)).await.unwrap();
        assert_eq!(after.audit().check().unwrap(), Chain::Whole { records: 5 });
        assert_eq!(starts(&after), [(4, r#"{"stop":"unclean"}"#.to_owned())]);
    }
}

/// The records that say how a program found the log, and their numbers.
fn starts(store: &Store) -> Vec<(u64, String)> {
    let kept = store.audit().read_after(0, usize::MAX).unwrap();
    let starts = kept
        .into_iter()
        .filter(|kept| kept.record.method == "housekey.start");
    let said = |kept: Kept| (kept.seq, kept.record.payload.unwrap().as_str().to_owned());
    starts.map(said).collect()
}

#[tokio::test]
async fn an_unclean_stop_is_on_record_once_and_a_clean_one_never() {
    let unclean = |seq| (seq, r#"{"stop":"unclean"}"#.to_owned());
    let disk = Disk::default();
    let store = open(&disk, AuditConfig::default());
    commit(store.audit(), record(1)).await.unwrap();
    store.close();
    let store = open(&disk, AuditConfig::default());
    commit(store.audit(), record(2)).await.unwrap();
    assert_eq!(starts(&store), []);

    // It ends here without a word, and so does the next one, which wrote nothing.
    let disk = disk.after_crash(0);
    drop(open(&disk, AuditConfig::default()));
    let disk = disk.after_crash(0);
    let store = open(&disk, AuditConfig::default());
    assert_eq!(starts(&store), [], "nobody says what time it is");
    send(store.audit(), record(3)).await;
    store.close();
    let store = open(&disk, AuditConfig::default());
    commit(store.audit(), record(4)).await.unwrap();
    assert_eq!(starts(&store), [unclean(3)]);
    assert_eq!(
        numbers(&store),
        [4, 3, 3, 2, 1],
        "it bears the time of the first record"
    );
    store.close();
}

#[tokio::test]
async fn a_program_that_died_before_its_first_record_is_noticed() {
    let disk = Disk::default();
    let store = open(&disk, unhurried());
    send(store.audit(), record(1)).await;
    let after = open(&disk.after_crash(0), unhurried());
    commit(after.audit(), record(2)).await.unwrap();
    assert_eq!(numbers(&after), [2, 2]);
    assert_eq!(
        starts(&after).len(),
        1,
        "the read is lost, and that something is lost is on record"
    );
}

#[tokio::test]
async fn a_reader_waits_for_the_disk_when_he_has_to() {
    for (reads, is_there) in [(Reads::Batched, false), (Reads::BeforeAnswer, true)] {
        let disk = Disk::default();
        let config = AuditConfig {
            reads,
            ..unhurried()
        };
        let store = open(&disk, config.clone());
        let slot = store.audit().reserve(soon()).await.unwrap();
        slot.finish(record(1)).await.unwrap();
        let after = open(&disk.after_crash(0), config);
        assert_eq!(numbers(&after) == [1], is_there, "{reads:?}");

        let slot = store.audit().reserve(soon()).await.unwrap();
        disk.refuse(true);
        let refused = slot.finish(record(2)).await.is_err();
        assert_eq!(refused, is_there, "{reads:?}: no answer without a record");
    }
    for reads in Reads::ALL {
        assert_eq!(Reads::from_name(reads.name()), Some(reads));
    }
}

#[tokio::test]
async fn what_came_since_is_read_as_it_comes() {
    let store = Store::in_memory().unwrap();
    let audit = store.audit();
    assert_eq!(audit.grown(0, now()).await, 0, "nothing yet");
    let waiting = tokio::spawn({
        let audit = audit.clone();
        async move { audit.grown(1, soon()).await }
    });
    for number in 1..=5 {
        commit(audit, record(number)).await.unwrap();
    }
    assert!(waiting.await.unwrap() > 1);
    assert_eq!(audit.grown(2, now()).await, 5);
    let seqs = |kept: Vec<Kept>| kept.iter().map(|kept| kept.seq).collect::<Vec<_>>();
    assert_eq!(seqs(audit.read_after(2, 2).unwrap()), [3, 4]);
    assert!(seqs(audit.read_after(5, 2).unwrap()).is_empty());
    assert!(seqs(audit.read_after(u64::MAX, 2).unwrap()).is_empty());

    let outcome = Record {
        phase: Phase::Outcome,
        ..record(3)
    };
    commit(audit, outcome).await.unwrap();
    let mention = Record {
        payload: Some(Payload::new("\"request-3\"".to_owned())),
        ..record(6)
    };
    commit(audit, mention).await.unwrap();
    assert_eq!(seqs(audit.of_request("request-3", 10).unwrap()), [3, 6]);
    assert_eq!(seqs(audit.of_request("request-3", 1).unwrap()), [6]);
    assert!(seqs(audit.of_request("request", 10).unwrap()).is_empty());
    assert!(seqs(audit.of_request("", 10).unwrap()).is_empty());
}

#[tokio::test]
async fn a_record_nobody_waits_for_is_written_within_a_batch() {
    let disk = Disk::default();
    let store = open(&disk, AuditConfig::default());
    for number in 1..=3 {
        send(store.audit(), record(number)).await;
    }
    assert!(store.audit().drain(soon()).await);
    let after = open(&disk.after_crash(0), AuditConfig::default());
    assert_eq!(numbers(&after), [3, 2, 1]);
    assert_eq!(
        store.audit().reserve(soon()).await.unwrap_err(),
        AuditUnavailable::Closed
    );
}

#[tokio::test]
async fn what_a_full_disk_refuses_is_kept_and_written_later() {
    let disk = Disk::default();
    let config = AuditConfig {
        retry_ms: 1,
        ..AuditConfig::default()
    };
    let store = open(&disk, config);
    let audit = store.audit();
    commit(audit, record(1)).await.unwrap();
    let early = audit.reserve(soon()).await.unwrap();
    let mut late = audit.reserve(soon()).await.unwrap();

    disk.refuse(true);
    let refused = commit(audit, record(2)).await.unwrap_err();
    assert!(matches!(refused, AuditUnavailable::Failing(_)), "{refused}");
    assert!(matches!(audit.health(), Health::Failing(_)));
    assert!(audit.reserve(soon()).await.is_err());
    early.send(record(3));
    assert!(
        late.commit(record(4)).await.is_err(),
        "told at once, not when the disk is mended"
    );
    assert_eq!(audit.pending(), 3);

    disk.refuse(false);
    drop(late);
    let written = async {
        while audit.pending() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout_at(soon(), written).await.unwrap();
    assert_eq!(numbers(&store), [4, 3, 2, 1]);
    assert_eq!(audit.health(), Health::Good);
    commit(audit, record(5)).await.unwrap();
    let after = open(&disk.after_crash(0), AuditConfig::default());
    assert_eq!(after.audit().check().unwrap(), Chain::Whole { records: 5 });
}

#[tokio::test]
async fn closing_writes_what_waits() {
    let disk = Disk::default();
    let store = open(&disk, unhurried());
    for number in 1..=1200 {
        send(store.audit(), record(number)).await;
    }
    let attempt = |at| FailedAuthentication {
        request_id: "r".to_owned(),
        at: UtcMicros(at),
        client: None,
        face: "rest".into(),
        method: "GET".into(),
        resource: "/".to_owned(),
    };
    for number in 0..10 {
        store.audit().failed_authentication(attempt(number));
    }
    store.close();
    let after = open(&disk.after_crash(0), unhurried());
    let kept = after.audit().read(2, 0).unwrap();
    let counts: Vec<_> = kept
        .iter()
        .map(|k| (k.record.outcome, k.record.count))
        .collect();
    assert_eq!(
        counts,
        [(Outcome::Unauthorized, 9), (Outcome::Unauthorized, 1)]
    );
    assert_eq!(
        after.audit().check().unwrap(),
        Chain::Whole { records: 1202 }
    );
    assert_eq!(
        commit(store.audit(), record(1)).await,
        Err(AuditUnavailable::Closed)
    );
}

#[tokio::test]
async fn the_oldest_go_first_and_the_chain_stays_whole() {
    let config = AuditConfig {
        keep_records_max: 10,
        ..AuditConfig::default()
    };
    let store = open(&Disk::default(), config);
    for number in 1..=35 {
        commit(store.audit(), record(number)).await.unwrap();
    }
    assert_eq!(numbers(&store), (26..=35).rev().collect::<Vec<_>>());
    assert_eq!(store.audit().check().unwrap(), Chain::Whole { records: 10 });
}

#[tokio::test]
async fn records_go_when_they_are_too_old() {
    const DAY: i64 = 86_400 * 1_000_000;
    let config = AuditConfig {
        keep_days_max: Some(2),
        ..AuditConfig::default()
    };
    let store = open(&Disk::default(), config);
    for day in 0..6 {
        commit(store.audit(), record(day * DAY)).await.unwrap();
    }
    assert_eq!(numbers(&store), [5 * DAY, 4 * DAY, 3 * DAY]);
    assert_eq!(store.audit().check().unwrap(), Chain::Whole { records: 3 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_lose_nothing() {
    let config = AuditConfig {
        queue_records_max: 8,
        batch_ms: 1,
        ..AuditConfig::default()
    };
    let store = open(&Disk::default(), config);
    let tasks = (0..16).map(|task| {
        let audit = store.audit().clone();
        tokio::spawn(async move {
            for number in 0..50 {
                let mut slot = audit.reserve(soon()).await.unwrap();
                if number % 5 == 0 {
                    slot.commit(record(task * 1000 + number)).await.unwrap();
                }
                slot.send(record(task * 1000 + number));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert!(store.audit().drain(soon()).await);
    assert_eq!(
        store.audit().check().unwrap(),
        Chain::Whole { records: 16 * 60 }
    );
}

#[test]
fn texts_are_bounded() {
    let long = "ä".repeat(3000);
    let payload = Payload::new(long.clone());
    assert_eq!(
        payload.as_str(),
        format!("{}...[truncated]", "ä".repeat(2048))
    );
    let fits = "ä".repeat(2048);
    assert_eq!(Payload::new(fits.clone()).as_str(), fits);
    assert_eq!(bounded(&long).chars().count(), 512);
}

#[test]
fn names_are_read_back() {
    for outcome in Outcome::ALL {
        assert_eq!(Outcome::from_name(outcome.name()), Some(outcome));
    }
    for phase in Phase::ALL {
        assert_eq!(Phase::from_name(phase.name()), Some(phase));
    }
    for client in ["192.0.2.1", "2001:db8::1", "uid:1000"] {
        assert_eq!(Client::parse(client).unwrap().to_string(), client);
    }
    assert_eq!(Client::parse("uid:x"), None);
}
