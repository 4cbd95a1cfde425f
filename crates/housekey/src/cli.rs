//! The command line, as clap reads it. What the words do is in `commands`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A key of its own for every agent in your home.
///
/// Housekey stands beside Home Assistant. Every agent gets a token that opens only what its owner
/// allowed, at a rate the owner set, until a day the owner set, with every use written down.
#[derive(Parser, Debug)]
#[command(
    name = "housekey",
    version,
    after_help = "\
Begin with `housekey demo`: a pretend home, a token and a line for your agent, with nothing to set up.
Then `housekey serve --ha-url http://homeassistant.local:8123 --ha-token-file ha-token`."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Debug, Default)]
pub(crate) struct Global {
    /// Configuration file [default: housekey.toml here, then ~/.config/housekey, then /etc/housekey]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where tokens and the audit are kept, and the socket of the running server
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// What is logged, such as `info` or `debug,housekey_link=trace`
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Start a pretend home and housekey on it, to try things out
    Demo(DemoArgs),
    /// Connect to Home Assistant and serve agents
    Serve(ServeArgs),
    /// Make, look at and end tokens
    #[command(subcommand)]
    Token(TokenCommand),
}

/// `housekey demo`
#[derive(Args, Debug)]
#[command(after_help = "\
The home is a recorded one; its sensors drift while you watch. Nothing outside this machine is reached.
The data lies in a directory that goes away at the end, unless --data-dir names one that stays.")]
pub(crate) struct DemoArgs {
    /// Address to serve on
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8126")]
    pub(crate) listen: SocketAddr,
}

/// `housekey serve`
#[derive(Args, Debug)]
#[command(after_help = "\
The access token of Home Assistant is never an argument, because arguments are seen by every user of
the machine. Make a long-lived one in your Home Assistant profile (best of an administrator's account
of its own) and give it by --ha-token-file, by the variable HOUSEKEY__HOME_ASSISTANT__TOKEN, or on
standard input with --ha-token-stdin.

Each flag is also a key of housekey.toml and a variable; see docs/CONFIGURATION.md.")]
pub(crate) struct ServeArgs {
    #[arg(
        long,
        value_name = "URL",
        help = "Address of Home Assistant, such as http://homeassistant.local:8123"
    )]
    pub(crate) ha_url: Option<String>,
    /// File that holds the access token of Home Assistant
    #[arg(long, value_name = "FILE")]
    pub(crate) ha_token_file: Option<PathBuf>,
    /// Read the access token of Home Assistant from standard input
    #[arg(long, conflicts_with = "ha_token_file")]
    pub(crate) ha_token_stdin: bool,
    /// Address to serve on
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,
}

/// `housekey token …`
#[derive(Subcommand, Debug)]
pub(crate) enum TokenCommand {
    /// Make a token; its secret is shown this once
    Create(CreateArgs),
    /// List tokens
    List {
        /// Those that expired or were revoked
        #[arg(long)]
        archived: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a token opens
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
    /// End a token for good
    Revoke {
        /// Name or id
        token: String,
    },
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
