//! `Campaign`: start, work, kill, judge; again and again on one directory.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::agent::{self, Answered};
use crate::dice::Dice;
use crate::http::{ANSWER_MAX, ask};
use crate::owner::Owner;
use crate::program::{Program, Server, unix};

/// Readers at a time.
const AGENTS: usize = 2;
/// The kill comes after at most so many requests.
const REQUESTS_MAX: usize = 1200;
/// Records that are kept, so that the oldest go while the work goes on.
const KEPT_MAX: &str = "8000";
/// Records that one round can leave, with those that are kept for the comparison.
const LOOKED_AT: &str = "7000";

/// What became of one kill.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Reads that were answered.
    pub reads: usize,
    /// Acts that were answered.
    pub acts: usize,
    /// Answered reads without a record.
    pub missing: usize,
    /// How long before the kill the first of them was answered.
    pub missing_for: Duration,
    /// Whether readers waited for the disk.
    pub waits: bool,
    /// From the start of the program to its greeting.
    pub started_in: Duration,
}

/// Kills on one data directory.
pub struct Campaign {
    program: Program,
    owner: Owner,
    agent: Option<String>,
    dice: Dice,
    /// The last record that the last round left.
    last_seq: u64,
    rounds: usize,
}

impl Campaign {
    /// A campaign that a seed replays, as far as the machine lets it.
    #[must_use]
    pub fn new(program: Program, seed: u64) -> Self {
        Self {
            program,
            owner: Owner::default(),
            agent: None,
            dice: Dice::new(seed),
            last_seq: 0,
            rounds: 0,
        }
    }

    /// Starts the program, lets agents and an owner work, kills it, and judges what is left.
    ///
    /// # Errors
    /// When something acknowledged is missing, or the chain is broken.
    pub fn round(&mut self) -> Result<Round> {
        let waits = self.rounds % 2 == 1;
        self.rounds += 1;
        let reads = if waits { "before_answer" } else { "batched" };
        let settings = [
            ("HOUSEKEY__AUDIT__READS", reads),
            ("HOUSEKEY__AUDIT__KEEP_RECORDS_MAX", KEPT_MAX),
        ];
        let from = now();
        let server = self.program.start(&settings)?;
        let started_in = from.elapsed();
        self.secrets_open(&server)?;
        let agent = self.agent(&server)?;
        let (answered, killed_at) = self.work(server, &agent)?;
        let lost = self.judge(&answered, waits)?;
        Ok(Round {
            reads: answered.iter().map(Vec::len).sum(),
            acts: self.owner.acknowledged.len(),
            missing: lost.len(),
            missing_for: lost
                .iter()
                .map(|at| killed_at.duration_since(*at))
                .max()
                .unwrap_or_default(),
            waits,
            started_in,
        })
    }

    /// Every secret that was acknowledged opens its token.
    fn secrets_open(&self, server: &Server) -> Result<()> {
        for (token, secret) in self.owner.tokens.values() {
            let Some(secret) = secret else { continue };
            let opens = agent::opens(server.address(), secret)?;
            ensure!(opens, "the secret of {token} opens nothing");
        }
        Ok(())
    }

    /// The secret of the readers' token, which the first round makes.
    fn agent(&mut self, server: &Server) -> Result<String> {
        if let Some(secret) = &self.agent {
            ensure!(
                agent::opens(server.address(), secret)?,
                "the agent is locked out"
            );
            return Ok(secret.clone());
        }
        let order = json!({"name": "agent", "read": ["light"], "rate_per_minute": 0});
        let path = "/api/admin/tokens";
        let answer = ask(unix(server.socket())?, "POST", path, None, &order)?;
        let secret = answer.body.get("secret").and_then(Value::as_str);
        let secret = secret
            .with_context(|| format!("no agent: {answer:?}"))?
            .to_owned();
        self.agent = Some(secret.clone());
        Ok(secret)
    }

    /// Lets all work until the kill; what each agent was answered, and when the kill was.
    fn work(&mut self, server: Server, secret: &str) -> Result<(Vec<Vec<Answered>>, Instant)> {
        let enough = 1 + self.dice.below(REQUESTS_MAX);
        let (address, socket) = (server.address().to_owned(), server.socket().to_owned());
        let (done, counted) = mpsc::channel();
        thread::scope(|scope| {
            let agents: Vec<_> = (0..AGENTS)
                .map(|_| {
                    let (address, done) = (&address, done.clone());
                    scope.spawn(move || agent::read(address, secret, &done))
                })
                .collect();
            let (owner, dice, socket) = (&mut self.owner, &mut self.dice, &socket);
            let acts = scope.spawn(move || owner.act(socket, dice, &done));
            let mut result = Ok(());
            for _ in 0..enough {
                if let Err(error) = counted.recv_timeout(ANSWER_MAX) {
                    result = Err(error).context("the program stopped answering by itself");
                    break;
                }
            }
            let killed_at = now();
            server.kill()?;
            let lost = |_| anyhow::anyhow!("a worker panicked");
            let answered = agents
                .into_iter()
                .map(|agent| agent.join().map_err(lost))
                .collect::<Result<Vec<_>>>()?;
            acts.join().map_err(lost)??;
            result.map(|()| (answered, killed_at))
        })
    }

    /// Looks at what is left, without a server. When reads were answered that have no record.
    fn judge(&mut self, answered: &[Vec<Answered>], waits: bool) -> Result<Vec<Instant>> {
        self.program.json(&["audit", "verify", "--json"])?;
        let listed = self.program.json(&["token", "list", "--json"])?;
        let listed = listed
            .first()
            .and_then(|answer| answer.get("tokens")?.as_array());
        self.owner.judge(listed.context("no list of tokens")?)?;

        let records = self
            .program
            .json(&["audit", "tail", "--json", "-n", LOOKED_AT])?;
        let seq = |record: &Value| record.get("seq").and_then(Value::as_u64).unwrap_or(0);
        let fresh: Vec<&Value> = records.iter().filter(|r| seq(r) > self.last_seq).collect();
        let is_start = |record: &&&Value| record.get("method") == Some(&json!("housekey.start"));
        let starts = fresh.iter().filter(is_start).count();
        let first_is = fresh.first().is_some_and(|record| is_start(&record));
        let after_a_kill = self.last_seq > 0;
        ensure!(
            starts == usize::from(after_a_kill) && first_is == after_a_kill,
            "the unclean stop is on record {starts} times, and the first record says so: {first_is}"
        );
        self.last_seq = records.last().map_or(0, seq);

        let ids: BTreeSet<&str> = fresh
            .iter()
            .filter_map(|record| record.get("request_id")?.as_str())
            .collect();
        for act in &self.owner.acknowledged {
            ensure!(ids.contains(act.as_str()), "no record of the act {act}");
        }
        let mut lost = Vec::new();
        for reads in answered {
            let has_record = |(id, _): &&Answered| ids.contains(id.as_str());
            let after_the_last: Vec<&Answered> = reads.iter().skip_while(has_record).collect();
            let is_end = !after_the_last.iter().any(has_record);
            ensure!(is_end, "a read is missing whose successor has a record");
            lost.extend(after_the_last.into_iter().map(|(_, at)| *at));
        }
        ensure!(
            !waits || lost.is_empty(),
            "{} reads were answered before their record",
            lost.len()
        );
        Ok(lost)
    }
}

#[expect(clippy::disallowed_methods, reason = "a campaign measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
