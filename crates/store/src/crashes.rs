//! Losses of power at random moments of random work: what was acknowledged is there, what is missing
//! is at most what nobody had waited for, and the chain is whole.
//!
//! `HOUSEKEY_CRASHES` says how many; a failure names the seed that replays it.

use std::time::Duration;

use housekey_home::time::UtcMicros;
use housekey_policy::Scope;
use tokio::time::Instant;

use crate::audit::{AuditConfig, Chain, KeyPlace, Outcome, Phase, Record};
use crate::disk::Disk;
use crate::limits::AUDIT_BATCH_RECORDS_MAX;
use crate::store::{Store, StoreConfig};
use crate::token::{NewToken, Rate};
use crate::{Presented, Principal, RawToken, TokenError, TokenId, TokenName, TokenStatus};

const CRASHES_DEFAULT: u64 = 60;
const STEPS_MAX: u64 = 120;
/// Writes and syncs of the disk that so many steps make, roughly.
const OPERATIONS_MAX: u64 = 700;

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }
}

/// A token as its owner knows it: its number, its name, its secret and its generation.
type Known = Vec<(u8, String, u8, u64)>;

/// The work of one run, and what was acknowledged of it.
struct Work {
    store: Store,
    dice: Dice,
    known: Known,
    /// What the tokens are like if the change that failed is on the disk all the same.
    in_doubt: Option<Known>,
    /// All records, and whether each was acknowledged as durable.
    sent: Vec<bool>,
    secrets: u8,
}

fn id(number: u8) -> TokenId {
    TokenId::from_random([number; 16])
}

fn secret(number: u8) -> RawToken {
    RawToken::from_random([number; 32])
}

fn record(number: usize) -> Record {
    Record {
        request_id: number.to_string(),
        at: UtcMicros(i64::try_from(number).unwrap()),
        token_id: None,
        token_name: None,
        principal: Some(Principal::Session),
        face: "rest".into(),
        method: "GET".into(),
        resource: "/api/states".to_owned(),
        outcome: Outcome::Allowed,
        client: None,
        pass_through: false,
        payload: None,
        stale_s: None,
        phase: Phase::Read,
        count: 1,
    }
}

