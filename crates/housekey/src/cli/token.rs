//! `housekey token …`, as clap reads it.

use clap::{Args, Subcommand, ValueEnum};

/// `housekey token …`
#[derive(Subcommand, Debug)]
pub(crate) enum TokenCommand {
    /// Make a token; its secret is shown this once
    Create(CreateArgs),
    /// List tokens
    #[command(visible_alias = "ls")]
    List {
        /// Those that expired or were revoked
        #[arg(long)]
        archived: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the tokens that expired or were revoked
    Archived {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is known of a token
    Show {
        /// Name or id
        token: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say why a token may or may not read and write an entity (needs the running server)
    Explain {
        /// Entity id, such as light.kitchen
        entity: String,
        /// The token, by name or id [default: every token]
        #[arg(long)]
        token: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List what a token can read and write in the home, by area (needs the running server)
    Scope {
        /// Name or id
        token: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Change what a token may read and write
    Permit(PermitArgs),
    /// Change the limits, the capabilities or the name of a token
    Set(SetArgs),
    /// Give a token another secret; the one before opens nothing any more
    Rotate {
        /// Name or id
        token: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a token for good
    Revoke {
        /// Name or id
        token: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `housekey token permit`
#[derive(Args, Debug)]
#[command(after_help = "\
What is not named stays as it is. An item is a domain (light), an entity (light.kitchen) or a device
(device:ID).

  housekey token permit claude --write light.desk --deny camera --clear sensor")]
pub(crate) struct PermitArgs {
    /// Name or id
    pub(crate) token: String,
    /// May be read
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub(crate) read: Vec<String>,
    /// May be read and written
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub(crate) write: Vec<String>,
    /// Is denied, whatever else is granted
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub(crate) deny: Vec<String>,
    /// Is neither granted nor denied by itself any more; what is wider decides again
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub(crate) clear: Vec<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `housekey token set`
#[derive(Args, Debug)]
#[command(after_help = "\
What is not named stays as it is. Capabilities are automation_write, script_write, config_read,
template_render, restart, physical_control, service_response, broadcast and log_read.

  housekey token set claude --expires 30d --rate 20 --allow template_render
  housekey token set claude --suspend")]
pub(crate) struct SetArgs {
    /// Name or id
    pub(crate) token: String,
    /// When it ends: a day (2027-01-31, its midnight in UTC), a time (2027-01-31T12:00:00+01:00) or
    /// a while (30d, 12h)
    #[arg(long, value_name = "WHEN", conflicts_with = "no_expires")]
    pub(crate) expires: Option<String>,
    /// It does not end by itself
    #[arg(long)]
    pub(crate) no_expires: bool,
    /// Requests a minute, 0 for no limit
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<u32>,
    /// Requests a second, 0 for no limit
    #[arg(long, value_name = "N")]
    pub(crate) burst: Option<u32>,
    /// Give a capability
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,
    /// Take a capability
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub(crate) forbid: Vec<String>,
    /// Open everything that exists
    #[arg(long, value_name = "YES|NO")]
    pub(crate) pass_through: Option<YesNo>,
    /// Open nothing that is not exposed to Home Assistant's assistant
    #[arg(long, value_name = "YES|NO")]
    pub(crate) assist_exposure: Option<YesNo>,
    /// Open nothing until it is resumed
    #[arg(long, conflicts_with = "resume")]
    pub(crate) suspend: bool,
    /// Open again what it opened before
    #[arg(long)]
    pub(crate) resume: bool,
    /// Another name
    #[arg(long, value_name = "NAME")]
    pub(crate) rename: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// An answer.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum YesNo {
    /// It is so.
    Yes,
    /// It is not.
    No,
}

/// `housekey token create`
#[derive(Args, Debug)]
#[command(after_help = "\
A grant names a domain (light), an entity (light.kitchen) or a device (device:ID). The most specific
grant decides; a denied item stays denied whatever else is granted. Without any grant a token opens
nothing.

  housekey token create claude --read light,sensor --write light.kitchen --deny lock
  housekey token create guest --read light --expires 14d --rate 20")]
pub(crate) struct CreateArgs {
    /// 3 to 32 letters, digits, `_` and `-`
    pub(crate) name: String,
    /// May be read
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub(crate) read: Vec<String>,
    /// May be read and written
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub(crate) write: Vec<String>,
    /// Is denied
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub(crate) deny: Vec<String>,
    /// Open everything that exists
    #[arg(long)]
    pub(crate) pass_through: bool,
    /// Open nothing that is not exposed to Home Assistant's assistant
    #[arg(long)]
    pub(crate) assist_exposure: bool,
    /// Requests a minute, 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(crate) rate: u32,
    /// Requests a second, 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) burst: u32,
    /// When it ends: a day (2027-01-31, its midnight in UTC), a time (2027-01-31T12:00:00+01:00) or
    /// a while (30d, 12h)
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}
