//! Every number that bounds what is kept and what waits; units are in the names.

/// Shortest name of a token, in characters (ATM 1.1).
pub const TOKEN_NAME_CHARS_MIN: usize = 3;
/// Longest name of a token, in characters (ATM 1.1).
pub const TOKEN_NAME_CHARS_MAX: usize = 32;
/// Most tokens that are not archived.
pub const TOKENS_MAX: usize = 10_000;
/// Most archived tokens; the ones that ended first go first.
pub const TOKENS_ARCHIVED_MAX: usize = 10_000;

/// Most records between [`crate::Audit::reserve`] and the disk.
pub const AUDIT_QUEUE_RECORDS_MAX: usize = 4096;
/// Most records in one commit.
pub const AUDIT_BATCH_RECORDS_MAX: usize = 512;
/// How long a record of a read waits for others, in milliseconds.
pub const AUDIT_BATCH_MS: u64 = 50;
/// How long the writer waits after a failed commit before it tries again, in milliseconds.
pub const AUDIT_RETRY_MS: u64 = 1000;
/// Most records that are kept.
pub const AUDIT_KEEP_RECORDS_MAX: u64 = 1_000_000;
/// How long a record is kept, in days.
pub const AUDIT_KEEP_DAYS_MAX: u32 = 365;
/// Most records that the clean-up by age removes in one commit.
pub const AUDIT_AGED_RECORDS_MAX: u64 = 4096;
/// Longest payload of a record, in characters (ATM 1.1).
pub const AUDIT_PAYLOAD_CHARS_MAX: usize = 2048;
/// Longest other text of a record, in characters.
pub const AUDIT_TEXT_CHARS_MAX: usize = 512;
/// Most records that one reading looks at.
pub const AUDIT_READ_RECORDS_MAX: usize = 100_000;

/// Most addresses whose failed authentications are counted apart; the rest share one count.
pub const FAILED_ADDRESSES_MAX: usize = 1024;
/// Most records of failed authentications on their way to the disk.
pub const FAILED_QUEUE_RECORDS_MAX: usize = 256;
/// How long failed authentications of an address are counted together, in seconds.
pub const FAILED_WINDOW_S: i64 = 60;

/// Memory for pages of the database, in bytes.
pub const DATABASE_CACHE_BYTES: usize = 16 * 1024 * 1024;

const _: () = assert!(
    AUDIT_BATCH_RECORDS_MAX <= AUDIT_QUEUE_RECORDS_MAX,
    "a batch cannot be larger than what may wait"
);
const _: () = assert!(
    FAILED_QUEUE_RECORDS_MAX < AUDIT_QUEUE_RECORDS_MAX,
    "failed authentications never crowd out requests"
);
