//! What somebody can do to a log whose key he has not, and what the check says of it.

use redb::{ReadableTable, Table};
use sha2::{Digest, Sha256};

use super::*;
use crate::audit::AuditConfig;
use crate::audit::tests::{commit, open, record, soon};
use crate::disk::Disk;
use crate::schema::{AUDIT_ANCHOR, AUDIT_ENDS, AUDIT_HEAD};
use crate::stored::Stored;

type Rows<'a> = Table<'a, u64, &'static [u8]>;
type EndRows<'a> = Table<'a, &'static str, &'static [u8]>;

const RECORDS: i64 = 6;

/// A log of six records that `config` let stay.
async fn written(config: AuditConfig) -> Disk {
    let disk = Disk::default();
    let store = open(&disk, config);
    for number in 1..=RECORDS {
        commit(store.audit(), record(number)).await.unwrap();
    }
    store.close();
    disk
}

fn tamper(disk: &Disk, with: impl FnOnce(&mut Rows<'_>, &mut EndRows<'_>)) {
    let database = disk.database();
    let tampered = database.write(|transaction| {
        let mut rows = transaction.open_table(AUDIT)?;
        let mut ends = transaction.open_table(AUDIT_ENDS)?;
        with(&mut rows, &mut ends);
        Ok(())
    });
    tampered.unwrap();
    database.close();
}

/// What the check says of six records with which somebody did something.
async fn check_after(with: impl FnOnce(&mut Rows<'_>, &mut EndRows<'_>)) -> Chain {
    let disk = written(AuditConfig::default()).await;
    tamper(&disk, with);
    open(&disk, AuditConfig::default()).audit().check().unwrap()
}

fn broken(seq: u64, damage: Damage) -> Chain {
    Chain::Broken { seq, damage }
}

fn get(rows: &Rows<'_>, seq: u64) -> Vec<u8> {
    rows.get(seq).unwrap().unwrap().value().to_vec()
}

fn put(rows: &mut Rows<'_>, seq: u64, bytes: &[u8]) {
    rows.insert(seq, bytes).unwrap();
}

fn cut_from(rows: &mut Rows<'_>, seq: u64) {
    rows.retain(|at, _| at < seq).unwrap();
}

/// A record with other words, and the right place in the chain.
fn rewritten(bytes: &[u8], seq: u64, prev: &[u8]) -> Vec<u8> {
    let mut value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    value["resource"] = "/api/forged".into();
    value["seq"] = seq.into();
    if !prev.is_empty() {
        value["prev"] = hex::encode(Sha256::digest(prev)).into();
    }
    serde_json::to_vec(&value).unwrap()
}

#[tokio::test]
async fn nothing_done_is_nothing_found() {
    assert_eq!(check_after(|_, _| {}).await, Chain::Whole { records: 6 });
}

#[tokio::test]
async fn a_flipped_byte_is_found_in_its_record() {
    for number in 1..=6 {
        for part in [
            "\"resource\":\"/api",
            "\"seq\":",
            "\"prev\":\"",
            "\"v\":1",
            "allowed",
        ] {
            let found = check_after(|rows, _| {
                let mut bytes = get(rows, number);
                let text = String::from_utf8(bytes.clone()).unwrap();
                bytes[text.find(part).unwrap() + part.len() - 1] ^= 1;
                put(rows, number, &bytes);
            });
            assert_eq!(
                found.await,
                broken(number, Damage::Altered),
                "{number} {part}"
            );
        }
        // A number that is another number.
        let found = check_after(|rows, _| {
            let text = String::from_utf8(get(rows, number)).unwrap();
            let other = text.replace(&format!("\"seq\":{number}"), "\"seq\":9");
            put(rows, number, other.as_bytes());
        });
        assert_eq!(found.await, broken(number, Damage::Altered), "{number}");
    }
}

#[tokio::test]
async fn a_byte_flipped_on_the_disk_is_found() {
    let disk = written(AuditConfig::default()).await;
    // Pages that are no longer used may hold the text too.
    while disk.flip_byte_of("/api/2") {}
    let after = open(&disk, AuditConfig::default());
    let found = after.audit().check().unwrap();
    assert_eq!(found, broken(2, Damage::Altered));
}

