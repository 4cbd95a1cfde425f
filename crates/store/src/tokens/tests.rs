//! The index against the tables, over random histories with failing disks and crashes.

use std::collections::BTreeMap;

use housekey_home::id::EntityId;
use housekey_policy::tree::{Anchor, Color, EntityNode, Node};
use proptest::prelude::*;

use super::*;
use crate::audit::KeyPlace;
use crate::disk::Disk;
use crate::principal::Principal;
use crate::store::{Store, StoreConfig};
use crate::token::Rate;

fn open(disk: &Disk) -> Store {
    Store::of(
        disk.database(),
        KeyPlace::in_memory(),
        &StoreConfig::default(),
    )
    .unwrap()
}

fn secret(number: u8) -> RawToken {
    RawToken::from_random([number; 32])
}

fn presented(number: u8) -> Presented {
    Presented::parse(secret(number).expose()).unwrap()
}

fn new_token(number: u8, name: &str) -> NewToken {
    NewToken {
        id: TokenId::from_random([number; 16]),
        name: TokenName::parse(name).unwrap(),
        created_by: Principal::Session,
        expires_at: None,
        scope: Scope::default(),
        rate: Rate::default(),
    }
}

#[test]
fn a_token_is_found_by_its_secret_only() {
    let store = Store::in_memory().unwrap();
    let tokens = store.tokens();
    let one = tokens
        .create(new_token(1, "one"), &secret(1), UtcMicros(5))
        .unwrap();
    tokens
        .create(new_token(2, "two"), &secret(2), UtcMicros(6))
        .unwrap();
    assert_eq!(tokens.find(&presented(1)).unwrap().id, one.id);
    assert!(tokens.find(&presented(3)).is_none());
    let names: Vec<_> = tokens.list().iter().map(|t| t.name.to_string()).collect();
    assert_eq!(names, ["one", "two"]);

    let rotated = tokens.rotate(&one.id, &secret(9), UtcMicros(7)).unwrap();
    assert_eq!((one.generation, rotated.generation), (1, 2));
    assert!(tokens.find(&presented(1)).is_none());
    assert_eq!(tokens.find(&presented(9)).unwrap().id, one.id);
    let reused = tokens.rotate(&one.id, &secret(2), UtcMicros(8));
    assert!(matches!(reused, Err(TokenError::Reused)));
}

#[test]
fn a_name_is_taken_until_its_token_ends() {
    let store = Store::in_memory().unwrap();
    let tokens = store.tokens();
    let create =
        |number, name| tokens.create(new_token(number, name), &secret(number), UtcMicros(1));
    let phone = create(1, "My-Phone").unwrap();
    let other = create(2, "other").unwrap();
    assert!(matches!(create(3, "my_phone"), Err(TokenError::NameTaken)));
    let rename = |id: &TokenId, to: &str| {
        tokens.update(id, UtcMicros(2), |edit| {
            edit.name = TokenName::parse(to).unwrap()
        })
    };
    assert!(matches!(
        rename(&other.id, "MY-PHONE"),
        Err(TokenError::NameTaken)
    ));
    assert!(rename(&phone.id, "my_phone").is_ok(), "its own");
    let by_name = |name: &str| {
        tokens
            .by_name(&TokenName::parse(name).unwrap())
            .map(|t| t.id.clone())
    };
    assert_eq!(by_name("MY_PHONE"), Some(phone.id.clone()));

    let ended = tokens.revoke(&phone.id, UtcMicros(3)).unwrap();
    assert_eq!(
        (ended.status, ended.ended_at),
        (TokenStatus::Revoked, Some(UtcMicros(3)))
    );
    assert_eq!(by_name("my_phone"), None);
    assert!(tokens.find(&presented(1)).is_none());
    assert!(matches!(rename(&phone.id, "xyz"), Err(TokenError::Unknown)));
    assert!(matches!(
        tokens.revoke(&phone.id, UtcMicros(4)),
        Err(TokenError::Unknown)
    ));
    assert!(create(3, "my_phone").is_ok());
    assert!(
        matches!(create(1, "again"), Err(TokenError::Reused)),
        "the id of an archived token"
    );
    assert_eq!(tokens.archived().len(), 1);
    tokens.delete_archived(&phone.id).unwrap();
    assert!(tokens.archived().is_empty());
    assert!(matches!(
        tokens.delete_archived(&other.id),
        Err(TokenError::Unknown)
    ));
}

#[test]
fn a_use_is_no_change_and_reaches_the_disk_when_flushed() {
    let disk = Disk::default();
    let store = open(&disk);
    let tokens = store.tokens();
    let token = tokens
        .create(new_token(1, "one"), &secret(1), UtcMicros(1))
        .unwrap();
    token.touch(UtcMicros(50));
    token.touch(UtcMicros(40));
    let now = tokens.get(&token.id).unwrap();
    assert_eq!(
        (now.last_used_at(), now.generation),
        (Some(UtcMicros(50)), 1)
    );
    let on_disk = |disk: &Disk| open(&disk.after_crash(0)).tokens().list()[0].last_used_at();
    assert_eq!(on_disk(&disk), None);
    disk.refuse(true);
    assert!(tokens.flush_uses().is_err());
    disk.refuse(false);
    tokens.flush_uses().unwrap();
    assert_eq!(on_disk(&disk), Some(UtcMicros(50)));
}

