//! `housekey audit …`, as clap reads it.

use clap::{Args, Subcommand};

/// `housekey audit …`
#[derive(Subcommand, Debug)]
pub(crate) enum AuditCommand {
    /// Show the newest records, the newest last
    Tail(TailArgs),
    /// Show all records of one request
    Show {
        /// Its id: the last column of `audit tail`, and the header `x-request-id` of an answer
        #[arg(value_name = "ID")]
        request: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Check that the record is what was written; exit code 1 and where, when it is not
    #[command(after_help = "\
Each record holds the hash of the one before, and the last is sealed with a key in the file audit.key
beside the database. A changed, missing, moved or inserted record, a cut end and a missing or replaced
key are found. A whole directory that was put back to an earlier state is not.")]
    Verify {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `housekey audit tail`
#[derive(Args, Debug)]
pub(crate) struct TailArgs {
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) lines: usize,
    /// Go on as new ones come (needs the running server)
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Of one token, by id or name
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// With one outcome, such as denied
    #[arg(long, value_name = "OUTCOME")]
    pub(crate) outcome: Option<String>,
    /// As JSON, one record a line
    #[arg(long)]
    pub(crate) json: bool,
}
