//! The command line, as clap reads it. What the words do is in `commands`.

mod audit;
mod token;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use audit::{AuditCommand, TailArgs};
pub(crate) use token::{CreateArgs, PermitArgs, SetArgs, TokenCommand, YesNo};

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
    /// Make, look at, change and end tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// See what was asked and done, and whether the record of it is whole
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check the configuration, or see what counts and why
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Find out what is wrong: with Home Assistant, its token, the clock, the address of this server
    Doctor(DoctorArgs),
    /// Print the completions of a shell
    #[command(after_help = "\
  housekey completions bash > ~/.local/share/bash-completion/completions/housekey
  housekey completions zsh > ~/.zfunc/_housekey
  housekey completions fish > ~/.config/fish/completions/housekey.fish")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page, or write one for every command into a directory
    Man {
        /// Where to write them
        directory: Option<PathBuf>,
    },
}

/// `housekey config …`
#[derive(Subcommand, Debug)]
pub(crate) enum ConfigCommand {
    /// Say whether `housekey serve` would start with it; exit code 64 when not
    Check,
    /// Print every key with what counts and where that comes from; secrets are masked
    Print {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `housekey doctor`
#[derive(Args, Debug)]
#[command(after_help = "\
Home Assistant is asked once. A token that it refuses is not tried again, because Home Assistant bans
addresses that try too often. Exit code 0 when nothing failed, 1 when something did, 64 for an invalid
configuration.")]
pub(crate) struct DoctorArgs {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
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