impl Work {
    /// Works until the power goes or enough is done.
    async fn run(&mut self) {
        for _ in 0..STEPS_MAX {
            let goes_on = match self.dice.below(10) {
                0..5 => self.read().await,
                5..7 => self.act().await,
                _ => self.change(),
            };
            if !goes_on {
                return;
            }
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    async fn read(&mut self) -> bool {
        let Ok(slot) = self.store.audit().reserve(Self::soon()).await else {
            return false;
        };
        slot.send(record(self.sent.len()));
        self.sent.push(false);
        true
    }

    async fn act(&mut self) -> bool {
        let Ok(mut slot) = self.store.audit().reserve(Self::soon()).await else {
            return false;
        };
        let is_durable = slot.commit(record(self.sent.len())).await.is_ok();
        self.sent.push(is_durable);
        is_durable
    }

    /// Changes a token, or makes one.
    fn change(&mut self) -> bool {
        let mut after = self.known.clone();
        self.secrets += 1;
        let fresh = self.secrets;
        let tokens = self.store.tokens();
        let now = UtcMicros(i64::from(fresh));
        let at = usize::try_from(self.dice.below(after.len() as u64 + 1)).unwrap();
        let changed: Result<(), TokenError> = match (after.get_mut(at), self.dice.below(3)) {
            (None, _) => {
                let name = format!("token-{fresh}");
                after.push((fresh, name.clone(), fresh, 1));
                let new = NewToken {
                    id: id(fresh),
                    name: TokenName::parse(&name).unwrap(),
                    created_by: Principal::Local(0),
                    expires_at: None,
                    scope: Scope::default(),
                    rate: Rate::default(),
                };
                tokens.create(new, &secret(fresh), now).map(drop)
            }
            (Some((number, _, opens, generation)), 0) => {
                (*opens, *generation) = (fresh, *generation + 1);
                tokens.rotate(&id(*number), &secret(fresh), now).map(drop)
            }
            (Some((number, name, _, generation)), 1) => {
                (*name, *generation) = (format!("renamed-{fresh}"), *generation + 1);
                let name = TokenName::parse(name).unwrap();
                tokens
                    .update(&id(*number), now, |edit| edit.name = name)
                    .map(drop)
            }
            (Some((number, ..)), _) => {
                let revoked = tokens.revoke(&id(*number), now).map(drop);
                after.remove(at);
                revoked
            }
        };
        match changed {
            Ok(()) => self.known = after,
            Err(_) => self.in_doubt = Some(after),
        }
        self.in_doubt.is_none()
    }

    /// Looks at what a loss of power left.
    async fn judge(&self, after: &Store) {
        let tokens = tokens_of(after);
        let is_known = tokens == sorted(&self.known);
        let is_in_doubt = self.in_doubt.as_ref().is_some_and(|d| tokens == sorted(d));
        assert!(
            is_known || is_in_doubt,
            "{tokens:?} are not {:?}",
            self.known
        );

        let chain = after.audit().check().unwrap();
        assert!(matches!(chain, Chain::Whole { .. }), "{chain:?}");
        let kept = after.audit().read_after(0, usize::MAX).unwrap();
        let numbers: Vec<usize> = kept
            .iter()
            .map(|kept| kept.record.request_id.parse().unwrap())
            .collect();
        let end = numbers.last().map_or(0, |last| last + 1);
        let begin = end - numbers.len();
        assert_eq!(
            numbers,
            (begin..end).collect::<Vec<_>>(),
            "in order, without a gap"
        );
        let missing = &self.sent[end..];
        assert!(
            !missing.contains(&true),
            "an acknowledged record is missing"
        );
        assert!(missing.len() <= AUDIT_BATCH_RECORDS_MAX);

        let mut slot = after.audit().reserve(Self::soon()).await.unwrap();
        slot.commit(record(end)).await.unwrap();
        let first = &after.audit().read(2, 0).unwrap()[1].record;
        assert_eq!(
            first.method, "housekey.start",
            "the unclean stop is on record"
        );
        let chain = after.audit().check().unwrap();
        assert!(matches!(chain, Chain::Whole { .. }), "{chain:?}");
    }
}

fn sorted(known: &Known) -> Known {
    let mut known = known.clone();
    known.sort();
    known
}

fn tokens_of(store: &Store) -> Known {
    let tokens = store.tokens();
    let known = tokens.list().into_iter().map(|token| {
        assert_eq!(token.status, TokenStatus::Active);
        let opens = (1..=u8::MAX).filter(|number| {
            let presented = Presented::parse(secret(*number).expose()).unwrap();
            tokens
                .find(&presented)
                .is_some_and(|found| found.id == token.id)
        });
        let opens: Vec<u8> = opens.collect();
        let [opens] = *opens else {
            panic!("{} is opened by {opens:?}", token.name);
        };
        let number = (1..=u8::MAX)
            .find(|number| id(*number) == token.id)
            .unwrap();
        (number, token.name.to_string(), opens, token.generation)
    });
    sorted(&known.collect())
}

fn open(disk: &Disk, config: &StoreConfig) -> Store {
    Store::of(disk.database(), KeyPlace::in_memory(), config).unwrap()
}

async fn crash(seed: u64) {
    let mut dice = Dice(seed);
    let config = StoreConfig {
        audit: AuditConfig {
            batch_ms: [1, 3_600_000][usize::try_from(dice.below(2)).unwrap()],
            keep_records_max: [20, 1_000_000][usize::try_from(dice.below(2)).unwrap()],
            retry_ms: 1,
            ..AuditConfig::default()
        },
    };
    let disk = Disk::default();
    let store = open(&disk, &config);
    disk.cut_at(1 + dice.below(OPERATIONS_MAX));
    let survivors =
        [0, u64::MAX, dice.roll(), dice.roll()][usize::try_from(dice.below(4)).unwrap()];
    let mut work = Work {
        store,
        dice,
        known: Vec::new(),
        in_doubt: None,
        sent: Vec::new(),
        secrets: 0,
    };
    work.run().await;
    let after = open(&disk.after_crash(survivors), &config);
    work.judge(&after).await;
}

#[test]
fn what_was_acknowledged_survives_a_loss_of_power_at_any_moment() {
    let count = std::env::var_os("HOUSEKEY_CRASHES");
    let count = count.and_then(|count| count.to_str()?.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    for seed in 0..count.unwrap_or(CRASHES_DEFAULT) {
        let run = || runtime.block_on(crash(seed));
        if let Err(failure) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            eprintln!("the crash of seed {seed} lost something");
            std::panic::resume_unwind(failure);
        }
    }
}