#[test]
fn the_archive_is_bounded() {
    let store = Store::in_memory().unwrap();
    let tokens = store.tokens();
    let first = tokens
        .create(new_token(1, "one"), &secret(1), UtcMicros(1))
        .unwrap();
    tokens.revoke(&first.id, UtcMicros(2)).unwrap();
    let ended = tokens.archived()[0].clone();
    let mut index = Index::clone(&tokens.index.load());
    for number in 0..TOKENS_ARCHIVED_MAX {
        let mut bytes = [0xee; 16];
        bytes[..4].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        let id = TokenId::from_random(bytes);
        let later = Some(UtcMicros(3 + i64::try_from(number).unwrap()));
        let record = TokenRecord {
            id: id.clone(),
            ended_at: later,
            ..TokenRecord::clone(&ended)
        };
        index.archived.insert(id, Arc::new(record));
    }
    tokens.index.store(Arc::new(index));
    let last = tokens
        .create(new_token(2, "two"), &secret(2), UtcMicros(9))
        .unwrap();
    tokens.expire(&last.id, UtcMicros(i64::MAX)).unwrap();
    let archived = tokens.archived();
    assert_eq!(archived.len(), TOKENS_ARCHIVED_MAX);
    assert_eq!(archived.last().unwrap().id, last.id);
    assert!(archived.iter().all(|token| token.id != first.id));
}

#[derive(Clone, Debug)]
enum Act {
    Create(u8),
    Suspend(u8, bool),
    Grant(u8, Color),
    Rotate(u8, u8),
    Revoke(u8),
    Expire(u8),
    Delete(u8),
    Refuse,
    Crash(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let token = 0_u8..6;
    let color = prop_oneof![
        Just(Color::Grey),
        Just(Color::Yellow),
        Just(Color::Green),
        Just(Color::Red)
    ];
    let act = prop_oneof![
        4 => token.clone().prop_map(Act::Create),
        2 => (token.clone(), any::<bool>()).prop_map(|(t, on)| Act::Suspend(t, on)),
        3 => (token.clone(), color).prop_map(|(t, c)| Act::Grant(t, c)),
        1 => (token.clone(), 100_u8..110).prop_map(|(t, s)| Act::Rotate(t, s)),
        1 => token.clone().prop_map(Act::Revoke),
        1 => token.clone().prop_map(Act::Expire),
        1 => token.prop_map(Act::Delete),
        1 => Just(Act::Refuse),
        2 => any::<u64>().prop_map(Act::Crash),
    ];
    prop::collection::vec(act, 1..24)
}

/// What can be seen of all tokens.
fn seen(store: &Store) -> Vec<String> {
    let all = store
        .tokens()
        .list()
        .into_iter()
        .chain(store.tokens().archived());
    all.map(|token| format!("{token:?}")).collect()
}

fn run(store: &Store, act: &Act, now: UtcMicros) -> Result<(), TokenError> {
    let tokens = store.tokens();
    let id = |number: &u8| TokenId::from_random([*number; 16]);
    match act {
        Act::Create(t) => tokens
            .create(new_token(*t, &format!("name{t}")), &secret(*t), now)
            .map(drop),
        Act::Suspend(t, on) => tokens
            .update(&id(t), now, |edit| edit.suspended = *on)
            .map(drop),
        Act::Grant(t, color) => {
            let node = Node {
                color: *color,
                hint: None,
            };
            let anchor = Anchor::Unregistered;
            let entity = EntityId::parse("light.a").unwrap();
            let grant = |edit: &mut TokenEdit| {
                edit.scope
                    .tree
                    .set_entity(entity, EntityNode { node, anchor });
            };
            tokens.update(&id(t), now, grant).map(drop)
        }
        Act::Rotate(t, s) => tokens.rotate(&id(t), &secret(*s), now).map(drop),
        Act::Revoke(t) => tokens.revoke(&id(t), now).map(drop),
        Act::Expire(t) => tokens.expire(&id(t), now).map(drop),
        Act::Delete(t) => tokens.delete_archived(&id(t)),
        Act::Refuse | Act::Crash(_) => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// S2 and S3: what a call that returned `Ok` did is there after any crash, what another did is
    /// not seen, and every secret opens its own token.
    #[test]
    fn the_index_equals_the_tables(acts in acts()) {
        let mut disk = Disk::default();
        let mut store = open(&disk);
        let mut secrets: BTreeMap<TokenId, u8> = BTreeMap::new();
        for (number, act) in acts.iter().enumerate() {
            let now = UtcMicros(i64::try_from(number).unwrap());
            let before = seen(&store);
            let result = run(&store, act, now);
            match act {
                Act::Create(t) if result.is_ok() => {
                    secrets.insert(TokenId::from_random([*t; 16]), *t);
                }
                Act::Rotate(t, s) if result.is_ok() => {
                    secrets.insert(TokenId::from_random([*t; 16]), *s);
                }
                Act::Refuse => {
                    disk.refuse(true);
                    let refused = run(&store, &Act::Create(77), now);
                    prop_assert!(matches!(refused, Err(TokenError::Store(_))));
                    disk.refuse(false);
                    prop_assert_eq!(&seen(&store), &before);
                }
                Act::Crash(mask) => {
                    disk = disk.after_crash(*mask);
                    store = open(&disk);
                    prop_assert_eq!(&seen(&store), &before);
                }
                Act::Create(_)
                | Act::Suspend(..)
                | Act::Grant(..)
                | Act::Rotate(..)
                | Act::Revoke(_)
                | Act::Expire(_)
                | Act::Delete(_) => {}
            }
            if result.is_err() {
                prop_assert_eq!(&seen(&store), &before);
            }
            for token in store.tokens().list() {
                let found = store.tokens().find(&presented(secrets[&token.id]));
                prop_assert_eq!(&found.unwrap().id, &token.id);
            }
        }
    }
}
