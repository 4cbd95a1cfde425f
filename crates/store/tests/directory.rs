//! The store on a real disk: who may read it, who may open it, and what a killed process leaves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use housekey_home::time::UtcMicros;
use housekey_policy::Scope;
use housekey_store::audit::{Chain, Client, Damage, Outcome, Payload, Phase, Record, SealFault};
use housekey_store::token::{NewToken, Rate};
use housekey_store::{Presented, Principal, RawToken, Store, StoreError, TokenId, TokenName};

const FILE: &str = "housekey.redb";
const KEY: [u8; 32] = [7; 32];

fn secret(number: u8) -> RawToken {
    RawToken::from_random([number; 32])
}

fn create(store: &Store, number: u8) -> TokenId {
    let new = NewToken {
        id: TokenId::from_random([number; 16]),
        name: TokenName::parse(&format!("name-{number}")).unwrap(),
        created_by: Principal::Local(1000),
        expires_at: None,
        scope: Scope::default(),
        rate: Rate::default(),
    };
    let token = store.tokens().create(new, &secret(number), UtcMicros(1));
    token.unwrap().id.clone()
}

fn record(number: i64) -> Record {
    Record {
        request_id: number.to_string(),
        at: UtcMicros(number),
        token_id: None,
        token_name: None,
        principal: Some(Principal::Session),
        face: "panel".into(),
        method: "POST".into(),
        resource: "/tokens".to_owned(),
        outcome: Outcome::Allowed,
        client: Client::parse("192.0.2.1"),
        pass_through: false,
        payload: Some(Payload::new("{}".to_owned())),
        stale_s: None,
        phase: Phase::Intent,
        count: 1,
    }
}

/// Writes records, each on the disk before the next.
fn commit(store: &Store, numbers: impl Iterator<Item = i64>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        for number in numbers {
            let soon = tokio::time::Instant::now() + Duration::from_secs(30);
            let mut slot = store.audit().reserve(soon).await.unwrap();
            slot.commit(record(number)).await.unwrap();
        }
    });
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn only_the_owner_can_read_it() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("a/b");
    drop(Store::open(&directory, KEY).unwrap());
    assert_eq!(
        (mode(&directory), mode(&directory.join(FILE))),
        (0o700, 0o600)
    );

    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(directory.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    drop(Store::open(&directory, KEY).unwrap());
    assert_eq!(
        (mode(&directory), mode(&directory.join(FILE))),
        (0o700, 0o600)
    );
}

#[test]
fn one_process_has_it() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), KEY).unwrap();
    create(&store, 1);
    assert!(matches!(
        Store::open(home.path(), KEY),
        Err(StoreError::InUse)
    ));
    store.close();
    let again = Store::open(home.path(), KEY).unwrap();
    assert_eq!(again.tokens().list().len(), 1);
    let closed = store
        .tokens()
        .revoke(&TokenId::from_random([1; 16]), UtcMicros(2));
    assert_eq!(closed.unwrap_err().to_string(), "the store is closed");
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    let home = tempfile::tempdir().unwrap();
    drop(Store::open(home.path(), KEY).unwrap());
    let meta: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("meta");
    let database = redb::Database::open(home.path().join(FILE)).unwrap();
    let change = database.begin_write().unwrap();
    let newer = br#"{"v":1,"schema":2}"#.as_slice();
    change
        .open_table(meta)
        .unwrap()
        .insert("schema", newer)
        .unwrap();
    change.commit().unwrap();
    drop(database);
    let refused = Store::open(home.path(), KEY).unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Schema {
                found: 2,
                supported: 1
            }
        ),
        "{refused}"
    );
}

#[test]
fn what_is_no_database_is_damage() {
    let home = tempfile::tempdir().unwrap();
    fs::write(
        home.path().join(FILE),
        b"something else, long enough to be read".repeat(99),
    )
    .unwrap();
    let refused = Store::open(home.path(), KEY).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
}

#[test]
fn no_byte_on_the_disk_gives_a_secret_away() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), KEY).unwrap();
    for number in 1..=3 {
        create(&store, number);
    }
    let id = create(&store, 4);
    store
        .tokens()
        .rotate(&id, &secret(5), UtcMicros(2))
        .unwrap();
    store.tokens().revoke(&id, UtcMicros(3)).unwrap();
    commit(&store, 1..=3);
    store.close();
    let bytes = fs::read(home.path().join(FILE)).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"name-1"), "the search finds what is there");
    for number in 1..=5 {
        let secret = secret(number);
        assert!(!holds(secret.expose().as_bytes()));
        assert!(!holds(&secret.expose().as_bytes()[4..]));
        assert!(!holds(&[number; 32]));
    }
}

/// Set for the process that is to be killed: the directory of its store.
const VICTIM: &str = "HOUSEKEY_TEST_VICTIM";

#[test]
fn a_killed_process_leaves_every_change_and_every_intent() {
    if let Some(directory) = std::env::var_os(VICTIM) {
        let store = Store::open(Path::new(&directory), KEY).unwrap();
        for number in 1..=5 {
            create(&store, number);
            commit(&store, [i64::from(number)].into_iter());
        }
        store
            .tokens()
            .revoke(&TokenId::from_random([2; 16]), UtcMicros(9))
            .unwrap();
        std::process::abort();
    }
    let home = tempfile::tempdir().unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim.args([
        "--exact",
        "a_killed_process_leaves_every_change_and_every_intent",
    ]);
    let ended = victim.env(VICTIM, home.path()).output().unwrap();
    assert_eq!(ended.status.signal(), Some(6), "{ended:?}");

    let store = Store::open(home.path(), KEY).unwrap();
    let tokens: Vec<_> = store
        .tokens()
        .list()
        .iter()
        .map(|t| t.name.to_string())
        .collect();
    assert_eq!(tokens, ["name-1", "name-3", "name-4", "name-5"]);
    let opens = |number| {
        store
            .tokens()
            .find(&Presented::parse(secret(number).expose()).unwrap())
    };
    assert!(opens(1).is_some() && opens(2).is_none());
    let kept = store.audit().read(100, 0).unwrap();
    let numbers: Vec<_> = kept.iter().map(|kept| kept.record.at.0).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(store.audit().check().unwrap(), Chain::Whole { records: 5 });
}