#[tokio::test]
async fn a_removed_record_is_found() {
    for gone in 1..=5 {
        let found = check_after(|rows, _| drop(rows.remove(gone).unwrap()));
        assert_eq!(found.await, broken(gone, Damage::Missing));
        // The others moved up, so that there is no gap.
        let found = check_after(|rows, _| {
            for seq in gone..6 {
                let next = get(rows, seq + 1);
                put(rows, seq, &next);
            }
            rows.remove(6).unwrap();
        });
        assert_eq!(
            found.await,
            broken(gone, Damage::Missing),
            "{gone} moved up"
        );
    }
}

#[tokio::test]
async fn records_that_changed_places_are_found() {
    for (one, other) in [(1, 2), (2, 5), (5, 6)] {
        let found = check_after(|rows, _| {
            let (first, second) = (get(rows, one), get(rows, other));
            put(rows, one, &second);
            put(rows, other, &first);
        });
        assert_eq!(found.await, broken(one, Damage::Reordered));
    }
}

#[tokio::test]
async fn an_inserted_record_is_found() {
    for (seq, after) in [(2, 1), (3, 2), (6, 5)] {
        // It fits what lies before it; the others moved down.
        let found = check_after(|rows, _| {
            for place in (seq..=6).rev() {
                let moved = get(rows, place);
                put(rows, place + 1, &moved);
            }
            let (before, model) = (get(rows, after), get(rows, seq));
            put(rows, seq, &rewritten(&model, seq, &before));
        });
        assert_eq!(found.await, broken(seq, Damage::Inserted));
        // The same, and the one that follows was given its new number.
        let found = check_after(|rows, _| {
            for place in (seq..=6).rev() {
                let moved = rewritten(&get(rows, place), place + 1, &[]);
                put(rows, place + 1, &moved);
            }
            let (before, model) = (get(rows, after), get(rows, seq));
            put(rows, seq, &rewritten(&model, seq, &before));
        });
        assert_eq!(found.await, broken(seq, Damage::Inserted));
    }
    let copied = check_after(|rows, _| {
        let copy = get(rows, 2);
        put(rows, 4, &copy);
    });
    assert_eq!(copied.await, broken(4, Damage::Inserted));
    let behind = check_after(|rows, _| {
        let forged = rewritten(&get(rows, 6), 7, &get(rows, 6));
        put(rows, 7, &forged);
    });
    assert_eq!(behind.await, broken(7, Damage::Inserted), "behind the last");
}

#[tokio::test]
async fn a_cut_tail_is_found_by_the_head() {
    for from in 1..=6 {
        let found = check_after(|rows, _| cut_from(rows, from)).await;
        assert_eq!(found, broken(from, Damage::TailCut { written: 6 }));
        // With a head that was made to fit, which has no seal, an older one, or one of the other end.
        let found = check_after(|rows, ends| {
            let last = match from {
                1 => End::before_the_first(),
                from => End::at(from - 1, &get(rows, from - 1)),
            };
            cut_from(rows, from);
            let bytes = last.encode().unwrap();
            ends.insert(AUDIT_HEAD, bytes.as_slice()).unwrap();
        });
        let seal = Damage::Seal(SealFault::Unsealed);
        assert_eq!(found.await, broken(from - 1, seal));
        let found = check_after(|rows, ends| {
            let mut last = End::before_the_first();
            if from > 1 {
                last = End::at(from - 1, &get(rows, from - 1));
            }
            let sealed = End::decode(ends.get(AUDIT_HEAD).unwrap().unwrap().value()).unwrap();
            (last.key, last.mac) = (sealed.key, sealed.mac);
            cut_from(rows, from);
            let bytes = last.encode().unwrap();
            ends.insert(AUDIT_HEAD, bytes.as_slice()).unwrap();
        });
        let seal = Damage::Seal(SealFault::Forged);
        assert_eq!(found.await, broken(from - 1, seal));
    }
    let without = check_after(|_, ends| drop(ends.remove(AUDIT_HEAD).unwrap()));
    assert_eq!(without.await, broken(6, Damage::HeadMissing));
}