/// A directory with three records, and the file of the key.
fn with_records() -> (tempfile::TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), KEY).unwrap();
    commit(&store, 1..=3);
    store.close();
    let key = home.path().join("audit.key");
    (home, key)
}

/// What a check says before anything is written, and after a fourth record.
fn checks(home: &Path, fresh: [u8; 32]) -> [Chain; 2] {
    let store = Store::open(home, fresh).unwrap();
    let before = store.audit().check().unwrap();
    commit(&store, 4..=4);
    [before, store.audit().check().unwrap()]
}

#[test]
fn the_key_lies_beside_the_database_for_its_owner_only() {
    let (home, key) = with_records();
    assert_eq!(mode(&key), 0o600);
    assert!(!home.path().join("audit.key.new").exists());
    assert_eq!(fs::read_to_string(&key).unwrap().trim(), "07".repeat(32));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let [before, after] = checks(home.path(), [8; 32]);
    assert_eq!(before, Chain::Whole { records: 3 });
    assert_eq!(after, Chain::Whole { records: 4 });
    assert_eq!(mode(&key), 0o600);
    assert_eq!(
        fs::read_to_string(&key).unwrap().trim(),
        "07".repeat(32),
        "a key stays"
    );
}

#[test]
fn nothing_is_made_before_there_is_something_to_seal() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), KEY).unwrap();
    create(&store, 1);
    assert_eq!(store.audit().check().unwrap(), Chain::Whole { records: 0 });
    store.close();
    assert!(!home.path().join("audit.key").exists());
}

#[test]
fn a_missing_key_is_said_so() {
    let (home, key) = with_records();
    fs::remove_file(&key).unwrap();
    // Looking changes nothing.
    for _ in 0..2 {
        let store = Store::open(home.path(), [8; 32]).unwrap();
        let fault = SealFault::KeyMissing;
        let missing = Chain::Broken {
            seq: 3,
            damage: Damage::Seal(fault),
        };
        assert_eq!(store.audit().check().unwrap(), missing);
        assert!(!key.exists());
    }
    let fault = SealFault::KeyMissing;
    let [_, after] = checks(home.path(), [8; 32]);
    let resealed = Chain::Resealed {
        records: 5,
        seq: 4,
        fault,
    };
    assert_eq!(after, resealed);
    assert_eq!(mode(&key), 0o600);
    let [before, _] = checks(home.path(), [9; 32]);
    assert_eq!(
        before, resealed,
        "the new key is kept, and what happened is still known"
    );
}

#[test]
fn a_replaced_key_is_said_so() {
    for other in ["08".repeat(32), "no key".to_owned(), String::new()] {
        let (home, key) = with_records();
        fs::write(&key, other).unwrap();
        let [before, after] = checks(home.path(), [9; 32]);
        let fault = SealFault::KeyReplaced;
        let damage = Damage::Seal(fault);
        assert_eq!(before, Chain::Broken { seq: 3, damage });
        let resealed = Chain::Resealed {
            records: 5,
            seq: 4,
            fault,
        };
        assert_eq!(after, resealed);
        let kept = fs::read_to_string(&key).unwrap();
        assert_eq!(kept.trim().len(), 64, "what was no key is one afterwards");
    }
}

#[test]
fn a_key_that_goes_while_the_program_runs_is_said_so() {
    let (home, key) = with_records();
    let store = Store::open(home.path(), KEY).unwrap();
    fs::remove_file(&key).unwrap();
    let damage = Damage::Seal(SealFault::KeyMissing);
    assert_eq!(
        store.audit().check().unwrap(),
        Chain::Broken { seq: 3, damage }
    );
}

#[test]
fn a_key_without_the_log_that_it_sealed_is_said_so() {
    let (home, _) = with_records();
    fs::remove_file(home.path().join(FILE)).unwrap();
    let [before, after] = checks(home.path(), [8; 32]);
    let fault = SealFault::Emptied;
    let damage = Damage::Seal(fault);
    assert_eq!(before, Chain::Broken { seq: 0, damage });
    let resealed = Chain::Resealed {
        records: 2,
        seq: 1,
        fault,
    };
    assert_eq!(after, resealed);
}

#[test]
fn a_crash_between_the_names_of_a_key_loses_nothing() {
    let (home, key) = with_records();
    let new = home.path().join("audit.key.new");
    fs::rename(&key, &new).unwrap();
    let [before, after] = checks(home.path(), [8; 32]);
    assert_eq!(before, Chain::Whole { records: 3 });
    assert_eq!(after, Chain::Whole { records: 4 });
    assert!(key.exists() && !new.exists());

    // One under which nothing was sealed is no key.
    fs::remove_file(&key).unwrap();
    fs::write(&new, "08".repeat(32)).unwrap();
    let [before, _] = checks(home.path(), [9; 32]);
    let damage = Damage::Seal(SealFault::KeyMissing);
    assert_eq!(before, Chain::Broken { seq: 4, damage });
    assert_eq!(fs::read_to_string(&key).unwrap().trim(), "09".repeat(32));
    assert!(!new.exists());
}