#[tokio::test]
async fn a_log_written_anew_is_found_by_the_seal() {
    let found = check_after(|rows, ends| {
        let mut before = get(rows, 2);
        for seq in 3..=6 {
            let anew = rewritten(&get(rows, seq), seq, &before);
            put(rows, seq, &anew);
            before = anew;
        }
        let sealed = End::decode(ends.get(AUDIT_HEAD).unwrap().unwrap().value()).unwrap();
        let mut head = End::at(6, &before);
        (head.key, head.mac) = (sealed.key, sealed.mac);
        let bytes = head.encode().unwrap();
        ends.insert(AUDIT_HEAD, bytes.as_slice()).unwrap();
    });
    assert_eq!(found.await, broken(6, Damage::Seal(SealFault::Forged)));
}

#[tokio::test]
async fn what_was_pruned_leaves_an_anchor_that_nobody_can_move() {
    let config = AuditConfig {
        keep_records_max: 4,
        ..AuditConfig::default()
    };
    let disk = written(config.clone()).await;
    let check = |disk: &Disk| open(disk, config.clone()).audit().check().unwrap();
    assert_eq!(check(&disk), Chain::Whole { records: 4 });
    // More is cut from the front, and the anchor made to fit.
    tamper(&disk, |rows, ends| {
        let mut anchor = End::at(4, &get(rows, 4));
        let sealed = End::decode(ends.get(AUDIT_ANCHOR).unwrap().unwrap().value()).unwrap();
        (anchor.key, anchor.mac) = (sealed.key, sealed.mac);
        rows.retain(|seq, _| seq > 4).unwrap();
        let bytes = anchor.encode().unwrap();
        ends.insert(AUDIT_ANCHOR, bytes.as_slice()).unwrap();
    });
    assert_eq!(check(&disk), broken(6, Damage::Seal(SealFault::Forged)));

    let disk = written(config.clone()).await;
    tamper(&disk, |rows, _| drop(rows.remove(3).unwrap()));
    assert_eq!(check(&disk), broken(3, Damage::Missing));
    let disk = written(config.clone()).await;
    tamper(&disk, |_, ends| drop(ends.remove(AUDIT_ANCHOR).unwrap()));
    assert_eq!(check(&disk), broken(1, Damage::Missing));
    let disk = written(config.clone()).await;
    tamper(&disk, |rows, _| {
        let old = get(rows, 3);
        put(rows, 2, &old);
    });
    assert_eq!(
        check(&disk),
        broken(2, Damage::Inserted),
        "before the anchor"
    );
    let disk = written(config.clone()).await;
    tamper(&disk, |_, ends| {
        ends.insert(AUDIT_ANCHOR, b"{".as_slice()).unwrap();
    });
    let refused = crate::Store::of(disk.database(), KeyPlace::in_memory(), &Default::default());
    assert!(
        matches!(refused, Err(StoreError::Corrupt(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn going_on_does_not_hide_what_was_done_before() {
    let disk = written(AuditConfig::default()).await;
    tamper(&disk, |rows, _| cut_from(rows, 5));
    let after = open(&disk, AuditConfig::default());
    commit(after.audit(), record(7)).await.unwrap();
    assert_eq!(after.audit().check().unwrap(), broken(5, Damage::Missing));

    // A log that was written anew is continued under the right key, and that is on record.
    let disk = written(AuditConfig::default()).await;
    tamper(&disk, |rows, ends| {
        let last = End::at(4, &get(rows, 4));
        cut_from(rows, 5);
        let bytes = last.encode().unwrap();
        ends.insert(AUDIT_HEAD, bytes.as_slice()).unwrap();
    });
    let after = open(&disk, AuditConfig::default());
    commit(after.audit(), record(7)).await.unwrap();
    let resealed = Chain::Resealed {
        records: 6,
        seq: 5,
        fault: SealFault::Unsealed,
    };
    assert_eq!(after.audit().check().unwrap(), resealed);
    assert!(after.audit().drain(soon()).await);
    after.close();
    let later = open(&disk, AuditConfig::default());
    assert_eq!(
        later.audit().check().unwrap(),
        resealed,
        "as long as it is kept"
    );
}

#[test]
fn faults_are_read_back() {
    for fault in SealFault::ALL {
        assert_eq!(SealFault::from_name(fault.name()), Some(fault));
    }
}
